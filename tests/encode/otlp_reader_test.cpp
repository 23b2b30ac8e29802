// The reader against bytes written by protozero's writer: everything comes back as it was written, and
// nothing that can be wrong with bytes from outside gets past it or brings it down.
#include "encode/otlp_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <protozero/pbf_writer.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "encode/otlp_builder.hpp"

namespace judgeval::encode {
namespace {

using protozero::pbf_writer;
using test::full_span;
using test::integer_value;
using test::key_value;
using test::span_id_of;
using test::span_message;
using test::text_value;
using test::trace_id_of;
using test::trace_request;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <typename Alternative>
const Alternative& value_of(const Attributes& attributes, std::string_view key) {
    const AnyValue* const value = find_attribute(attributes, key);
    if (value == nullptr) {
        throw std::runtime_error{"no attribute " + std::string{key}};
    }
    return std::get<Alternative>(value->value);
}

TEST(OtlpReader, ReadsEveryFieldOfASpan) {
    const std::string bytes = full_span();
    const auto read = read_span(bytes);
    ASSERT_TRUE(read.message) << read.error;
    const Span& span = *read.message;
    EXPECT_THAT(span.rejection, IsEmpty());
    EXPECT_EQ(span.trace_id, trace_id_of(7));
    EXPECT_EQ(span.span_id, span_id_of(8));
    EXPECT_EQ(span.parent_span_id, span_id_of(9));
    EXPECT_FALSE(span.is_root());
    EXPECT_EQ(span.trace_state, "vendor=state");
    EXPECT_EQ(span.name, "résumé");
    EXPECT_EQ(span.kind, 3);
    EXPECT_EQ(span.flags, 0x101U);
    EXPECT_EQ(span.start_time_unix_nano, 1'700'000'000'123'456'789U);
    EXPECT_EQ(span.end_time_unix_nano, 1'700'000'000'223'456'789U);
    EXPECT_EQ(span.dropped_attributes_count, 11U);
    EXPECT_EQ(span.dropped_events_count, 13U);
    EXPECT_EQ(span.dropped_links_count, 15U);
    EXPECT_EQ(span.status.code, StatusCode::error);
    EXPECT_EQ(span.status.message, "it broke");
    EXPECT_EQ(span.encoded.data(), bytes.data());
    EXPECT_EQ(span.encoded.size(), bytes.size());

    ASSERT_THAT(span.attributes, SizeIs(8));
    EXPECT_EQ(value_of<std::string>(span.attributes, "text"), std::string("a\0b", 3));
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "integer"), -42);
    EXPECT_EQ(value_of<double>(span.attributes, "double"), 0.1);
    EXPECT_TRUE(value_of<bool>(span.attributes, "yes"));
    EXPECT_EQ(value_of<Bytes>(span.attributes, "bytes").data, std::string("\xff\x00", 2));
    const auto& array = value_of<std::vector<AnyValue>>(span.attributes, "array");
    ASSERT_THAT(array, SizeIs(2));
    EXPECT_EQ(std::get<std::string>(array[0].value), "one");
    EXPECT_EQ(std::get<std::int64_t>(array[1].value), 2);
    const auto& list = value_of<std::vector<KeyValue>>(span.attributes, "list");
    EXPECT_EQ(value_of<std::string>(list, "inner"), "deep");
    EXPECT_TRUE(std::holds_alternative<std::monostate>(find_attribute(span.attributes, "nothing")->value));

    ASSERT_THAT(span.events, SizeIs(1));
    EXPECT_EQ(span.events[0].time_unix_nano, 55U);
    EXPECT_EQ(span.events[0].name, "exception");
    EXPECT_EQ(value_of<std::string>(span.events[0].attributes, "exception.type"), "std::runtime_error");
    EXPECT_EQ(span.events[0].dropped_attributes_count, 12U);

