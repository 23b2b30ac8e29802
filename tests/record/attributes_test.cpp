// Names, kinds and attributes of a span: what is set through the API is what a receiver reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "record/recorder.hpp"
#include "record/utf8.hpp"

namespace judgeval::test {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

TEST(Span, CarriesWhatEverySpanCarries) {
    Recorder recorder;
    const std::uint64_t before = detail::Clock::system_time();
    SpanContext context;
    {
        auto span = recorder.tracer.span("handle_request", {.type = "tool", .kind = SpanKind::kServer});
        context = span.context().span_context();
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(span.name, "handle_request");
    EXPECT_EQ(span.kind, 2);
    EXPECT_EQ(span.trace_id, bytes_of(context.trace_id));
    EXPECT_EQ(span.span_id, bytes_of(context.span_id));
    EXPECT_TRUE(span.is_root());
    EXPECT_EQ(span.flags, 0x101U);
    EXPECT_EQ(span.status.code, encode::StatusCode::unset);
    EXPECT_LE(span.start_time_unix_nano, span.end_time_unix_nano);
    constexpr std::uint64_t kTolerance = 50'000'000;
    EXPECT_GE(span.start_time_unix_nano + kTolerance, before);
    EXPECT_LE(span.end_time_unix_nano, detail::Clock::system_time() + kTolerance);
    EXPECT_EQ(text_of(span.attributes, "judgment.span_kind"), "tool");
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "judgment.update_id"), 0);
    EXPECT_EQ(span.attributes.size(), 2U);
}

TEST(Span, OfARemoteParentSaysSo) {
    Recorder recorder;
    SpanContext remote;
    remote.trace_id.bytes[15] = 7;
    remote.span_id.bytes[7] = 9;
    remote.trace_flags = 1;
    remote.is_remote = true;
    {
        const ContextScope scope{Context(remote)};
        auto outer = recorder.tracer.span("outer");
        auto inner = recorder.tracer.span("inner");
    }
    const auto spans = recorder.take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[1].name, "outer");
    EXPECT_EQ(spans[1].trace_id, bytes_of(remote.trace_id));
    EXPECT_EQ(spans[1].parent_span_id, bytes_of(remote.span_id));
    EXPECT_EQ(spans[1].flags, 0x301U);
    EXPECT_EQ(spans[0].parent_span_id, spans[1].span_id);
    EXPECT_EQ(spans[0].flags, 0x101U);
}

