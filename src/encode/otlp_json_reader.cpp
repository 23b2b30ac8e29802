// See otlp_json_reader.hpp. In the order of the fields in OTLP's schema.
#include "encode/otlp_json_reader.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "encode/otlp_writer.hpp"

namespace judgeval::encode {
namespace {

using nlohmann::json;

/// What the text is refused for; caught in protobuf_from_json.
struct Malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A field that is there and is not null.
const json* find(const json& object, const char* name) {
    if (!object.is_object()) {
        throw Malformed{std::string{"an object is wanted where "} + name + " would be a field"};
    }
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const json& value, const char* name) {
    if (!value.is_string()) {
        throw Malformed{std::string{name} + " is not a text"};
    }
    return value.get<std::string>();
}

std::string text(const json& object, const char* name) {
    const json* const value = find(object, name);
    return value == nullptr ? std::string{} : text_of(*value, name);
}

template <typename Integer>
Integer integer_of(const json& value, const char* name) {
    // A number's own text has the same form, unless it has a fraction or an exponent.
    const std::string digits =
        value.is_number_integer() ? value.dump() : (value.is_string() ? value.get<std::string>() : "");
    Integer number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        throw Malformed{std::string{name} + " is not an integer of its size"};
    }
    return number;
}

template <typename Integer>
Integer integer(const json& object, const char* name) {
    const json* const value = find(object, name);
    return value == nullptr ? Integer{0} : integer_of<Integer>(*value, name);
}

double double_of(const json& value) {
    if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (value == "Infinity") return std::numeric_limits<double>::infinity();
    if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (!value.is_number()) {
        throw Malformed{"doubleValue is not a number"};
    }
    return value.get<double>();
}

int hexadecimal_digit(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

std::string id(const json& object, const char* name) {
    const std::string digits = text(object, name);
    std::string bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const int high = hexadecimal_digit(digits[i]);
        const int low = i + 1 < digits.size() ? hexadecimal_digit(digits[i + 1]) : -1;
        if (high < 0 || low < 0) {
            throw Malformed{std::string{name} + " is not in hexadecimal"};
        }
        bytes.push_back(static_cast<char>(high << 4 | low));
    }
    return bytes;
}

int base64_digit(char character) {
    if (character >= 'A' && character <= 'Z') return character - 'A';
    if (character >= 'a' && character <= 'z') return character - 'a' + 26;
    if (character >= '0' && character <= '9') return character - '0' + 52;
    if (character == '+' || character == '-') return 62;
    if (character == '/' || character == '_') return 63;
    return -1;
}

Bytes bytes_of(std::string digits) {
    while (!digits.empty() && digits.back() == '=') {
        digits.pop_back();
    }
    Bytes result;
    std::uint32_t bits = 0;
    int filled = 0;
    for (const char character : digits) {
        const int digit = base64_digit(character);
        if (digit < 0) {
            throw Malformed{"bytesValue is not in base64"};
        }
        bits = bits << 6U | static_cast<std::uint32_t>(digit);
        filled += 6;
        if (filled >= 8) {
            filled -= 8;
            result.data.push_back(static_cast<char>(bits >> filled & 0xFFU));
        }
    }
    return result;
}

template <typename Read>
auto list(const json& object, const char* name, Read read) {
    std::vector<decltype(read(object))> result;
    if (const json* const elements = find(object, name)) {
        if (!elements->is_array()) {
            throw Malformed{std::string{name} + " is not a list"};
        }
        for (const json& element : *elements) {
            result.push_back(read(element));
        }
    }
    return result;
}

Attributes attributes(const json& object, const char* name, int depth);

AnyValue any_value(const json& value, int depth) {
    if (depth > kMaximumValueDepth) {
        throw Malformed{"attribute values are nested more than " + std::to_string(kMaximumValueDepth) +
                        " levels deep"};
    }
    if (const json* const found = find(value, "stringValue")) return {text_of(*found, "stringValue")};
    if (const json* const found = find(value, "boolValue")) {
        if (!found->is_boolean()) {
            throw Malformed{"boolValue is not true or false"};
        }
        return {found->get<bool>()};
    }
    if (const json* const found = find(value, "intValue")) {
        return {integer_of<std::int64_t>(*found, "intValue")};
    }
    if (const json* const found = find(value, "doubleValue")) return {double_of(*found)};
    if (const json* const found = find(value, "arrayValue")) {
        return {list(*found, "values", [&](const json& element) { return any_value(element, depth + 1); })};
    }
    if (const json* const found = find(value, "kvlistValue"))
        return {attributes(*found, "values", depth + 1)};
    if (const json* const found = find(value, "bytesValue")) return {bytes_of(text_of(*found, "bytesValue"))};
    return {};
}

Attributes attributes(const json& object, const char* name, int depth) {
    return list(object, name, [depth](const json& pair) {
        const json* const value = find(pair, "value");
        return KeyValue{text(pair, "key"), value == nullptr ? AnyValue{} : any_value(*value, depth)};
    });
}

/// What several messages have: their attributes, and the number of those dropped.
template <typename Message>
void read_attributes(const json& object, Message& message) {
    message.attributes = attributes(object, "attributes", 1);
    message.dropped_attributes_count = integer<std::uint32_t>(object, "droppedAttributesCount");
}

Event event(const json& object) {
    Event result;
    result.time_unix_nano = integer<std::uint64_t>(object, "timeUnixNano");
    result.name = text(object, "name");
    read_attributes(object, result);
    return result;
}

Link link(const json& object) {
    Link result;
    result.trace_id = id(object, "traceId");
    result.span_id = id(object, "spanId");
    result.trace_state = text(object, "traceState");
    read_attributes(object, result);
    result.flags = integer<std::uint32_t>(object, "flags");
    return result;
}

Span span(const json& object) {
    Span result;
    result.trace_id = id(object, "traceId");
    result.span_id = id(object, "spanId");
    result.trace_state = text(object, "traceState");
    result.parent_span_id = id(object, "parentSpanId");
    result.flags = integer<std::uint32_t>(object, "flags");
    result.name = text(object, "name");
    result.kind = integer<std::int32_t>(object, "kind");
    result.start_time_unix_nano = integer<std::uint64_t>(object, "startTimeUnixNano");
    result.end_time_unix_nano = integer<std::uint64_t>(object, "endTimeUnixNano");
    read_attributes(object, result);
    result.events = list(object, "events", event);
    result.dropped_events_count = integer<std::uint32_t>(object, "droppedEventsCount");
    result.links = list(object, "links", link);
    result.dropped_links_count = integer<std::uint32_t>(object, "droppedLinksCount");
    if (const json* const status = find(object, "status")) {
        result.status.message = text(*status, "message");
        result.status.code = static_cast<StatusCode>(integer<std::int32_t>(*status, "code"));
    }
    return result;
}

ScopeSpans scope_spans(const json& object) {
    ScopeSpans result;
    if (const json* const scope = find(object, "scope")) {
        result.scope.name = text(*scope, "name");
        result.scope.version = text(*scope, "version");
        read_attributes(*scope, result.scope);
    }
    result.spans = list(object, "spans", span);
    result.schema_url = text(object, "schemaUrl");
    return result;
}

ResourceSpans resource_spans(const json& object) {
    ResourceSpans result;
    if (const json* const resource = find(object, "resource")) {
        read_attributes(*resource, result.resource);
    }
    result.scope_spans = list(object, "scopeSpans", scope_spans);
    result.schema_url = text(object, "schemaUrl");
    return result;
}

}  // namespace

ReadResult<std::string> protobuf_from_json(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) {
        return {std::nullopt, "the body is not JSON"};
    }
    try {
        return {write_trace_request({list(document, "resourceSpans", resource_spans)}), {}};
    } catch (const Malformed& error) {
        return {std::nullopt, error.what()};
    }
}

}  // namespace judgeval::encode
