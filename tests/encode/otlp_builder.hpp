// Builds OTLP bytes with protozero's writer, for the tests of whatever reads them.
#pragma once

#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>

namespace judgeval::test {

/// The 16 or 8 bytes of an id that ends in `number`.
inline std::string id_of(std::uint64_t number, std::size_t length) {
    std::string id(length, '\x11');
    for (std::size_t i = 0; i < 8; ++i) {
        id[length - 1 - i] = static_cast<char>(number >> (8 * i));
    }
    return id;
}
inline std::string trace_id_of(std::uint64_t number) { return id_of(number, 16); }
inline std::string span_id_of(std::uint64_t number) { return id_of(number, 8); }

inline std::string text_value(std::string_view text) {
    std::string value;
    protozero::pbf_writer{value}.add_string(1, text.data(), text.size());
    return value;
}
inline std::string integer_value(std::int64_t number) {
    std::string value;
    protozero::pbf_writer{value}.add_int64(3, number);
    return value;
}
inline std::string double_value(double number) {
    std::string value;
    protozero::pbf_writer{value}.add_double(4, number);
    return value;
}
inline std::string key_value(std::string_view key, std::string_view value) {
    std::string result;
    protozero::pbf_writer writer{result};
    writer.add_string(1, key.data(), key.size());
    writer.add_message(2, value.data(), value.size());
    return result;
}

struct SpanFields {
    std::string trace_id = trace_id_of(1);
    std::string span_id = span_id_of(1);
    std::string parent_span_id{};
    std::string name = "work";
    std::uint64_t start = 1'000'000'000;
    std::uint64_t end = 1'002'500'000;
    std::string kind = "function";
    std::int64_t update_id = 0;
    std::string error{};
};

inline std::string span_message(const SpanFields& fields) {
    std::string result;
    protozero::pbf_writer span{result};
    span.add_bytes(1, fields.trace_id);
    span.add_bytes(2, fields.span_id);
    if (!fields.parent_span_id.empty()) {
        span.add_bytes(4, fields.parent_span_id);
    }
    span.add_string(5, fields.name);
    span.add_enum(6, 1);
    span.add_fixed64(7, fields.start);
    span.add_fixed64(8, fields.end);
    span.add_message(9, key_value("judgment.span_kind", text_value(fields.kind)));
    span.add_message(9, key_value("judgment.update_id", integer_value(fields.update_id)));
    if (!fields.error.empty()) {
        protozero::pbf_writer status{span, 15};
        status.add_string(2, fields.error);
        status.add_enum(3, 2);
    }
    span.add_fixed32(16, 0x100);
    return result;
}

/// A request of one resource and one scope.
template <typename Messages>
std::string trace_request(const Messages& span_messages) {
    std::string result;
    protozero::pbf_writer request{result};
    protozero::pbf_writer resource_spans{request, 1};
    {
        protozero::pbf_writer resource{resource_spans, 1};
        resource.add_message(1, key_value("service.name", text_value("tests")));
    }
    protozero::pbf_writer scope_spans{resource_spans, 2};
    {
        protozero::pbf_writer scope{scope_spans, 1};
        scope.add_string(1, "judgeval");
        scope.add_string(2, "0.1.0");
    }
    for (const std::string& message : span_messages) {
        scope_spans.add_message(2, message);
    }
    return result;
}

}  // namespace judgeval::test
