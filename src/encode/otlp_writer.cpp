// One write_* function for each message of the OTLP trace schema. What protobuf takes for the default is left
// out, but for the alternatives of a value, where even a zero says which one it is.
#include "encode/otlp_writer.hpp"

#include <protozero/pbf_writer.hpp>
#include <type_traits>
#include <variant>

namespace judgeval::encode {
namespace {

using protozero::pbf_writer;

void write_key_value(pbf_writer writer, const KeyValue& pair);

/// By way of strings where a message may be empty: protozero takes an empty nested message for none.
void write_any_value(pbf_writer writer, const AnyValue& value) {
    std::visit(
        [&writer](const auto& held) {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, std::string>) {
                writer.add_string(1, held);
            } else if constexpr (std::is_same_v<Held, bool>) {
                writer.add_bool(2, held);
            } else if constexpr (std::is_same_v<Held, std::int64_t>) {
                writer.add_int64(3, held);
            } else if constexpr (std::is_same_v<Held, double>) {
                writer.add_double(4, held);
            } else if constexpr (std::is_same_v<Held, std::vector<AnyValue>>) {
                std::string elements;
                pbf_writer array{elements};
                for (const AnyValue& element : held) {
                    std::string bytes;
                    write_any_value(pbf_writer{bytes}, element);
                    array.add_message(1, bytes);
                }
                writer.add_message(5, elements);
            } else if constexpr (std::is_same_v<Held, std::vector<KeyValue>>) {
                std::string entries;
                pbf_writer list{entries};
                for (const KeyValue& entry : held) {
                    write_key_value(pbf_writer{list, 1}, entry);
                }
                writer.add_message(6, entries);
            } else if constexpr (std::is_same_v<Held, Bytes>) {
                writer.add_bytes(7, held.data);
            }
        },
        value.value);
}

void write_key_value(pbf_writer writer, const KeyValue& pair) {
    writer.add_string(1, pair.key);
    std::string bytes;
    write_any_value(pbf_writer{bytes}, pair.value);
    writer.add_message(2, bytes);
}

void write_attributes(pbf_writer& writer, protozero::pbf_tag_type tag, const Attributes& attributes) {
    for (const KeyValue& attribute : attributes) {
        write_key_value(pbf_writer{writer, tag}, attribute);
    }
}

void write_text(pbf_writer& writer, protozero::pbf_tag_type tag, const std::string& text) {
    if (!text.empty()) {
        writer.add_string(tag, text);
    }
}

void write_count(pbf_writer& writer, protozero::pbf_tag_type tag, std::uint32_t count) {
    if (count != 0) {
        writer.add_uint32(tag, count);
    }
}

void write_event(pbf_writer writer, const Event& event) {
    writer.add_fixed64(1, event.time_unix_nano);
    write_text(writer, 2, event.name);
    write_attributes(writer, 3, event.attributes);
    write_count(writer, 4, event.dropped_attributes_count);
}

void write_link(pbf_writer writer, const Link& link) {
    writer.add_bytes(1, link.trace_id);
    writer.add_bytes(2, link.span_id);
    write_text(writer, 3, link.trace_state);
    write_attributes(writer, 4, link.attributes);
    write_count(writer, 5, link.dropped_attributes_count);
    if (link.flags != 0) {
        writer.add_fixed32(6, link.flags);
    }
}

void write_status(pbf_writer writer, const Status& status) {
    write_text(writer, 2, status.message);
    if (status.code != StatusCode::unset) {
        writer.add_enum(3, static_cast<std::int32_t>(status.code));
    }
}

void write_span(pbf_writer writer, const Span& span) {
    writer.add_bytes(1, span.trace_id);
    writer.add_bytes(2, span.span_id);
    write_text(writer, 3, span.trace_state);
    if (!span.is_root()) {
        writer.add_bytes(4, span.parent_span_id);
    }
    write_text(writer, 5, span.name);
    if (span.kind != 0) {
        writer.add_enum(6, span.kind);
    }
    writer.add_fixed64(7, span.start_time_unix_nano);
    writer.add_fixed64(8, span.end_time_unix_nano);
    write_attributes(writer, 9, span.attributes);
    write_count(writer, 10, span.dropped_attributes_count);
    for (const Event& event : span.events) {
        write_event(pbf_writer{writer, 11}, event);
    }
    write_count(writer, 12, span.dropped_events_count);
    for (const Link& link : span.links) {
        write_link(pbf_writer{writer, 13}, link);
    }
    write_count(writer, 14, span.dropped_links_count);
    if (span.status.code != StatusCode::unset || !span.status.message.empty()) {
        write_status(pbf_writer{writer, 15}, span.status);
    }
    if (span.flags != 0) {
        writer.add_fixed32(16, span.flags);
    }
}

void write_scope(pbf_writer writer, const Scope& scope) {
    write_text(writer, 1, scope.name);
    write_text(writer, 2, scope.version);
    write_attributes(writer, 3, scope.attributes);
    write_count(writer, 4, scope.dropped_attributes_count);
}

void write_resource(pbf_writer writer, const Resource& resource) {
    write_attributes(writer, 1, resource.attributes);
    write_count(writer, 2, resource.dropped_attributes_count);
}

}  // namespace

std::string write_span(const Span& span) {
    std::string bytes;
    write_span(pbf_writer{bytes}, span);
    return bytes;
}

std::string write_trace_request(const TraceRequest& request) {
    std::string bytes;
    pbf_writer writer{bytes};
    for (const ResourceSpans& resource_spans : request.resource_spans) {
        pbf_writer resource_writer{writer, 1};
        write_resource(pbf_writer{resource_writer, 1}, resource_spans.resource);
        for (const ScopeSpans& scope_spans : resource_spans.scope_spans) {
            pbf_writer scope_writer{resource_writer, 2};
            write_scope(pbf_writer{scope_writer, 1}, scope_spans.scope);
            for (const Span& span : scope_spans.spans) {
                write_span(pbf_writer{scope_writer, 2}, span);
            }
            write_text(scope_writer, 3, scope_spans.schema_url);
        }
        write_text(resource_writer, 3, resource_spans.schema_url);
    }
    return bytes;
}

}  // namespace judgeval::encode
