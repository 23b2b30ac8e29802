// A fake clock and fixed ids: what is traced under them is the same every time, and the real world comes
// back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <judgeval/testing.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;
using judgeval::testing::CapturedSpans;
using judgeval::testing::FakeClock;
using judgeval::testing::FixedIds;
using judgeval::testing::SpanCapture;
using judgeval::testing::Time;

Time real_time() {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

TEST(FakeClock, IsWhatSpansAndEventsGoBy) {
    SpanCapture capture;
    capture.tracer().span("before").end();
    const Time start{1234567890s};
    {
        FakeClock clock(start);
        auto root = capture.tracer().span("root");
        clock.advance(5ms);
        {
            auto child = capture.tracer().span("child");
            clock.advance(20ns);
            child.add_event("event");
            clock.advance(1h);
        }
        clock.set(start + 24h);
    }
    const CapturedSpans spans = capture.spans();
    EXPECT_EQ(spans.find("root").start, start);
    EXPECT_EQ(spans.find("root").duration(), 24h);
    EXPECT_EQ(spans.find("child").start, start + 5ms);
    EXPECT_EQ(spans.find("child").events.at(0).time, start + 5ms + 20ns);
    EXPECT_EQ(spans.find("child").duration(), 1h + 20ns);
    EXPECT_EQ(spans[0].name, "root") << "it was long ago";
}

TEST(FakeClock, HoldsOnEveryThreadAndStandsStillByItself) {
    SpanCapture capture;
    FakeClock clock;
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id) {
        threads.emplace_back([&capture] {
            for (int i = 0; i < 100; ++i) {
                auto outer = capture.tracer().span("outer");
                capture.tracer().span("inner").end();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    const CapturedSpans spans = capture.spans();
    EXPECT_EQ(spans.size(), 800U);
    for (const auto& span : spans) {
        EXPECT_EQ(span.start, clock.now());
        EXPECT_EQ(span.duration(), 0ns);
    }
}

TEST(FakeClock, LeavesTheRealTimeBehind) {
    SpanCapture capture;
    const Time before = real_time();
    {
        FakeClock clock(before + 1000h);
        capture.tracer().span("pretended").end();
    }
    // on this thread, which was told a later time, and on one that was told none
    capture.tracer().span("real").end();
    std::thread([&capture] { capture.tracer().span("elsewhere").end(); }).join();
    const CapturedSpans spans = capture.spans();
    EXPECT_EQ(spans.find("pretended").start, before + 1000h);
    for (const char* const name : {"real", "elsewhere"}) {
        EXPECT_LT(spans.find(name).start, before + 500h) << name;
        EXPECT_GT(spans.find(name).start, before - 500h) << name;
    }
}

TEST(FakeClock, IsOneAtATime) {
    {
        FakeClock clock;
        EXPECT_THROW(FakeClock{}, std::logic_error);
    }
    EXPECT_NO_THROW(FakeClock{});
}

std::string ids_of_one_run(std::uint64_t seed) {
    SpanCapture capture;
    const FixedIds ids(seed);
    {
        auto root = capture.tracer().span("root");
        auto child = capture.tracer().span("child");
        capture.tracer().start_span("grandchild").end();
    }
    capture.tracer().span("another").end();
    std::string text;
    for (const char* const name : {"root", "child", "grandchild", "another"}) {
        const CapturedSpans spans = capture.spans();
        text += spans.find(name).trace_id.to_hex() + "-" + spans.find(name).span_id.to_hex() + "\n";
    }
    return text;
}

TEST(FixedIds, FollowFromTheSeed) {
    EXPECT_EQ(ids_of_one_run(1), ids_of_one_run(1));
    EXPECT_NE(ids_of_one_run(1), ids_of_one_run(2));
    EXPECT_EQ(ids_of_one_run(0), ids_of_one_run(0));
    std::string elsewhere;
    std::thread([&elsewhere] { elsewhere = ids_of_one_run(1); }).join();
    EXPECT_EQ(elsewhere, ids_of_one_run(1));
}

TEST(FixedIds, LeaveRandomOnesBehind) {
    SpanCapture capture;
    std::vector<std::string> ids;
    for (int i = 0; i < 2; ++i) {
        { const FixedIds fixed; }
        capture.tracer().span("span").end();
        ids.push_back(capture.spans()[0].trace_id.to_hex());
        capture.clear();
    }
    EXPECT_NE(ids[0], ids[1]);
}

}  // namespace
}  // namespace judgeval::test
