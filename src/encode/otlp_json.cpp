// See otlp_json.hpp. In the order of the fields in OTLP's schema.
#include "encode/otlp_json.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

#include "encode/json_view.hpp"

namespace judgeval::encode {
namespace {

using json = nlohmann::ordered_json;

std::string to_base64(std::string_view bytes) {
    static constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string result;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::string_view three = bytes.substr(i, 3);
        std::uint32_t bits = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            bits = bits << 8U | (j < three.size() ? static_cast<unsigned char>(three[j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            result += j <= three.size() ? kDigits[bits >> (18 - 6 * j) & 63U] : '=';
        }
    }
    return result;
}

json value_json(const AnyValue& value);
json attributes_json(const Attributes& attributes);

struct ValueJson {
    json operator()(std::monostate) const { return json::object(); }
    json operator()(const std::string& text) const { return {{"stringValue", text}}; }
    json operator()(bool value) const { return {{"boolValue", value}}; }
    json operator()(std::int64_t value) const { return {{"intValue", std::to_string(value)}}; }
    json operator()(double value) const {
        json number = value;
        if (std::isnan(value)) {
            number = "NaN";
        } else if (std::isinf(value)) {
            number = value > 0 ? "Infinity" : "-Infinity";
        }
        return {{"doubleValue", std::move(number)}};
    }
    json operator()(const Bytes& bytes) const { return {{"bytesValue", to_base64(bytes.data)}}; }
    json operator()(const std::vector<AnyValue>& elements) const {
        json values = json::array();
        for (const AnyValue& element : elements) {
            values.push_back(value_json(element));
        }
        return {{"arrayValue", {{"values", std::move(values)}}}};
    }
    json operator()(const std::vector<KeyValue>& entries) const {
        return {{"kvlistValue", {{"values", attributes_json(entries)}}}};
    }
};

json value_json(const AnyValue& value) { return std::visit(ValueJson{}, value.value); }

json attributes_json(const Attributes& attributes) {
    json result = json::array();
    for (const KeyValue& attribute : attributes) {
        result.push_back({{"key", attribute.key}, {"value", value_json(attribute.value)}});
    }
    return result;
}

void add_text(json& object, const char* name, const std::string& text) {
    if (!text.empty()) {
        object[name] = text;
    }
}

void add_number(json& object, const char* name, std::uint32_t number) {
    if (number != 0) {
        object[name] = number;
    }
}

void add_attributes(json& object, const Attributes& attributes, std::uint32_t dropped) {
    if (!attributes.empty()) {
        object["attributes"] = attributes_json(attributes);
    }
    add_number(object, "droppedAttributesCount", dropped);
}

json event_json(const Event& event) {
    json result{{"timeUnixNano", std::to_string(event.time_unix_nano)}, {"name", event.name}};
    add_attributes(result, event.attributes, event.dropped_attributes_count);
    return result;
}

json link_json(const Link& link) {
    json result{{"traceId", to_hex(link.trace_id)}, {"spanId", to_hex(link.span_id)}};
    add_text(result, "traceState", link.trace_state);
    add_attributes(result, link.attributes, link.dropped_attributes_count);
    add_number(result, "flags", link.flags);
    return result;
}

template <typename Message, typename View>
void add_messages(json& object, const char* name, const std::vector<Message>& messages, View view) {
    for (const Message& message : messages) {
        object[name].push_back(view(message));
    }
}

json span_json(const Span& span) {
    json result{{"traceId", to_hex(span.trace_id)}, {"spanId", to_hex(span.span_id)}};
    add_text(result, "traceState", span.trace_state);
    add_text(result, "parentSpanId", to_hex(span.parent_span_id));
    add_number(result, "flags", span.flags);
    result["name"] = span.name;
    result["kind"] = span.kind;
    result["startTimeUnixNano"] = std::to_string(span.start_time_unix_nano);
    result["endTimeUnixNano"] = std::to_string(span.end_time_unix_nano);
    add_attributes(result, span.attributes, span.dropped_attributes_count);
    add_messages(result, "events", span.events, event_json);
    add_number(result, "droppedEventsCount", span.dropped_events_count);
    add_messages(result, "links", span.links, link_json);
    add_number(result, "droppedLinksCount", span.dropped_links_count);
    json status = json::object();
    add_text(status, "message", span.status.message);
    if (span.status.code != StatusCode::unset) {
        status["code"] = static_cast<std::int32_t>(span.status.code);
    }
    if (!status.empty()) {
        result["status"] = std::move(status);
    }
    return result;
}

json scope_spans_json(const ScopeSpans& scope_spans) {
    const Scope& from = scope_spans.scope;
    json scope = json::object();
    add_text(scope, "name", from.name);
    add_text(scope, "version", from.version);
    add_attributes(scope, from.attributes, from.dropped_attributes_count);
    json result{{"scope", std::move(scope)}};
    add_messages(result, "spans", scope_spans.spans, span_json);
    add_text(result, "schemaUrl", scope_spans.schema_url);
    return result;
}

}  // namespace

nlohmann::ordered_json otlp_json(const ResourceSpans& resource_spans) {
    json resource = json::object();
    add_attributes(resource, resource_spans.resource.attributes,
                   resource_spans.resource.dropped_attributes_count);
    json element{{"resource", std::move(resource)}};
    add_messages(element, "scopeSpans", resource_spans.scope_spans, scope_spans_json);
    add_text(element, "schemaUrl", resource_spans.schema_url);
    json elements = json::array();
    elements.push_back(std::move(element));
    return {{"resourceSpans", std::move(elements)}};
}

std::string to_text(const nlohmann::ordered_json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace judgeval::encode
