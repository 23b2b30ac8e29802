// Events, links, exceptions and the status of a span.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

SpanContext some_context(std::uint8_t number) {
    SpanContext context;
    context.trace_id.bytes[0] = number;
    context.span_id.bytes[0] = number;
    context.trace_flags = 1;
    return context;
}

TEST(Events, CarryTimeAndAttributes) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("events");
        span.add_event("first");
        recorder.tracer.add_event("second",
                                  {{"count", 2}, {"list", std::vector<int>{1, 2}}, {"", 1}, {"count", "x"}});
        span.add_event("");
    }
    const auto span = recorder.take_one();
    ASSERT_EQ(span.events.size(), 3U);
    EXPECT_EQ(span.events[0].name, "first");
    EXPECT_TRUE(span.events[0].attributes.empty());
    EXPECT_EQ(span.events[1].name, "second");
    EXPECT_TRUE(keys_are_unique(span.events[1].attributes));
    EXPECT_EQ(text_of(span.events[1].attributes, "count"), "x");
    EXPECT_THAT(array_of<std::int64_t>(span.events[1].attributes, "list"), testing::ElementsAre(1, 2));
    EXPECT_EQ(span.events[1].dropped_attributes_count, 1U);
    EXPECT_EQ(span.events[2].name, "");
    std::uint64_t last = span.start_time_unix_nano;
    for (const auto& event : span.events) {
        EXPECT_GE(event.time_unix_nano, last);
        last = event.time_unix_nano;
    }
    EXPECT_GE(span.end_time_unix_nano, last);
}

TEST(Events, OverTheLimitAreDroppedAndCounted) {
    RecorderOptions options;
    options.limits.event_count = 3;
    options.limits.attribute_count = 2;
    Recorder recorder(options);
    {
        auto span = recorder.tracer.span("many");
        for (int i = 0; i < 10; ++i)
            span.add_event("event" + std::to_string(i), {{"a", 1}, {"b", 2}, {"c", 3}});
    }
    const auto span = recorder.take_one();
    ASSERT_EQ(span.events.size(), 3U);
    EXPECT_EQ(span.events[2].name, "event2");
    EXPECT_EQ(span.events[2].attributes.size(), 2U);
    EXPECT_EQ(span.events[2].dropped_attributes_count, 1U);
    EXPECT_EQ(span.dropped_events_count, 7U);
}

TEST(Links, PointToOtherSpans) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("links");
        SpanContext remote = some_context(2);
        remote.is_remote = true;
        remote.trace_state = "vendor=a:b,other@system=1";
        span.add_link(some_context(1), {{"reason", "retry"}});
        recorder.tracer.add_link(remote);
        span.add_link(SpanContext{});  // invalid: ignored
    }
    const auto span = recorder.take_one();
    ASSERT_EQ(span.links.size(), 2U);
    EXPECT_EQ(span.links[0].trace_id, bytes_of(some_context(1).trace_id));
    EXPECT_EQ(span.links[0].span_id, bytes_of(some_context(1).span_id));
    EXPECT_EQ(text_of(span.links[0].attributes, "reason"), "retry");
    EXPECT_EQ(span.links[0].flags, 0x101U);
    EXPECT_EQ(span.links[0].trace_state, "");
    EXPECT_EQ(span.links[1].flags, 0x301U);
    EXPECT_EQ(span.links[1].trace_state, "vendor=a:b,other@system=1");
    EXPECT_EQ(span.dropped_links_count, 0U);
}

TEST(Links, OverTheLimitAreDroppedAndCounted) {
    RecorderOptions options;
    options.limits.link_count = 2;
    Recorder recorder(options);
    {
        auto span = recorder.tracer.span("many");
        for (std::uint8_t i = 1; i <= 5; ++i) span.add_link(some_context(i));
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(span.links.size(), 2U);
    EXPECT_EQ(span.dropped_links_count, 3U);
}

encode::Status status_after(std::initializer_list<std::pair<StatusCode, std::string>> settings) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("status");
        for (const auto& [code, description] : settings) {
            span.set_status(code, description);
            span.set_attribute("in between", description);
        }
    }
    return recorder.take_one().status;
}

