// Producers faster than the backend, and a backend that takes nothing for a while: memory stays in its
// budget, nobody waits, whole traces are given up, and one log line says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <judgeval/judgeval.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"
#include "faults/faulty_backend.hpp"
#include "faults/lateness.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBudget = std::size_t{4} << 20U;
constexpr std::size_t kSpansOfTrace = 10;

void make_traces(const Tracer& tracer, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        auto root = tracer.span("root");
        root.set_attribute("text", std::string(200, static_cast<char>('a' + i % 26)));
        for (std::size_t child = 1; child < kSpansOfTrace; ++child) auto span = tracer.span("child");
    }
}

TEST(Overload, WholeTracesAreGivenUpAndSaidSoOnce) {
    // Says "later" to the first requests, and means it: nothing is taken for some seconds.
    const Fault later{.status = 503, .headers = {{"Retry-After", "2"}}};
    FaultyBackend backend({.script = {later, later, later, later}});
    test::LogLines log;
    const Tracer tracer = test::make_tracer(
        backend.url(), {.pipeline = {.memory_budget_bytes = kBudget, .export_interval = 20ms}},
        log.handler());
    constexpr std::size_t kThreads = 2;
    constexpr std::size_t kTraces = 10'000;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&tracer] { make_traces(tracer, kTraces); });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_LE(tracer.stats().memory_used, kBudget);
    ASSERT_TRUE(tracer.force_flush(60s));

    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.in_flight, 0U);
    test::expect_balanced(stats);
    EXPECT_EQ(stats.dropped_total(), stats.dropped_by(DropReason::kTraceShed));
    EXPECT_GT(stats.exported, 0U);
    EXPECT_GT(stats.dropped_by(DropReason::kTraceShed), 0U);
    EXPECT_EQ(backend.acknowledged_spans().size(), stats.exported);
    for (const auto& [trace, spans] : backend.acknowledged_traces()) {
        ASSERT_EQ(spans, kSpansOfTrace) << "a trace arrived without all of its spans";
    }
    // and it takes new ones again, all of them
    make_traces(tracer, 100);
    ASSERT_TRUE(tracer.shutdown(60s));
    EXPECT_EQ(tracer.stats().exported, stats.exported + 100 * kSpansOfTrace);

    std::vector<std::string> about_memory;
    for (const auto& line : log.take()) {
        if (line.find("memory budget") != std::string::npos) about_memory.push_back(line);
    }
    EXPECT_THAT(about_memory, testing::SizeIs(1));
}

// For a minute (less with sanitizers, see CMakeLists.txt) requests are taken and not answered.
TEST(Overload, ABackendThatTakesNothingForAMinuteCostsMemoryOnlyUpToTheBudget) {
    auto backend =
        std::make_unique<FaultyBackend>(FaultyBackendOptions{.afterwards = {.how = Fault::How::kHangs}});
    const int port = backend->port();
    test::LogLines log;
    const Tracer tracer = test::make_tracer(
        backend->url(),
        {.pipeline = {.memory_budget_bytes = kBudget, .export_interval = 20ms, .request_timeout = 2s}},
        log.handler());
    const auto back_at = std::chrono::steady_clock::now() + std::chrono::seconds(JUDGEVAL_OVERLOAD_SECONDS);
    std::size_t most_memory = 0;
    while (std::chrono::steady_clock::now() < back_at) {
        make_traces(tracer, 20);
        most_memory = std::max(most_memory, tracer.stats().memory_used);
        std::this_thread::sleep_for(1ms);  // a server's pace, and room for other tests
    }
    EXPECT_LE(most_memory, kBudget);
    EXPECT_GT(tracer.stats().dropped_by(DropReason::kTraceShed), 0U) << "there was no overload";
    EXPECT_TRUE(backend->acknowledged_spans().empty());

    backend.reset();
    FaultyBackend recovered({.port = port});
    ASSERT_TRUE(tracer.force_flush(test::kPatience));
    make_traces(tracer, 100);
    ASSERT_TRUE(tracer.shutdown(test::kPatience));
    const Stats stats = tracer.stats();
    test::expect_balanced(stats);
    EXPECT_EQ(stats.in_flight, 0U);
    EXPECT_EQ(stats.dropped_total(), stats.dropped_by(DropReason::kTraceShed));
    EXPECT_EQ(recovered.acknowledged_spans().size(), stats.exported);
    EXPECT_GE(stats.exported, 100 * kSpansOfTrace);
    for (const auto& [trace, spans] : recovered.acknowledged_traces()) {
        ASSERT_EQ(spans, kSpansOfTrace) << "a trace arrived without all of its spans";
    }
    const auto lines = log.take();
    const auto about_memory = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find("memory budget") != std::string::npos;
    });
    EXPECT_GE(about_memory, 1);
    EXPECT_LE(about_memory, 2 + JUDGEVAL_OVERLOAD_SECONDS / 60) << "one a minute";
}

TEST(Overload, ACallWaitsAtMostAsLongAsThePolicySays) {
    const FaultyBackend hangs({.afterwards = {.how = Fault::How::kHangs}});
    constexpr milliseconds kMaxBlock{20};
    const Tracer tracer = test::make_tracer(hangs.url(), {.pipeline = {.memory_budget_bytes = kBudget,
                                                                       .when_full = WhenFull::kBlock,
                                                                       .max_block = kMaxBlock}});
    while (tracer.stats().dropped_by(DropReason::kBudgetExhausted) == 0) make_traces(tracer, 100);
    Lateness ours;
    Lateness machines;
    for (int i = 0; i < 20; ++i) {
        run_together(kMaxBlock, {[&] {
                         auto span = tracer.span("span");
                         span.set_attribute("text", std::string(20'000, 'x'));
                     }},
                     ours, machines);
    }
    EXPECT_LE(ours.most(), kGrace + machines.most());
    EXPECT_FALSE(tracer.shutdown(0ms));
    test::expect_balanced(tracer.stats());
}

}  // namespace
}  // namespace judgeval::faults
