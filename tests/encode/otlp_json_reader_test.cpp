// OTLP/JSON as Protobuf: what the writer of JSON wrote comes back as it was, what others may write is
// understood, and what is none is refused with its reason.
#include "encode/otlp_json_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "encode/otlp_builder.hpp"
#include "encode/otlp_json.hpp"
#include "encode/otlp_writer.hpp"

namespace judgeval::encode {
namespace {

using ::testing::HasSubstr;

/// The request whose only span has these fields.
std::string request_with(const std::string& fields) {
    return R"({"resourceSpans":[{"scopeSpans":[{"spans":[{)" + fields + "}]}]}]}";
}

Span span_with(const std::string& fields) {
    const auto protobuf = protobuf_from_json(request_with(fields));
    EXPECT_TRUE(protobuf.message) << protobuf.error;
    auto read = read_trace_request(protobuf.message.value_or(""));
    EXPECT_TRUE(read.message) << read.error;
    return read.message->resource_spans.at(0).scope_spans.at(0).spans.at(0);
}

TEST(OtlpJsonReader, ReadsEveryFieldThatTheWriterWrote) {
    const std::string bytes = test::trace_request(std::vector{test::full_span()});
    const auto original = read_trace_request(bytes);
    ASSERT_TRUE(original.message) << original.error;
    const auto protobuf = protobuf_from_json(to_text(otlp_json(original.message->resource_spans.at(0))));
    ASSERT_TRUE(protobuf.message) << protobuf.error;
    EXPECT_EQ(*protobuf.message, write_trace_request(*original.message));
}

TEST(OtlpJsonReader, ReadsWhatOthersMayWrite) {
    const Span span = span_with(
        R"("traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"b7ad6b7169203331","parentSpanId":null,)"
        R"("name":"a","kind":1,"startTimeUnixNano":7,"endTimeUnixNano":"8","unknown":[1],"status":{},)"
        R"("attributes":[{"key":"number","value":{"intValue":-3}},{"key":"text","value":{"intValue":"-4"}},)"
        R"({"key":"nan","value":{"doubleValue":"NaN"}},{"key":"whole","value":{"doubleValue":2}},)"
        R"({"key":"bytes","value":{"bytesValue":"AP8"}},{"key":"none","value":{}},{"key":"nothing"}])");
    EXPECT_EQ(span.rejection, "");
    EXPECT_EQ(span.trace_id.substr(0, 2), "\x0A\xF7");
    EXPECT_EQ(span.parent_span_id, "");
    EXPECT_EQ(span.start_time_unix_nano, 7U);
    EXPECT_EQ(span.end_time_unix_nano, 8U);
    const auto value = [&](const char* key) { return find_attribute(span.attributes, key)->value; };
    EXPECT_EQ(std::get<std::int64_t>(value("number")), -3);
    EXPECT_EQ(std::get<std::int64_t>(value("text")), -4);
    EXPECT_TRUE(std::isnan(std::get<double>(value("nan"))));
    EXPECT_EQ(std::get<double>(value("whole")), 2.0);
    EXPECT_EQ(std::get<Bytes>(value("bytes")).data, std::string("\0\xFF", 2));
    EXPECT_TRUE(std::holds_alternative<std::monostate>(value("none")));
    EXPECT_TRUE(std::holds_alternative<std::monostate>(value("nothing")));
}

TEST(OtlpJsonReader, LeavesWhatIsWrongWithASpanToTheReader) {
    EXPECT_THAT(span_with(R"("traceId":"00","spanId":"b7ad6b7169203331")").rejection,
                HasSubstr("the trace id"));
}

TEST(OtlpJsonReader, RefusesWhatIsNone) {
    const auto error_of = [](const std::string& text) { return protobuf_from_json(text).error; };
    EXPECT_THAT(error_of("{"), HasSubstr("not JSON"));
    EXPECT_THAT(error_of("[]"), HasSubstr("an object is wanted"));
    EXPECT_THAT(error_of(R"({"resourceSpans":{}})"), HasSubstr("resourceSpans is not a list"));
    EXPECT_THAT(error_of(R"({"resourceSpans":[7]})"), HasSubstr("an object is wanted"));
    EXPECT_THAT(error_of(request_with(R"("traceId":"xy")")), HasSubstr("traceId is not in hexadecimal"));
    EXPECT_THAT(error_of(request_with(R"("traceId":"012")")), HasSubstr("traceId is not in hexadecimal"));
    EXPECT_THAT(error_of(request_with(R"("name":7)")), HasSubstr("name is not a text"));
    for (const char* const number : {"1.5", "-1", "1e3", "\"\"", "\"1x\"", "18446744073709551616", "[]"}) {
        EXPECT_THAT(error_of(request_with(std::string(R"("startTimeUnixNano":)") + number)),
                    HasSubstr("startTimeUnixNano is not an integer"))
            << number;
    }
    std::string value = "{}";
    for (int depth = 0; depth < 2'000; ++depth) value = R"({"arrayValue":{"values":[)" + value + "]}}";
    EXPECT_THAT(error_of(request_with(R"("attributes":[{"key":"deep","value":)" + value + "}]")),
                HasSubstr("nested more than 32 levels deep"));
}

}  // namespace
}  // namespace judgeval::encode
