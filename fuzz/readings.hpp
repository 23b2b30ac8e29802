// What the targets of the readers share: a reading written as OTLP by protozero, which also tells whether two
// readings are the same, and what a receiver may rely on in what was not objected to.
#pragma once

#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <string>

#include "encode/otlp_reader.hpp"
#include "judgeval/text.hpp"
#include "require.hpp"

namespace judgeval::fuzz {

// ---- what was read, as OTLP again: the comparison of two readings, too ----

inline void write(protozero::pbf_writer any, const encode::AnyValue& value);

inline void write(protozero::pbf_writer& message, protozero::pbf_tag_type field,
                  const encode::Attributes& attributes) {
    for (const encode::KeyValue& attribute : attributes) {
        protozero::pbf_writer pair(message, field);
        pair.add_string(1, attribute.key);
        write(protozero::pbf_writer(pair, 2), attribute.value);
    }
}

inline void write(protozero::pbf_writer any, const encode::AnyValue& value) {
    if (const auto* const text = std::get_if<std::string>(&value.value)) any.add_string(1, *text);
    if (const auto* const boolean = std::get_if<bool>(&value.value)) any.add_bool(2, *boolean);
    if (const auto* const integer = std::get_if<std::int64_t>(&value.value)) any.add_int64(3, *integer);
    if (const auto* const floating = std::get_if<double>(&value.value)) any.add_double(4, *floating);
    if (const auto* const elements = std::get_if<std::vector<encode::AnyValue>>(&value.value)) {
        protozero::pbf_writer array(any, 5);
        for (const encode::AnyValue& element : *elements) write(protozero::pbf_writer(array, 1), element);
    }
    if (const auto* const entries = std::get_if<std::vector<encode::KeyValue>>(&value.value)) {
        protozero::pbf_writer list(any, 6);
        write(list, 1, *entries);
    }
    if (const auto* const bytes = std::get_if<encode::Bytes>(&value.value)) any.add_bytes(7, bytes->data);
}

inline void write(protozero::pbf_writer message, const encode::Span& span) {
    message.add_bytes(1, span.trace_id);
    message.add_bytes(2, span.span_id);
    message.add_string(3, span.trace_state);
    message.add_bytes(4, span.parent_span_id);
    message.add_string(5, span.name);
    message.add_enum(6, span.kind);
    message.add_fixed64(7, span.start_time_unix_nano);
    message.add_fixed64(8, span.end_time_unix_nano);
    write(message, 9, span.attributes);
    message.add_uint32(10, span.dropped_attributes_count);
    for (const encode::Event& event : span.events) {
        protozero::pbf_writer writer(message, 11);
        writer.add_fixed64(1, event.time_unix_nano);
        writer.add_string(2, event.name);
        write(writer, 3, event.attributes);
        writer.add_uint32(4, event.dropped_attributes_count);
    }
    message.add_uint32(12, span.dropped_events_count);
    for (const encode::Link& link : span.links) {
        protozero::pbf_writer writer(message, 13);
        writer.add_bytes(1, link.trace_id);
        writer.add_bytes(2, link.span_id);
        writer.add_string(3, link.trace_state);
        write(writer, 4, link.attributes);
        writer.add_uint32(5, link.dropped_attributes_count);
        writer.add_fixed32(6, link.flags);
    }
    message.add_uint32(14, span.dropped_links_count);
    {
        protozero::pbf_writer status(message, 15);
        status.add_string(2, span.status.message);
        status.add_enum(3, static_cast<std::int32_t>(span.status.code));
    }
    message.add_fixed32(16, span.flags);
}

inline std::string written(const encode::Span& span) {
    std::string bytes;
    write(protozero::pbf_writer(bytes), span);
    return bytes;
}

inline std::string written(const encode::TraceRequest& request) {
    std::string bytes;
    protozero::pbf_writer message(bytes);
    for (const encode::ResourceSpans& resource_spans : request.resource_spans) {
        protozero::pbf_writer of_resource(message, 1);
        {
            protozero::pbf_writer resource(of_resource, 1);
            write(resource, 1, resource_spans.resource.attributes);
            resource.add_uint32(2, resource_spans.resource.dropped_attributes_count);
        }
        for (const encode::ScopeSpans& scope_spans : resource_spans.scope_spans) {
            protozero::pbf_writer of_scope(of_resource, 2);
            {
                protozero::pbf_writer scope(of_scope, 1);
                scope.add_string(1, scope_spans.scope.name);
                scope.add_string(2, scope_spans.scope.version);
                write(scope, 3, scope_spans.scope.attributes);
                scope.add_uint32(4, scope_spans.scope.dropped_attributes_count);
            }
            for (const encode::Span& span : scope_spans.spans)
                write(protozero::pbf_writer(of_scope, 2), span);
            of_scope.add_string(3, scope_spans.schema_url);
        }
        of_resource.add_string(3, resource_spans.schema_url);
    }
    return bytes;
}

// ---- what a receiver may rely on ----

inline void require_text(const std::string& text) {
    require(detail::is_utf8(text.data(), text.size()), "text that was not objected to is UTF-8");
}

inline void require_fit(const encode::Attributes& attributes, int depth = 1);

inline void require_fit(const encode::AnyValue& value, int depth) {
    require(depth <= encode::kMaximumValueDepth, "values are nested no deeper than stated");
    if (const auto* const text = std::get_if<std::string>(&value.value)) require_text(*text);
    if (const auto* const elements = std::get_if<std::vector<encode::AnyValue>>(&value.value)) {
        for (const encode::AnyValue& element : *elements) require_fit(element, depth + 1);
    }
    if (const auto* const entries = std::get_if<std::vector<encode::KeyValue>>(&value.value)) {
        require_fit(*entries, depth + 1);
    }
}

inline void require_fit(const encode::Attributes& attributes, int depth) {
    for (const encode::KeyValue& attribute : attributes) {
        require_text(attribute.key);
        require_fit(attribute.value, depth);
        require(encode::find_attribute(attributes, attribute.key) != nullptr, "an attribute is found");
    }
}

inline void require_id(const std::string& id, std::size_t size) {
    require(id.size() == size && id.find_first_not_of('\0') != std::string::npos,
            "an id that was not objected to has its size and is not zero");
}

inline void require_fit(const encode::Span& span) {
    require_id(span.trace_id, 16);
    require_id(span.span_id, 8);
    if (!span.is_root()) require_id(span.parent_span_id, 8);
    require_text(span.name);
    require_text(span.trace_state);
    require_text(span.status.message);
    require_fit(span.attributes);
    for (const encode::Event& event : span.events) {
        require_text(event.name);
        require_fit(event.attributes);
    }
    for (const encode::Link& link : span.links) {
        require_id(link.trace_id, 16);
        require_id(link.span_id, 8);
        require_text(link.trace_state);
        require_fit(link.attributes);
    }
}

}  // namespace judgeval::fuzz