    ASSERT_THAT(span.links, SizeIs(1));
    EXPECT_EQ(span.links[0].trace_id, trace_id_of(70));
    EXPECT_EQ(span.links[0].span_id, span_id_of(80));
    EXPECT_EQ(span.links[0].trace_state, "link=state");
    EXPECT_EQ(value_of<std::string>(span.links[0].attributes, "why"), "fork");
    EXPECT_EQ(span.links[0].dropped_attributes_count, 14U);
    EXPECT_EQ(span.links[0].flags, 0x301U);
}

TEST(OtlpReader, ReadsResourceAndScope) {
    const auto read = read_trace_request(trace_request(std::vector{full_span(), span_message({})}));
    ASSERT_TRUE(read.message) << read.error;
    ASSERT_THAT(read.message->resource_spans, SizeIs(1));
    const ResourceSpans& resource_spans = read.message->resource_spans[0];
    EXPECT_EQ(value_of<std::string>(resource_spans.resource.attributes, "service.name"), "tests");
    ASSERT_THAT(resource_spans.scope_spans, SizeIs(1));
    EXPECT_EQ(resource_spans.scope_spans[0].scope.name, "judgeval");
    EXPECT_EQ(resource_spans.scope_spans[0].scope.version, "0.1.0");
    ASSERT_THAT(resource_spans.scope_spans[0].spans, SizeIs(2));
    EXPECT_EQ(resource_spans.scope_spans[0].spans[1].name, "work");
}

TEST(OtlpReader, AnEmptyRequestIsValid) {
    const auto read = read_trace_request("");
    ASSERT_TRUE(read.message);
    EXPECT_THAT(read.message->resource_spans, IsEmpty());
}

TEST(OtlpReader, ConcatenatedRequestsAreOneRequest) {
    const auto read = read_trace_request(trace_request(std::vector{span_message({.name = "first"})}) +
                                         trace_request(std::vector{span_message({.name = "second"})}));
    ASSERT_TRUE(read.message) << read.error;
    ASSERT_THAT(read.message->resource_spans, SizeIs(2));
    EXPECT_EQ(read.message->resource_spans[1].scope_spans[0].spans[0].name, "second");
}

TEST(OtlpReader, TakesFieldsInAnyOrderAndSkipsUnknownOnes) {
    std::string bytes;
    pbf_writer span{bytes};
    span.add_message(9, key_value("one", integer_value(1)));
    span.add_string(500, "a field of some later schema");
    {
        pbf_writer event{span, 11};
        event.add_string(2, "in between");
    }
    span.add_message(9, key_value("two", integer_value(2)));
    span.add_fixed64(5, 99);  // the name's number, but not text
    span.add_bytes(2, span_id_of(3));
    span.add_string(5, "replaced");
    span.add_bytes(1, trace_id_of(3));
    span.add_string(5, "last");
    const auto read = read_span(bytes);
    ASSERT_TRUE(read.message) << read.error;
    EXPECT_THAT(read.message->rejection, IsEmpty());
    EXPECT_EQ(read.message->name, "last");
    EXPECT_THAT(read.message->events, SizeIs(1));
    EXPECT_EQ(value_of<std::int64_t>(read.message->attributes, "one"), 1);
    EXPECT_EQ(value_of<std::int64_t>(read.message->attributes, "two"), 2);
}

TEST(OtlpReader, TheLastOfTwoAttributesOfAKeyIsFound) {
    std::string bytes = span_message({});
    pbf_writer span{bytes};
    span.add_message(9, key_value("twice", integer_value(1)));
    span.add_message(9, key_value("twice", integer_value(2)));
    const auto read = read_span(bytes);
    ASSERT_TRUE(read.message) << read.error;
    EXPECT_EQ(value_of<std::int64_t>(read.message->attributes, "twice"), 2);
}

/// A length-delimited field whose length is a varint of five bytes, however short it could be.
std::string padded_field(char tag, std::string_view body) {
    std::string result{tag};
    auto length = static_cast<std::uint32_t>(body.size());
    for (int i = 0; i < 4; ++i) {
        result += static_cast<char>((length & 0x7FU) | 0x80U);
        length >>= 7U;
    }
    result += static_cast<char>(length);
    return result + std::string{body};
}