TEST(Status, FollowsOpenTelemetrysRules) {
    using enum StatusCode;
    EXPECT_EQ(status_after({}).code, encode::StatusCode::unset);
    EXPECT_EQ(status_after({{kUnset, "x"}}).code, encode::StatusCode::unset);
    EXPECT_EQ(status_after({{kOk, "ignored"}}).code, encode::StatusCode::ok);
    EXPECT_EQ(status_after({{kOk, "ignored"}}).message, "");
    EXPECT_EQ(status_after({{kError, "why"}}).code, encode::StatusCode::error);
    EXPECT_EQ(status_after({{kError, "why"}}).message, "why");
    EXPECT_EQ(status_after({{kError, "why"}, {kError, "better"}}).message, "better");
    EXPECT_EQ(status_after({{kError, "why"}, {kUnset, ""}}).message, "why");
    EXPECT_EQ(status_after({{kError, "why"}, {kOk, ""}}).code, encode::StatusCode::ok);
    EXPECT_EQ(status_after({{kError, "why"}, {kOk, ""}}).message, "");
    EXPECT_EQ(status_after({{kOk, ""}, {kError, "too late"}}).code, encode::StatusCode::ok);
    EXPECT_EQ(status_after({{kError, ""}}).code, encode::StatusCode::error);
}

struct OutOfTokens : std::runtime_error {
    using std::runtime_error::runtime_error;
};

TEST(Exceptions, BecomeAnEventAndTheStatus) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("failing");
        span.record_exception(OutOfTokens("none left"));
    }
    const auto span = recorder.take_one();
    ASSERT_EQ(span.events.size(), 1U);
    EXPECT_EQ(span.events[0].name, "exception");
    EXPECT_THAT(text_of(span.events[0].attributes, "exception.type"), testing::EndsWith("OutOfTokens"));
    EXPECT_THAT(text_of(span.events[0].attributes, "exception.type"),
                testing::StartsWith("judgeval::test::"));
    EXPECT_EQ(text_of(span.events[0].attributes, "exception.message"), "none left");
    EXPECT_NE(text_of(span.events[0].attributes, "exception.stacktrace"), "");
    EXPECT_EQ(span.status.code, encode::StatusCode::error);
    EXPECT_EQ(span.status.message, "none left");
}

TEST(Exceptions, OfAnyTypeAreRecordedWhileHandled) {
    Recorder recorder;
    for (const bool is_standard : {true, false}) {
        auto span = recorder.tracer.start_span("failing");
        try {
            if (is_standard) throw OutOfTokens("again");
            throw 42;
        } catch (...) {
            span.record_current_exception();
        }
    }
    const auto spans = recorder.take();
    ASSERT_EQ(spans.size(), 2U);
    ASSERT_EQ(spans[0].events.size(), 1U);
    EXPECT_EQ(text_of(spans[0].events[0].attributes, "exception.message"), "again");
    ASSERT_EQ(spans[1].events.size(), 1U);
    EXPECT_EQ(text_of(spans[1].events[0].attributes, "exception.type"), "int");
    EXPECT_EQ(spans[1].status.code, encode::StatusCode::error);
}

TEST(Exceptions, ThatLeaveAScopeSetTheStatusOfItsSpan) {
    Recorder recorder;
    try {
        auto outer = recorder.tracer.span("outer");
        auto ok = recorder.tracer.span("ok");
        ok.set_status(StatusCode::kOk);
        throw OutOfTokens("away");
    } catch (const OutOfTokens&) {
        auto after = recorder.tracer.span("after");
    }
    const auto spans = recorder.take();
    ASSERT_EQ(spans.size(), 3U);
    EXPECT_EQ(spans[0].name, "ok");
    EXPECT_EQ(spans[0].status.code, encode::StatusCode::ok);
    EXPECT_EQ(spans[1].name, "outer");
    EXPECT_EQ(spans[1].status.code, encode::StatusCode::error);
    EXPECT_EQ(spans[2].name, "after");
    EXPECT_EQ(spans[2].status.code, encode::StatusCode::unset);
}

TEST(Exceptions, InFlightElsewhereAreNoFaultOfASpanMadeInADestructor) {
    Recorder recorder;
    struct Cleanup {
        const Tracer& tracer;
        ~Cleanup() { auto span = tracer.span("cleanup"); }
    };
    try {
        const Cleanup cleanup{recorder.tracer};
        throw OutOfTokens("away");
    } catch (const OutOfTokens&) {
    }
    EXPECT_EQ(recorder.take_one().status.code, encode::StatusCode::unset);
}

}  // namespace
}  // namespace judgeval::test
