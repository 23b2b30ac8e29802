// Capturing: every field as it was recorded, from every thread, and only what was asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <judgeval/testing.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"

namespace judgeval::test {
namespace {

using judgeval::testing::CapturedSpan;
using judgeval::testing::CapturedSpans;
using judgeval::testing::CapturedValue;
using judgeval::testing::SpanCapture;

CapturedValue value(const CapturedSpan& span, std::string_view key) {
    const CapturedValue* const found = span.attribute(key);
    return found == nullptr ? CapturedValue{"no such attribute"} : *found;
}

TEST(SpanCapture, HasEveryFieldAsItWasRecorded) {
    SpanCapture capture;
    SpanContext linked;
    linked.trace_id.bytes.fill(1);
    linked.span_id.bytes.fill(2);
    linked.trace_flags = 1;
    linked.trace_state = "vendor=1";
    SpanContext root;
    {
        auto span = capture.tracer().span("root", {.type = "function"});
        root = capture.tracer().current_context().span_context();
        auto child = capture.tracer().span("child", {.type = "tool"});
        child.set_attribute("text", "words");
        child.set_attribute("yes", true);
        child.set_attribute("count", -7);
        child.set_attribute("ratio", 0.5);
        child.set_attribute("list", std::vector<int>{1, 2});
        child.add_event("event", {{"detail", 3}});
        child.add_link(linked, {{"why", "because"}});
        child.set_status(StatusCode::kError, "it broke");
    }
    const CapturedSpans spans = capture.spans();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0].name, "root") << "in order of their start";
    EXPECT_TRUE(spans[0].is_root());
    EXPECT_EQ(spans[0].trace_id, root.trace_id);
    EXPECT_EQ(spans[0].span_id, root.span_id);
    EXPECT_EQ(spans[0].status, StatusCode::kUnset);

    const CapturedSpan& child = spans[1];
    EXPECT_EQ(child.trace_id, root.trace_id);
    EXPECT_EQ(child.parent_span_id, root.span_id);
    EXPECT_GE(child.start, spans[0].start);
    EXPECT_LE(child.end, spans[0].end);
    EXPECT_EQ(value(child, "judgment.span_kind"), CapturedValue{"tool"});
    EXPECT_EQ(value(child, "text"), CapturedValue{"words"});
    EXPECT_EQ(value(child, "yes"), CapturedValue{true});
    EXPECT_EQ(value(child, "count"), CapturedValue{std::int64_t{-7}});
    EXPECT_EQ(value(child, "ratio"), CapturedValue{0.5});
    EXPECT_EQ(value(child, "list"),
              (CapturedValue{std::vector<CapturedValue>{{std::int64_t{1}}, {std::int64_t{2}}}}));
    ASSERT_EQ(child.events.size(), 1U);
    EXPECT_EQ(child.events[0].name, "event");
    EXPECT_EQ(child.events[0].attributes.at(0).second, CapturedValue{std::int64_t{3}});
    EXPECT_GE(child.events[0].time, child.start);
    ASSERT_EQ(child.links.size(), 1U);
    EXPECT_EQ(child.links[0].context.trace_id, linked.trace_id);
    EXPECT_EQ(child.links[0].context.span_id, linked.span_id);
    EXPECT_EQ(child.links[0].context.trace_flags, 1);
    EXPECT_EQ(child.links[0].context.trace_state, "vendor=1");
    EXPECT_EQ(child.links[0].attributes.at(0).first, "why");
    EXPECT_EQ(child.status, StatusCode::kError);
    EXPECT_EQ(child.status_message, "it broke");
    expect_balanced(capture.tracer().stats());
}

TEST(SpanCapture, HasSpansOfEveryThreadAndOfLargeBatches) {
    SpanCapture capture({.pipeline = {.when_full = WhenFull::kBlock, .max_block = kPatience}});
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id) {
        threads.emplace_back([&capture] {
            for (int i = 0; i < 1000; ++i) {
                auto span = capture.tracer().span("span");
                span.set_attribute("text", std::string(1000, 'x'));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(capture.spans().size(), 4000U);
    expect_balanced(capture.tracer().stats());
}

TEST(SpanCapture, HasWhatEndedAndNotWhatIsOpenOrForgotten) {
    SpanCapture capture;
    EXPECT_TRUE(capture.spans().empty());
    capture.tracer().span("forgotten").end();
    auto open = capture.tracer().start_span("open");
    capture.clear();
    EXPECT_TRUE(capture.spans().empty());
    open.end();
    EXPECT_EQ(capture.spans().find("open").name, "open");
    EXPECT_EQ(capture.spans().size(), 1U) << "and they stay";
}

TEST(SpanCapture, HasTheLastEmissionOfASpan) {
    SpanCapture capture;
    auto span = capture.tracer().start_span("span");
    span.set_attribute("step", 1);
    span.emit_partial();
    EXPECT_EQ(value(capture.spans().find("span"), "step"), CapturedValue{std::int64_t{1}});
    span.set_attribute("step", 2);
    span.end();
    EXPECT_EQ(capture.spans().size(), 1U);
    EXPECT_EQ(value(capture.spans().find("span"), "step"), CapturedValue{std::int64_t{2}});
}

TEST(SpanCapture, TwoKeepTheirSpansApart) {
    SpanCapture one;
    SpanCapture other;
    one.tracer().span("one").end();
    other.tracer().span("other").end();
    EXPECT_EQ(one.spans().size(), 1U);
    EXPECT_EQ(other.spans().find("other").name, "other");
}

TEST(SpanCapture, IsNotSwitchedOffByTheEnvironment) {
    ::setenv("JUDGMENT_MONITORING", "false", 1);
    ::setenv("OTEL_SDK_DISABLED", "true", 1);
    SpanCapture capture;
    ::unsetenv("JUDGMENT_MONITORING");
    ::unsetenv("OTEL_SDK_DISABLED");
    capture.tracer().span("span").end();
    EXPECT_EQ(capture.spans().size(), 1U);
}

TEST(SpanCapture, RefusesWhatATracerRefuses) {
    TracerOptions options;
    options.pipeline.memory_budget_bytes = 1;
    EXPECT_THROW(SpanCapture{options}, SetupError);
}

TEST(CapturedSpans, AreFoundByNameAndParent) {
    SpanCapture capture;
    {
        auto root = capture.tracer().span("root");
        capture.tracer().span("twin").end();
        capture.tracer().span("twin").end();
        auto middle = capture.tracer().span("middle");
        capture.tracer().span("leaf").end();
    }
    const CapturedSpans spans = capture.spans();
    EXPECT_EQ(spans.children_of(spans.find("root")).size(), 3U);
    EXPECT_EQ(spans.children_of(spans.find("middle"))[0].name, "leaf");
    EXPECT_TRUE(spans.children_of(spans.find("leaf")).empty());
    CapturedSpan namesake = spans.find("middle");  // of another trace
    namesake.trace_id = {};
    EXPECT_TRUE(spans.children_of(namesake).empty());
    for (const char* const name : {"nobody", "twin"}) {
        try {
            static_cast<void>(spans.find(name));
            ADD_FAILURE() << "found " << name;
        } catch (const std::out_of_range& error) {
            EXPECT_THAT(error.what(), ::testing::HasSubstr("├─ twin")) << "the tree is not shown";
            EXPECT_THAT(error.what(), ::testing::HasSubstr(name));
        }
    }
}

}  // namespace
}  // namespace judgeval::test
