// Sampler::keep_on_error: which traces are kept, whole; what is counted for those that are not; and what
// becomes of them when memory is short.
//
// The pipeline that ships, writing to memory. Nothing depends on when the exporter looks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"
#include "judgeval/testing.hpp"

namespace judgeval::test {
namespace {

using judgeval::testing::CapturedSpan;
using judgeval::testing::SpanCapture;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TracerOptions errors_only() {
    TracerOptions options;
    options.sampler = Sampler::keep_on_error(Sampler::parent_based(Sampler::always_off()));
    options.pipeline.emit_open_after = std::chrono::milliseconds::max();
    return options;
}

std::vector<std::string> names(const SpanCapture& capture) {
    std::vector<std::string> names;
    for (const CapturedSpan& span : capture.spans()) names.push_back(span.name);
    return names;
}

Context remote(std::uint8_t flags) {
    SpanContext parent;
    parent.trace_id.bytes[0] = 1;
    parent.span_id.bytes[0] = 1;
    parent.is_remote = true;
    parent.trace_flags = flags;
    return Context(parent);
}

TEST(KeepOnError, ATraceWithAnErrorAnywhereIsKeptWhole) {
    const SpanCapture capture(errors_only());
    const Tracer& tracer = capture.tracer();
    {
        auto root = tracer.span("root");
        EXPECT_TRUE(root.is_recording());
        EXPECT_FALSE(root.context().span_context().is_sampled());
        auto child = tracer.span("child");
        {
            auto failing = tracer.span("failing");
            failing.set_status(StatusCode::kError, "no answer");
        }
        auto after = tracer.span("after");
    }
    const auto spans = capture.spans();
    EXPECT_THAT(names(capture), UnorderedElementsAre("root", "child", "failing", "after"));
    for (const CapturedSpan& span : spans) EXPECT_EQ(span.flags & 0xFFU, 1U) << span.name;
    EXPECT_EQ(spans.find("failing").parent_span_id, spans.find("child").span_id);
    EXPECT_EQ(tracer.stats().unsampled_spans, 0U);
    expect_balanced(tracer.stats());
}

TEST(KeepOnError, ATraceWithoutOneIsNotSentAndCounted) {
    const SpanCapture capture(errors_only());
    const Tracer& tracer = capture.tracer();
    for (int i = 0; i < 10; ++i) {
        auto root = tracer.span("root");
        auto child = tracer.span("child");
        child.set_status(StatusCode::kOk);
    }
    EXPECT_THAT(names(capture), IsEmpty());
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.started, 20U);
    EXPECT_EQ(stats.unsampled_spans, 20U);
    EXPECT_EQ(stats.unsampled_traces, 10U);
    EXPECT_EQ(stats.in_flight, 0U);
    EXPECT_EQ(stats.dropped_total(), 0U);
    expect_balanced(stats);
}

TEST(KeepOnError, WhatTheHeadChoosesGoesOutAsEver) {
    TracerOptions options = errors_only();
    options.sampler = Sampler::keep_on_error(Sampler::function(
        [](const TraceId&, std::string_view name, const SpanIdentity*) { return name == "chosen"; }));
    const SpanCapture capture(options);
    auto open = capture.tracer().span("chosen");
    EXPECT_TRUE(open.context().span_context().is_sampled());
    { auto child = capture.tracer().span("child"); }
    {
        const ContextScope outside{Context()};
        auto other = capture.tracer().span("other");
    }
    EXPECT_THAT(names(capture), UnorderedElementsAre("child")) << "it does not wait for its root";
}

TEST(KeepOnError, SpansThatEndAfterTheirLocalRootShareItsFate) {
    const SpanCapture capture(errors_only());
    const Tracer& tracer = capture.tracer();
    for (const bool fails : {true, false}) {
        auto root = tracer.span(std::string(fails ? "kept" : "gone"));
        auto late = tracer.start_span(std::string(fails ? "kept_late" : "gone_late"));
        if (fails) root.set_status(StatusCode::kError, "");
        root.end();
        static_cast<void>(capture.spans());  // decided
        late.set_status(StatusCode::kError, "too late to matter");
        late.end();
    }
    EXPECT_THAT(names(capture), UnorderedElementsAre("kept", "kept_late"));
    EXPECT_EQ(tracer.stats().unsampled_spans, 2U);
    expect_balanced(tracer.stats());
}

TEST(KeepOnError, AnUnsampledRemoteParentsTraceIsDecidedHereAndNotSampledForOthers) {
    const SpanCapture capture(errors_only());
    const Tracer& tracer = capture.tracer();
    // 0x80 is no flag of W3C's: what another service says with it is not the library's.
    for (const int flags : {0x00, 0x01, 0x80, 0x81}) {
        const ContextScope scope(remote(static_cast<std::uint8_t>(flags)));
        auto request = tracer.span("request" + std::to_string(flags));
        std::map<std::string, std::string> headers;
        inject(headers);
        EXPECT_EQ(headers["traceparent"].substr(52), (flags & 1) != 0 ? "-01" : "-00");
        if (flags == 0) request.set_status(StatusCode::kError, "");
    }
    // one trace id for all: the first that was decided keeps those behind it
    const auto spans = capture.spans();
    EXPECT_EQ(spans.find("request0").flags, 0x301U);
    EXPECT_EQ(spans.find("request1").flags, 0x301U);
    expect_balanced(tracer.stats());
}

TEST(KeepOnError, LinksToSuchTracesSayWhatW3CKnows) {
    const SpanCapture capture(errors_only());
    auto root = capture.tracer().span("root");
    root.add_link(root.context().span_context());
    root.set_status(StatusCode::kError, "");
    root.end();
    const auto spans = capture.spans();
    ASSERT_EQ(spans.find("root").links.size(), 1U);
    EXPECT_EQ(spans.find("root").links[0].context.trace_flags, 0);
}

TEST(KeepOnError, NothingOfATraceGoesOutWhileItIsUndecided) {
    TracerOptions options = errors_only();
    options.pipeline.emit_open_after = std::chrono::milliseconds(0);  // at every chance
    const SpanCapture capture(options);
    const Tracer& tracer = capture.tracer();
    auto root = tracer.span("root");
    { auto child = tracer.span("child", {.type = "llm"}); }
    EXPECT_THAT(names(capture), IsEmpty());
    EXPECT_EQ(tracer.stats().partial_emissions, 0U);
    EXPECT_EQ(tracer.stats().in_flight, 2U);
    EXPECT_GT(tracer.stats().memory_used, 0U);
}

TEST(KeepOnError, EachTraceOfManyThreadsIsKeptWholeOrNotAtAll) {
    constexpr int kThreads = 4;
    constexpr int kTraces = 500;
    const SpanCapture capture(errors_only());
    const Tracer& tracer = capture.tracer();
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&tracer, &failed, t] {
            for (int i = 0; i < kTraces; ++i) {
                auto root = tracer.span("root");
                std::thread elsewhere;
                const bool is_far = i % 50 == 0;
                const bool fails = (i + t) % 3 == 0;
                const auto work = [&] {
                    auto child = tracer.span("child");
                    auto grandchild = tracer.span("grandchild");
                    grandchild.set_attribute("text", std::string(static_cast<std::size_t>(i), 'x'));
                    if (fails) grandchild.set_status(StatusCode::kError, "");
                };
                if (is_far) {
                    elsewhere = std::thread(tracer.bind(work));
                    elsewhere.join();
                } else {
                    work();
                }
                if (fails) ++failed;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::map<std::string, std::multiset<std::string>> traces;
    for (const CapturedSpan& span : capture.spans()) traces[span.trace_id.to_hex()].insert(span.name);
    EXPECT_EQ(traces.size(), static_cast<std::size_t>(failed));
    for (const auto& [id, spans] : traces) {
        EXPECT_THAT(spans, UnorderedElementsAre("root", "child", "grandchild")) << id;
    }
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.exported + stats.unsampled_spans, 3U * kThreads * kTraces);
    EXPECT_EQ(stats.unsampled_traces, static_cast<std::uint64_t>(kThreads * kTraces - failed));
    expect_balanced(stats);
}

TEST(KeepOnError, LargeSpansArriveAsTheyWere) {
    const SpanCapture capture(errors_only());
    const Tracer& tracer = capture.tracer();
    std::string text;
    for (int i = 0; text.size() < 300'000; ++i) text.append(std::to_string(i)).append(" ");
    for (const bool fails : {false, true}) {
        auto root = tracer.span("root");
        { auto child = tracer.span("small"); }
        {
            auto child = tracer.span("large");
            child.set_attribute("text", text);
        }
        { auto child = tracer.span("small"); }
        if (fails) root.set_status(StatusCode::kError, "");
    }
    EXPECT_THAT(names(capture), UnorderedElementsAre("root", "small", "large", "small"));
    const auto spans = capture.spans();
    const auto* const value = spans.find("large").attribute("text");
    ASSERT_NE(value, nullptr);
    EXPECT_TRUE(std::get<std::string>(value->value) == text);
    expect_balanced(tracer.stats());
}

TEST(KeepOnError, OverTheBoundTheOldestTraceIsGivenUpWholeAndCounted) {
    TracerOptions options = errors_only();
    options.pipeline.memory_budget_bytes = std::size_t{4} << 20U;
    const SpanCapture capture(options);
    const Tracer& tracer = capture.tracer();
    const std::string text(1000, 'x');
    auto long_running = tracer.start_span("long_running", {}, Context());
    constexpr int kParts = 1000;  // twice what is held at most
    for (int i = 0; i < kParts; ++i) {
        auto part = tracer.start_span("part", {}, long_running.context());
        part.set_attribute("text", text);
        part.end();
        if (i % 100 == 0) {
            EXPECT_THAT(capture.spans(), IsEmpty());
        }
        EXPECT_LE(tracer.stats().memory_used, options.pipeline.memory_budget_bytes);
    }
    long_running.set_status(StatusCode::kError, "");
    long_running.end();
    auto brief = tracer.start_span("brief", {}, Context());
    brief.set_status(StatusCode::kError, "");
    brief.end();
    EXPECT_THAT(names(capture), UnorderedElementsAre("brief"));
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.dropped_by(DropReason::kBudgetExhausted), kParts + 1U);
    EXPECT_EQ(stats.dropped_total(), kParts + 1U);
    expect_balanced(stats);
}

TEST(KeepOnError, WhatIsUndecidedAtShutdownIsCounted) {
    const SpanCapture capture(errors_only());
    const Tracer& tracer = capture.tracer();
    auto root = tracer.span("root");
    { auto child = tracer.span("child"); }
    EXPECT_TRUE(tracer.shutdown());
    root.end();
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.dropped_by(DropReason::kShutdown), 2U);
    EXPECT_EQ(stats.in_flight, 0U);
    expect_balanced(stats);
}

TEST(KeepOnError, ShutdownDecidesWhatHasEnded) {
    const SpanCapture capture(errors_only());
    const Tracer& tracer = capture.tracer();
    {
        auto kept = tracer.span("kept");
        kept.set_status(StatusCode::kError, "");
    }
    { auto gone = tracer.span("gone"); }
    EXPECT_TRUE(tracer.shutdown());
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.exported, 1U);
    EXPECT_EQ(stats.unsampled_spans, 1U);
    EXPECT_EQ(stats.dropped_total(), 0U);
    expect_balanced(stats);
}

}  // namespace
}  // namespace judgeval::test