TEST(Attributes, KeepTheirTypes) {
    enum class Color { kRed = 3 };
    Recorder recorder;
    {
        auto span = recorder.tracer.span("types");
        span.set_attribute("bool", true);
        span.set_attribute("no", false);
        span.set_attribute("char", 'a');
        span.set_attribute("int8", std::int8_t{-128});
        span.set_attribute("uint16", std::uint16_t{65535});
        span.set_attribute("int", -1);
        span.set_attribute("least", std::numeric_limits<std::int64_t>::min());
        span.set_attribute("most", std::numeric_limits<std::int64_t>::max());
        span.set_attribute("unsigned", std::uint64_t{12345});
        span.set_attribute("beyond", std::numeric_limits<std::uint64_t>::max());
        span.set_attribute("float", 0.5F);
        span.set_attribute("double", -99.99);
        span.set_attribute("nan", std::nan(""));
        span.set_attribute("infinity", std::numeric_limits<double>::infinity());
        span.set_attribute("literal", "text");
        const std::string text = "from the heap, and longer than an inline string is";
        span.set_attribute("string", text);
        span.set_attribute("view", std::string_view(text).substr(0, 8));
        span.set_attribute("c_string", text.c_str());
        span.set_attribute("null", static_cast<const char*>(nullptr));
        char buffer[16] = "buffer";
        span.set_attribute("buffer", buffer);
        span.set_attribute("enum", Color::kRed);
    }
    const auto span = recorder.take_one();
    const auto& attributes = span.attributes;
    EXPECT_EQ(value_of<bool>(attributes, "bool"), true);
    EXPECT_EQ(value_of<bool>(attributes, "no"), false);
    EXPECT_EQ(value_of<std::int64_t>(attributes, "char"), 'a');
    EXPECT_EQ(value_of<std::int64_t>(attributes, "int8"), -128);
    EXPECT_EQ(value_of<std::int64_t>(attributes, "uint16"), 65535);
    EXPECT_EQ(value_of<std::int64_t>(attributes, "int"), -1);
    EXPECT_EQ(value_of<std::int64_t>(attributes, "least"), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(value_of<std::int64_t>(attributes, "most"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(value_of<std::int64_t>(attributes, "unsigned"), 12345);
    EXPECT_EQ(text_of(attributes, "beyond"), "18446744073709551615");
    EXPECT_EQ(value_of<double>(attributes, "float"), 0.5);
    EXPECT_EQ(value_of<double>(attributes, "double"), -99.99);
    EXPECT_TRUE(std::isnan(value_of<double>(attributes, "nan")));
    EXPECT_EQ(value_of<double>(attributes, "infinity"), std::numeric_limits<double>::infinity());
    EXPECT_EQ(text_of(attributes, "literal"), "text");
    EXPECT_EQ(text_of(attributes, "string"), "from the heap, and longer than an inline string is");
    EXPECT_EQ(text_of(attributes, "view"), "from the");
    EXPECT_EQ(text_of(attributes, "c_string"), "from the heap, and longer than an inline string is");
    EXPECT_EQ(text_of(attributes, "null"), "");
    EXPECT_EQ(text_of(attributes, "buffer"), "buffer");
    EXPECT_EQ(text_of(attributes, "enum"), "3");
    EXPECT_EQ(span.dropped_attributes_count, 0U);
}

TEST(Attributes, TakeArraysOfOneType) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("arrays");
        span.set_attribute("ints", std::vector<int>{1, -2, 3});
        span.set_attribute("bools", std::vector<bool>{true, false});
        span.set_attribute("doubles", std::deque<double>{0.25, -4});
        span.set_attribute("strings", std::vector<std::string>{"a", "", "\xFF"});
        span.set_attribute("views", std::array<std::string_view, 2>{"x", "y"});
        span.set_attribute("none", std::vector<int>{});
        span.set_attribute("large", std::vector<std::uint64_t>{1, std::numeric_limits<std::uint64_t>::max()});
        const int plain[] = {7, 8};
        span.set_attribute("plain", plain);
    }
    const auto span = recorder.take_one();
    EXPECT_THAT(array_of<std::int64_t>(span.attributes, "ints"), ElementsAre(1, -2, 3));
    EXPECT_THAT(array_of<bool>(span.attributes, "bools"), ElementsAre(true, false));
    EXPECT_THAT(array_of<double>(span.attributes, "doubles"), ElementsAre(0.25, -4));
    EXPECT_THAT(array_of<std::string>(span.attributes, "strings"), ElementsAre("a", "", kReplacement));
    EXPECT_THAT(array_of<std::string>(span.attributes, "views"), ElementsAre("x", "y"));
    EXPECT_THAT(array_of<std::int64_t>(span.attributes, "none"), ElementsAre());
    EXPECT_THAT(array_of<std::int64_t>(span.attributes, "large"),
                ElementsAre(1, std::numeric_limits<std::int64_t>::max()));
    EXPECT_THAT(array_of<std::int64_t>(span.attributes, "plain"), ElementsAre(7, 8));
}

TEST(Attributes, ComeFromListsAndMapsToo) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("lists");
        recorder.tracer.set_attributes({{"order_total", 99.99}, {"currency", "USD"}, {"items", 3}});
        span.set_attributes(std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}});
        recorder.tracer.set_attribute("through", "the tracer");
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(value_of<double>(span.attributes, "order_total"), 99.99);
    EXPECT_EQ(text_of(span.attributes, "currency"), "USD");
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "items"), 3);
    EXPECT_EQ(text_of(span.attributes, "a"), "1");
    EXPECT_EQ(text_of(span.attributes, "b"), "2");
    EXPECT_EQ(text_of(span.attributes, "through"), "the tracer");
}

