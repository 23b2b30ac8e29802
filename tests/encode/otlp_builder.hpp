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

/// A span with every field of the schema.
inline std::string full_span() {
    std::string result;
    protozero::pbf_writer span{result};
    span.add_bytes(1, trace_id_of(7));
    span.add_bytes(2, span_id_of(8));
    span.add_string(3, "vendor=state");
    span.add_bytes(4, span_id_of(9));
    span.add_string(5, "résumé");
    span.add_enum(6, 3);
    span.add_fixed64(7, 1'700'000'000'123'456'789U);
    span.add_fixed64(8, 1'700'000'000'223'456'789U);
    span.add_message(9, key_value("text", text_value(std::string_view{"a\0b", 3})));
    span.add_message(9, key_value("integer", integer_value(-42)));
    span.add_message(9, key_value("double", double_value(0.1)));
    {
        protozero::pbf_writer attribute{span, 9};
        attribute.add_string(1, "yes");
        protozero::pbf_writer value{attribute, 2};
        value.add_bool(2, true);
    }
    {
        protozero::pbf_writer attribute{span, 9};
        attribute.add_string(1, "bytes");
        protozero::pbf_writer value{attribute, 2};
        value.add_bytes(7, std::string{"\xff\x00", 2});
    }
    {
        protozero::pbf_writer attribute{span, 9};
        attribute.add_string(1, "array");
        protozero::pbf_writer value{attribute, 2};
        protozero::pbf_writer array{value, 5};
        array.add_message(1, text_value("one"));
        array.add_message(1, integer_value(2));
    }
    {
        protozero::pbf_writer attribute{span, 9};
        attribute.add_string(1, "list");
        protozero::pbf_writer value{attribute, 2};
        protozero::pbf_writer list{value, 6};
        list.add_message(1, key_value("inner", text_value("deep")));
    }
    span.add_message(9, key_value("nothing", ""));
    span.add_uint32(10, 11);
    {
        protozero::pbf_writer event{span, 11};
        event.add_fixed64(1, 55);
        event.add_string(2, "exception");
        event.add_message(3, key_value("exception.type", text_value("std::runtime_error")));
        event.add_uint32(4, 12);
    }
    span.add_uint32(12, 13);
    {
        protozero::pbf_writer link{span, 13};
        link.add_bytes(1, trace_id_of(70));
        link.add_bytes(2, span_id_of(80));
        link.add_string(3, "link=state");
        link.add_message(4, key_value("why", text_value("fork")));
        link.add_uint32(5, 14);
        link.add_fixed32(6, 0x301);
    }
    span.add_uint32(14, 15);
    {
        protozero::pbf_writer status{span, 15};
        status.add_string(2, "it broke");
        status.add_enum(3, 2);
    }
    span.add_fixed32(16, 0x101);
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
