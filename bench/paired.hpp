// Measuring against a reference in the same run: machines drift, the ratio of two neighbours does not.
//
// Each round measures the reference and then the subject; what is reported is the median of the rounds'
// ratios. Used by the benchmark's own thread.
#pragma once

#include <benchmark/benchmark.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "judgeval/judgeval.hpp"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace judgeval::bench {

/// A timestamp as the library takes it, without what it makes of it.
inline std::uint64_t timestamp() noexcept {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

inline double ticks_a_nanosecond() {
    using namespace std::chrono_literals;
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t first = timestamp();
    while (std::chrono::steady_clock::now() - start < 20ms) {
    }
    const std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - start;
    return static_cast<double>(timestamp() - first) / passed.count();
}

/// Nanoseconds that `body(i)` takes on average over `count` calls.
template <typename Body>
double nanoseconds_each(std::size_t count, Body body) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) body(i);
    const std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - start;
    return passed.count() / static_cast<double>(count);
}

inline double two_timestamp_reads() {
    return nanoseconds_each(20000, [](std::size_t) {
        benchmark::DoNotOptimize(timestamp());
        benchmark::DoNotOptimize(timestamp());
    });
}

inline double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// How long the processor takes for a fixed piece of work that keeps all of its units busy, in nanoseconds.
///
/// A neighbour on the other hardware thread of the same core slows this down by half, and the library with
/// it, but not a timestamp read, which waits for one unit.
inline double fixed_work() {
    std::uint64_t a = 0, b = 0, c = 0, d = 0;
    return nanoseconds_each(20000, [&](std::size_t i) {
        benchmark::DoNotOptimize(a += i);
        benchmark::DoNotOptimize(b += i);
        benchmark::DoNotOptimize(c += i);
        benchmark::DoNotOptimize(d += i);
    });
}

/// The rounds of one benchmark, and what it reports: the median of all rounds, and of those in which the core
/// was not shared (before and after each, the fixed work took as long as at its best, give or take 15 %).
struct Rounds {
    std::vector<double> subject, reference, ratio, work;

    void add(double subject_value, double reference_value) {
        subject.push_back(subject_value);
        reference.push_back(reference_value);
        ratio.push_back(subject_value / reference_value);
        work.push_back(fixed_work());
    }
    void report(benchmark::State& state, double must_reach) const {
        std::vector<double> unshared;
        const double best = work.empty() ? 0 : *std::min_element(work.begin(), work.end());
        for (std::size_t i = 1; i < work.size(); ++i) {
            if (std::max(work[i - 1], work[i]) < 1.15 * best) unshared.push_back(ratio[i]);
        }
        state.counters["subject"] = median(subject);
        state.counters["reference"] = median(reference);
        state.counters["ratio"] = median(ratio);
        state.counters["ratio_unshared"] = median(unshared);
        state.counters["rounds_unshared"] = static_cast<double>(unshared.size());
        state.counters["must_reach"] = must_reach;
    }
};

/// A figure measured while spans were dropped does not count: says how many were delivered, and fails
/// otherwise.
inline void report_delivery(benchmark::State& state, const Tracer& tracer) {
    const Stats stats = tracer.stats();
    state.counters["delivered"] = static_cast<double>(stats.exported);
    state.counters["dropped"] = static_cast<double>(stats.dropped_total());
    if (stats.dropped_total() != 0 || stats.exported != stats.started) {
        state.SkipWithError("spans were dropped: the figure does not count");
    }
}

/// Keeps this thread on a core, and every thread it starts from here on.
inline void run_on_core(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(core) % std::max(1U, std::thread::hardware_concurrency()), &cores);
    ::sched_setaffinity(0, sizeof cores, &cores);
}

/// A tracer that exports to `url`, with a pool larger than the caches.
inline Tracer tracer_to(const std::string& url, PipelineOptions options) {
    const Judgeval client(
        {.project_name = "bench", .api_key = "key", .organization_id = "organization", .api_url = url});
    // What is measured is a span; how many are sent twice depends on how long the machine keeps them open.
    options.emit_open_after = std::chrono::milliseconds::max();
    return client.tracer.create({.pipeline = std::move(options)});
}

}  // namespace judgeval::bench