TEST(Attributes, KeepTheLastValueOfAKey) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("twice");
        span.set_attribute("key", 1);
        span.set_attribute("other", "stays");
        span.set_attribute("key", "text");
        span.set_attribute(std::string("key"), 2.5);
        span.set_attributes({{"other", false}, {"key", true}});
        span.set_input("first");
        span.set_input(std::vector<int>{1, 2});
    }
    const auto span = recorder.take_one();
    EXPECT_TRUE(keys_are_unique(span.attributes));
    EXPECT_EQ(value_of<bool>(span.attributes, "key"), true);
    EXPECT_EQ(value_of<bool>(span.attributes, "other"), false);
    EXPECT_EQ(text_of(span.attributes, "judgment.input"), "[1,2]");
    EXPECT_EQ(span.dropped_attributes_count, 0U);
}

TEST(Attributes, WithOneFilterBitAreStillDifferentKeys) {
    // Keys that share their bit in the filter, and keys that are prefixes of each other.
    std::vector<std::string> keys = {"a", "aa", "aaa"};
    const std::uint64_t bit = detail::key_filter_bit("a");
    for (int i = 0; keys.size() < 40; ++i) {
        const std::string key = "key" + std::to_string(i);
        if (detail::key_filter_bit(key) == bit) keys.push_back(key);
    }
    Recorder recorder;
    {
        auto span = recorder.tracer.span("collisions");
        for (std::size_t i = 0; i < keys.size(); ++i) span.set_attribute(keys[i], i);
        for (std::size_t i = 0; i < keys.size(); i += 2) span.set_attribute(keys[i], keys[i]);
    }
    const auto span = recorder.take_one();
    EXPECT_TRUE(keys_are_unique(span.attributes));
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (i % 2 == 0) {
            EXPECT_EQ(text_of(span.attributes, keys[i]), keys[i]);
        } else {
            EXPECT_EQ(value_of<std::int64_t>(span.attributes, keys[i]), static_cast<std::int64_t>(i));
        }
    }
}

TEST(Attributes, OverTheLimitAreDroppedAndCounted) {
    Recorder recorder;  // 128, as OpenTelemetry has it
    {
        auto span = recorder.tracer.span("many");
        for (int round = 0; round < 2; ++round) {
            for (int i = 0; i < 128; ++i) span.set_attribute("key" + std::to_string(i), i + round);
        }
        span.set_attribute("one too many", 1);
        span.set_attribute("another", "text");
        span.set_attribute("key5", "a known key may still change");
    }
    const auto span = recorder.take_one();
    EXPECT_TRUE(keys_are_unique(span.attributes));
    EXPECT_EQ(span.attributes.size(), 128U + 2);  // and the library's own two
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "key127"), 128);
    EXPECT_EQ(text_of(span.attributes, "key5"), "a known key may still change");
    EXPECT_FALSE(has_attribute(span.attributes, "one too many"));
    EXPECT_EQ(span.dropped_attributes_count, 2U);
    EXPECT_EQ(recorder.totals().dropped_attributes, 2U);
}

