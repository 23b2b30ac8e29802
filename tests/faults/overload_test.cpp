// Producers faster than the backend, and a backend that takes nothing for a while: memory stays in its
// budget, nobody waits, whole traces are given up, and one log line says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"
#include "faults/faulty_backend.hpp"

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

}  // namespace
}  // namespace judgeval::faults
