// What a span costs at a steady 200,000 a second, at the median and in the tail, with the exporter keeping
// up.
#include "http_sink.hpp"
#include "paired.hpp"

namespace judgeval::bench {
namespace {

using namespace std::chrono_literals;

double percentile(std::vector<std::uint64_t>& values, double share) {
    const auto at =
        values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return static_cast<double>(*at);
}

/// 200,000 times a second for a second: the duration of two timestamp reads and then that of a span, in
/// ticks.
struct Paced {
    std::vector<std::uint64_t> reads, spans;
};
template <typename Body>
Paced paced(double ticks, Body body) {
    constexpr std::size_t kCount = 200000;
    const auto step = static_cast<std::uint64_t>(5000 * ticks);
    Paced durations{std::vector<std::uint64_t>(kCount), std::vector<std::uint64_t>(kCount)};
    std::uint64_t next = timestamp();
    for (std::size_t i = 0; i < kCount; ++i) {
        while (timestamp() < next) {
        }
        next += step;
        const std::uint64_t before = timestamp();
        benchmark::DoNotOptimize(timestamp());
        benchmark::DoNotOptimize(timestamp());
        const std::uint64_t between = timestamp();
        body();
        durations.spans[i] = timestamp() - between;
        durations.reads[i] = between - before;
    }
    return durations;
}

void paced_span(benchmark::State& state) {
    run_on_core(1);
    const HttpSink sink;
    const Tracer tracer = tracer_to(sink.url(), {});
    run_on_core(0);
    const double ticks = ticks_a_nanosecond();
    const auto spans = [&] {
        const auto root = tracer.span("paced");
        return paced(ticks, [&] {
            auto span = tracer.span("nested", {.type = "function"});
            benchmark::DoNotOptimize(span);
        });
    };
    for (int i = 0; i < 3; ++i) spans();
    Rounds p50;
    Rounds p99;
    Rounds p999;
    for (auto _ : state) {
        auto [reads, measured] = spans();
        p50.add(percentile(measured, 0.5) / ticks, percentile(reads, 0.5) / ticks);
        p99.add(percentile(measured, 0.99) / ticks, percentile(reads, 0.99) / ticks);
        p999.add(percentile(measured, 0.999) / ticks, percentile(reads, 0.999) / ticks);
    }
    tracer.force_flush(60s);
    state.counters["p50_ns"] = median(p50.subject);
    state.counters["p50_ratio"] = median(p50.ratio);
    state.counters["p99_ns"] = median(p99.subject);
    state.counters["p99_ratio"] = median(p99.ratio);
    state.counters["p999_ns"] = median(p999.subject);
    state.counters["p999_ratio"] = median(p999.ratio);
    report_delivery(state, tracer);
}

BENCHMARK(paced_span)->Name("paced/200k_a_second_vs_two_reads_must_reach_3_and_20")->Iterations(7);

}  // namespace
}  // namespace judgeval::bench