TEST(Attributes, AreCutAtTheirLimitBetweenCharacters) {
    RecorderOptions options;
    options.limits.attribute_value_bytes = 32;
    Recorder recorder(options);
    {
        auto span = recorder.tracer.span("cut");
        span.set_attribute("fits", std::string(32, 'x'));
        span.set_attribute("ascii", std::string(33, 'x'));
        std::string euros;
        for (int i = 0; i < 12; ++i) euros += "\xE2\x82\xAC";
        span.set_attribute("euros", euros);
        span.set_attribute("array", std::vector<std::string>{std::string(40, 'y')});
        span.set_attribute("a key is not cut, however long it may be", 1);
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(text_of(span.attributes, "fits"), std::string(32, 'x'));
    EXPECT_EQ(text_of(span.attributes, "ascii"), std::string(32, 'x'));
    EXPECT_EQ(text_of(span.attributes, "euros").size(), 30U);
    EXPECT_THAT(array_of<std::string>(span.attributes, "array"), ElementsAre(std::string(32, 'y')));
    EXPECT_TRUE(has_attribute(span.attributes, "a key is not cut, however long it may be"));
    EXPECT_EQ(recorder.totals().truncated_values, 3U);
}

TEST(Attributes, CutAndMendedAreOneTruncatedValue) {
    RecorderOptions options;
    options.limits.attribute_value_bytes = 64;
    Recorder recorder(options);
    recorder.tracer.start_span("bad").set_attribute("key", std::string(1000, '\xFF'));
    const auto span = recorder.take_one();
    const std::string text = text_of(span.attributes, "key");
    EXPECT_EQ(text.size(), 63U);  // 21 replacement characters
    EXPECT_TRUE(detail::is_valid_utf8(text));
    EXPECT_EQ(recorder.totals().truncated_values, 1U);
}

TEST(Attributes, MayBeHuge) {
    Recorder recorder;
    const std::string prompt(std::size_t{1} << 20U, 'p');
    std::string euros;
    while (euros.size() < 300'000) euros += "\xE2\x82\xAC";
    {
        auto span = recorder.tracer.span("huge");
        span.set_attribute("before", 1);
        span.set_input(prompt);
        span.set_attribute("euros", euros);
        span.set_output(prompt + "!");
        span.set_attribute("after", 2);
    }
    const auto span = recorder.take_one();
    EXPECT_TRUE(text_of(span.attributes, "judgment.input") == prompt);
    EXPECT_TRUE(text_of(span.attributes, "euros") == euros);
    EXPECT_TRUE(text_of(span.attributes, "judgment.output") == prompt + "!");
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "before"), 1);
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "after"), 2);
}

TEST(Attributes, OfAWholeSpanStayBelowItsLimit) {
    RecorderOptions options;
    options.limits.span_bytes = 4096;
    Recorder recorder(options);
    {
        auto span = recorder.tracer.span("full");
        for (int i = 0; i < 100; ++i) span.set_attribute("key" + std::to_string(i), std::string(500, 'x'));
        span.set_attribute("array", std::vector<std::string>(100, std::string(100, 'y')));
        span.set_attribute("json", AttributeValue::json(std::string(10'000, 'z')));
        for (int i = 0; i < 50; ++i) span.add_event(std::string(300, 'e'));
        span.set_status(StatusCode::kError, std::string(10'000, 's'));
        span.update_name(std::string(10'000, 'n'));
    }
    const std::string records = recorder.take_records();
    EXPECT_LE(records.size(), 4096U + 256);
    const auto spans = read_records(records);
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(text_of(spans[0].attributes, "key0"), std::string(500, 'x'));
    EXPECT_GT(spans[0].dropped_attributes_count, 50U);
    EXPECT_GT(spans[0].dropped_events_count, 30U);
    EXPECT_EQ(recorder.totals().dropped_attributes, spans[0].dropped_attributes_count);
    EXPECT_GE(recorder.totals().truncated_values, 1U);
}

TEST(Attributes, WithAnEmptyKeyAreDroppedAndCounted) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("");
        span.set_attribute("", 1);
        span.set_attribute(std::string(), "text");
        span.set_attributes({{"", true}, {"kept", 1}});
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(span.name, "");
    EXPECT_FALSE(has_attribute(span.attributes, ""));
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "kept"), 1);
    EXPECT_EQ(span.dropped_attributes_count, 3U);
}

TEST(Attributes, KeepEmbeddedNuls) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("na\0me"s);
        span.set_attribute("k\0ey"s, "va\0lue"s);
        span.set_attribute("k", 1);
        span.set_attribute("lit\0eral", "\0"s);
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(span.name, "na\0me"s);
    EXPECT_EQ(text_of(span.attributes, "k\0ey"s), "va\0lue"s);
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "k"), 1);
    EXPECT_EQ(text_of(span.attributes, "lit\0eral"s), "\0"s);
}

TEST(Attributes, ThatAreNotUtf8AreMendedWhereverTheyEnter) {
    const std::string bad = "caf\xE9!";
    const std::string mended = "caf" + std::string(kReplacement) + "!";
    Recorder recorder;
    {
        auto span = recorder.tracer.span(bad, {.type = bad});
        span.set_attribute(bad, bad);
        span.set_attribute("long", std::string(3000, 'x') + bad);
        span.set_attribute("array", std::vector<std::string>{bad});
        span.set_attribute("json", std::map<std::string, std::string>{{bad, bad}});
        span.add_event(bad, {{bad, bad}});
        span.set_status(StatusCode::kError, bad);
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(span.name, mended);
    EXPECT_EQ(text_of(span.attributes, "judgment.span_kind"), mended);
    EXPECT_EQ(text_of(span.attributes, mended), mended);
    EXPECT_EQ(text_of(span.attributes, "long"), std::string(3000, 'x') + mended);
    EXPECT_THAT(array_of<std::string>(span.attributes, "array"), ElementsAre(mended));
    EXPECT_EQ(text_of(span.attributes, "json"), "{\"" + mended + "\":\"" + mended + "\"}");
    ASSERT_EQ(span.events.size(), 1U);
    EXPECT_EQ(span.events[0].name, mended);
    EXPECT_EQ(text_of(span.events[0].attributes, mended), mended);
    EXPECT_EQ(span.status.message, mended);
}

TEST(Attributes, ShortOnesOfEveryLengthArriveWhole) {
    // The short path copies words that overlap; every length, ASCII and not, with the border at 32 in
    // between.
    Recorder recorder;
    for (std::size_t size = 0; size <= 70; ++size) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('A' + i % 57);
        for (std::size_t place = 0; place <= size; ++place) {
            std::string value = text;
            if (place < size) value[place] = '\xC3';
            auto span = recorder.tracer.start_span("lengths");
            span.set_attribute("value", value);
            span.set_attribute("behind", 1);
            span.end();
            const auto read = recorder.take_one();
            ASSERT_EQ(text_of(read.attributes, "value"), detail::mend_utf8(value));
            ASSERT_EQ(value_of<std::int64_t>(read.attributes, "behind"), 1);
        }
    }
}

TEST(ReservedKeys, AreSetOnceWhoeverSetsThem) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("reserved", {.type = "function"});
        span.set_attribute("judgment.span_kind", "tool");
        span.set_attribute("judgment.update_id", 42);
        span.set_attribute(std::string("judgment.update_id"), "text");
        span.set_attributes({{"judgment.update_id", 1.5}});
    }
    const auto span = recorder.take_one();
    EXPECT_TRUE(keys_are_unique(span.attributes));
    EXPECT_EQ(text_of(span.attributes, "judgment.span_kind"), "tool");
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "judgment.update_id"), 0);
    EXPECT_EQ(span.dropped_attributes_count, 3U);
}

