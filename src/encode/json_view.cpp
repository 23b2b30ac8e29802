// See json_view.hpp. Field names are OTLP's own, in snake_case as in its schema.
#include "encode/json_view.hpp"

#include <cmath>
#include <cstddef>

namespace judgeval::encode {
namespace {

using nlohmann::json;

struct ValueView {
    json operator()(std::monostate) const { return nullptr; }
    json operator()(const std::string& text) const { return text; }
    json operator()(bool value) const { return value; }
    json operator()(std::int64_t value) const { return value; }
    json operator()(double value) const {
        if (std::isnan(value)) {
            return "NaN";
        }
        if (std::isinf(value)) {
            return value > 0 ? "Infinity" : "-Infinity";
        }
        return value;
    }
    json operator()(const Bytes& bytes) const { return to_hex(bytes.data); }
    json operator()(const std::vector<AnyValue>& elements) const {
        json result = json::array();
        for (const AnyValue& element : elements) {
            result.push_back(json_view(element));
        }
        return result;
    }
    json operator()(const std::vector<KeyValue>& entries) const { return json_view(entries); }
};

json id_view(std::string_view id) { return id.empty() ? json(nullptr) : json(to_hex(id)); }

json status_view(const Status& status) {
    json code;
    switch (status.code) {
        case StatusCode::unset:
            code = "unset";
            break;
        case StatusCode::ok:
            code = "ok";
            break;
        case StatusCode::error:
            code = "error";
            break;
        default:  // a number this version of the schema does not name
            code = static_cast<std::int32_t>(status.code);
    }
    return {{"code", std::move(code)}, {"message", status.message}};
}

json event_view(const Event& event) {
    return {{"time_unix_nano", event.time_unix_nano},
            {"name", event.name},
            {"attributes", json_view(event.attributes)},
            {"dropped_attributes_count", event.dropped_attributes_count}};
}

json link_view(const Link& link) {
    return {{"trace_id", id_view(link.trace_id)},
            {"span_id", id_view(link.span_id)},
            {"trace_state", link.trace_state},
            {"flags", link.flags},
            {"attributes", json_view(link.attributes)},
            {"dropped_attributes_count", link.dropped_attributes_count}};
}

}  // namespace

std::string to_hex(std::string_view bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string result;
    result.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        result += kDigits[value >> 4U];
        result += kDigits[value & 0x0FU];
    }
    return result;
}

json json_view(const AnyValue& value) { return std::visit(ValueView{}, value.value); }

json json_view(const Attributes& attributes) {
    json result = json::object();
    for (const KeyValue& attribute : attributes) {
        result[attribute.key] = json_view(attribute.value);
    }
    return result;
}

json json_view(const Span& span) {
    json events = json::array();
    for (const Event& event : span.events) {
        events.push_back(event_view(event));
    }
    json links = json::array();
    for (const Link& link : span.links) {
        links.push_back(link_view(link));
    }
    return {{"trace_id", id_view(span.trace_id)},
            {"span_id", id_view(span.span_id)},
            {"parent_span_id", id_view(span.parent_span_id)},
            {"trace_state", span.trace_state},
            {"name", span.name},
            {"kind", span.kind},
            {"flags", span.flags},
            {"start_time_unix_nano", span.start_time_unix_nano},
            {"end_time_unix_nano", span.end_time_unix_nano},
            {"attributes", json_view(span.attributes)},
            {"dropped_attributes_count", span.dropped_attributes_count},
            {"events", std::move(events)},
            {"dropped_events_count", span.dropped_events_count},
            {"links", std::move(links)},
            {"dropped_links_count", span.dropped_links_count},
            {"status", status_view(span.status)}};
}

json json_view(const Resource& resource) {
    return {{"attributes", json_view(resource.attributes)},
            {"dropped_attributes_count", resource.dropped_attributes_count}};
}

json json_view(const Scope& scope) {
    return {{"name", scope.name},
            {"version", scope.version},
            {"attributes", json_view(scope.attributes)},
            {"dropped_attributes_count", scope.dropped_attributes_count}};
}

json json_view(const ResourceSpans& resource_spans) {
    json scopes = json::array();
    for (const ScopeSpans& scope_spans : resource_spans.scope_spans) {
        json spans = json::array();
        for (const Span& span : scope_spans.spans) {
            spans.push_back(json_view(span));
        }
        scopes.push_back({{"scope", json_view(scope_spans.scope)},
                          {"schema_url", scope_spans.schema_url},
                          {"spans", std::move(spans)}});
    }
    return {{"resource", json_view(resource_spans.resource)},
            {"schema_url", resource_spans.schema_url},
            {"scope_spans", std::move(scopes)}};
}

std::string to_text(const json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace judgeval::encode