TEST(OtlpReader, TakesPaddedVarints) {
    const std::string boolean = std::string{"\x10\x80\x80\x00", 4};  // false, in three bytes
    const std::string attribute = padded_field('\x0a', "no") + padded_field('\x12', boolean);
    const std::string span = span_message({.name = "padded"}) + padded_field('\x4a', attribute);
    const std::string request = padded_field('\x0a', padded_field('\x12', padded_field('\x12', span)));
    const auto read = read_trace_request(request);
    ASSERT_TRUE(read.message) << read.error;
    const Span& found = read.message->resource_spans.at(0).scope_spans.at(0).spans.at(0);
    EXPECT_EQ(found.name, "padded");
    EXPECT_FALSE(value_of<bool>(found.attributes, "no"));
}

TEST(OtlpReader, EveryTruncationOfASpanIsAnErrorOrCutsBetweenFields) {
    const std::string bytes = full_span();
    std::size_t accepted = 0;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const std::string piece =
            bytes.substr(0, length);  // its own buffer, so that a sanitizer sees reads beyond it
        const auto read = read_span(piece);
        EXPECT_NE(read.message.has_value(), !read.error.empty());
        accepted += read.message ? 1U : 0U;
    }
    EXPECT_EQ(accepted, 23U);  // one before each of the span's fields
}

TEST(OtlpReader, EveryTruncationOfARequestIsAnError) {
    const std::string bytes = trace_request(std::vector{full_span()});
    for (std::size_t length = 1; length < bytes.size(); ++length) {
        const std::string piece = bytes.substr(0, length);
        const auto read = read_trace_request(piece);
        EXPECT_FALSE(read.message) << "at " << length;
        EXPECT_THAT(read.error, HasSubstr("malformed protobuf"));
    }
}

TEST(OtlpReader, SurvivesRandomDamage) {
    const std::string good = trace_request(std::vector{full_span(), span_message({})});
    std::mt19937 random{20240607};
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = good;
        for (int i = 0; i < 3; ++i) {
            bytes[random() % bytes.size()] = static_cast<char>(random());
        }
        const auto read = read_trace_request(bytes);
        ASSERT_NE(read.message.has_value(), !read.error.empty());
    }
}

TEST(OtlpReader, ALengthOverFourGibibytesIsNotTakenModuloThat) {
    // 2^32 + 2 as a varint, then two bytes: an empty event's worth when the upper bits are lost.
    for (const char tag : {'\x5a', '\x2a', '\x7a'}) {
        std::string bytes = span_message({});
        bytes += tag;
        bytes += std::string{"\x82\x80\x80\x80\x10", 5};
        bytes += "\x12";
        bytes += std::string(1, '\0');
        EXPECT_FALSE(read_span(bytes).message);
    }
    std::string unknown = span_message({});
    unknown += std::string{"\xa2\x1f\x82\x80\x80\x80\x10\x01\x01", 9};
    EXPECT_FALSE(read_span(unknown).message);
}

TEST(OtlpReader, TextThatIsNotUtf8RejectsTheSpanAlone) {
    const auto read =
        read_trace_request(trace_request(std::vector{span_message({.name = "caf\xe9"}), span_message({})}));
    ASSERT_TRUE(read.message) << read.error;
    const auto& spans = read.message->resource_spans[0].scope_spans[0].spans;
    EXPECT_EQ(spans[0].rejection, "the span's name is not valid UTF-8");
    EXPECT_THAT(spans[1].rejection, IsEmpty());
}