TEST(SpanKind, MayBeSetAgain) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("kinds");
        span.set_attribute("between", 1);
        span.set_span_kind("tool");
        recorder.tracer.set_span_kind(std::string("a kind of one's own"));
    }
    const auto span = recorder.take_one();
    EXPECT_TRUE(keys_are_unique(span.attributes));
    EXPECT_EQ(text_of(span.attributes, "judgment.span_kind"), "a kind of one's own");
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "between"), 1);
}

TEST(SpanName, MayBeSetAgain) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("first");
        span.set_attribute("between", 1);
        span.update_name(std::string(2000, 'n'));
        span.set_attribute("behind", 2);
        span.update_name("third");
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(span.name, "third");
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "between"), 1);
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "behind"), 2);
    EXPECT_EQ(text_of(span.attributes, "judgment.span_kind"), "span");
}

TEST(EndedSpan, IgnoresWhatComesAfter) {
    Recorder recorder;
    auto span = recorder.tracer.start_span("done");
    span.set_attribute("key", 1);
    span.end();
    span.end();
    span.set_attribute("key", 2);
    span.add_event("late");
    span.set_status(StatusCode::kError, "late");
    EXPECT_FALSE(span.is_recording());
    EXPECT_FALSE(span.context().is_valid());
    const auto read = recorder.take_one();
    EXPECT_EQ(value_of<std::int64_t>(read.attributes, "key"), 1);
    EXPECT_TRUE(read.events.empty());
    EXPECT_EQ(read.status.code, encode::StatusCode::unset);
}

}  // namespace
}  // namespace judgeval::test
