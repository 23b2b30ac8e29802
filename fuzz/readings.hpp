// What the targets of the readers share: what a receiver may rely on in what was not objected to.
#pragma once

#include <cstddef>
#include <string>

#include "encode/otlp_reader.hpp"
#include "judgeval/text.hpp"
#include "require.hpp"

namespace judgeval::fuzz {

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

/// The resource and its scopes; their spans as far as nothing was objected to.
inline void require_fit(const encode::ResourceSpans& resource_spans) {
    require_fit(resource_spans.resource.attributes);
    require_text(resource_spans.schema_url);
    for (const encode::ScopeSpans& scope_spans : resource_spans.scope_spans) {
        require_fit(scope_spans.scope.attributes);
        require_text(scope_spans.scope.name);
        require_text(scope_spans.scope.version);
        require_text(scope_spans.schema_url);
        for (const encode::Span& span : scope_spans.spans) {
            if (span.rejection.empty()) require_fit(span);
        }
    }
}

}  // namespace judgeval::fuzz