TEST(OtlpReader, TextThatIsNotUtf8IsFoundWhereverItStands) {
    const std::string bad = "\xc0\xaf";
    const auto rejection_of = [](const std::string& extra) {
        const auto read = read_span(span_message({}) + extra);
        return read.message ? read.message->rejection : "not read: " + read.error;
    };
    std::string key, value, event, link_state, status, state;
    pbf_writer{key}.add_message(9, key_value(bad, integer_value(1)));
    pbf_writer{value}.add_message(9, key_value("key", text_value(bad)));
    {
        pbf_writer writer{event};
        pbf_writer{writer, 11}.add_string(2, bad);
    }
    {
        pbf_writer writer{link_state};
        pbf_writer{writer, 13}.add_string(3, bad);
    }
    {
        pbf_writer writer{status};
        pbf_writer{writer, 15}.add_string(2, bad);
    }
    pbf_writer{state}.add_string(3, bad);
    EXPECT_EQ(rejection_of(""), "");
    EXPECT_EQ(rejection_of(key), "an attribute's key is not valid UTF-8");
    EXPECT_EQ(rejection_of(value), "an attribute's text is not valid UTF-8");
    EXPECT_EQ(rejection_of(event), "an event's name is not valid UTF-8");
    EXPECT_EQ(rejection_of(link_state), "a link's trace state is not valid UTF-8");
    EXPECT_EQ(rejection_of(status), "a status message is not valid UTF-8");
    EXPECT_EQ(rejection_of(state), "the trace state is not valid UTF-8");
}

TEST(OtlpReader, AResourceThatIsNotUtf8IsAnErrorAsAWhole) {
    std::string bytes;
    {
        pbf_writer request{bytes};
        pbf_writer resource_spans{request, 1};
        pbf_writer resource{resource_spans, 1};
        resource.add_message(1, key_value("service.name", text_value("\xff")));
    }
    const auto read = read_trace_request(bytes);
    EXPECT_FALSE(read.message);
    EXPECT_EQ(read.error, "in the resource or scope, an attribute's text is not valid UTF-8");
}

TEST(OtlpReader, InvalidIdsRejectTheSpan) {
    const auto rejection_of = [](test::SpanFields fields) {
        return read_span(span_message(fields)).message->rejection;
    };
    EXPECT_EQ(rejection_of({.trace_id = std::string(16, '\0')}), "the trace id is all zeros");
    EXPECT_EQ(rejection_of({.trace_id = "short"}), "the trace id has 5 bytes, not 16");
    EXPECT_EQ(rejection_of({.trace_id = ""}), "the trace id has 0 bytes, not 16");
    EXPECT_EQ(rejection_of({.span_id = std::string(8, '\0')}), "the span id is all zeros");
    EXPECT_EQ(rejection_of({.span_id = std::string(9, 'x')}), "the span id has 9 bytes, not 8");
    EXPECT_EQ(rejection_of({.parent_span_id = "abc"}), "the parent span id has 3 bytes, not 8");
}

TEST(OtlpReader, AParentOfZerosIsNoParent) {
    const auto read = read_span(span_message({.parent_span_id = std::string(8, '\0')}));
    ASSERT_TRUE(read.message);
    EXPECT_TRUE(read.message->is_root());
    EXPECT_THAT(read.message->rejection, IsEmpty());
}

std::string nested_value(int depth) {
    std::string value = text_value("core");
    for (int i = 1; i < depth; ++i) {
        std::string outer;
        {
            pbf_writer writer{outer};
            pbf_writer{writer, 5}.add_message(1, value);
        }
        value = outer;
    }
    return value;
}

TEST(OtlpReader, NestingOfValuesIsBounded) {
    const auto read_nested = [](int depth) {
        std::string bytes = span_message({});
        pbf_writer{bytes}.add_message(9, key_value("nested", nested_value(depth)));
        return read_span(bytes);
    };
    EXPECT_TRUE(read_nested(kMaximumValueDepth).message);
    const auto refused = read_nested(kMaximumValueDepth + 1);
    EXPECT_FALSE(refused.message);
    EXPECT_EQ(refused.error, "an attribute value is nested more than 32 levels deep");
    EXPECT_FALSE(read_nested(20'000).message);
}

}  // namespace
}  // namespace judgeval::encode
