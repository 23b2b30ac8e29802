// What tracing costs in memory: idle, and while far more is produced than can leave.
#include <fstream>
#include <string>

#include "http_sink.hpp"
#include "mix.hpp"
#include "paired.hpp"

namespace judgeval::bench {
namespace {

using namespace std::chrono_literals;

/// A line of /proc/self/status, in MiB.
double status_mebibytes(const std::string& name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.compare(0, name.size(), name) == 0) return std::stod(line.substr(name.size() + 1)) / 1024;
    }
    return 0;
}

void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

void idle(benchmark::State& state) {
    const HttpSink sink;
    double added = 0;
    for (auto _ : state) {
        const double before = status_mebibytes("VmRSS:");
        const Tracer tracer = tracer_to(sink.url(), {});
        for (int i = 0; i < 100; ++i) const auto span = tracer.span("one");
        tracer.force_flush(60s);
        added = status_mebibytes("VmRSS:") - before;
        report_delivery(state, tracer);
    }
    state.counters["added_MiB"] = added;
    state.counters["must_reach"] = 4;
}

void overload(benchmark::State& state) {
    const HttpSink sink;
    double peak = 0;
    double used = 0;
    for (auto _ : state) {
        const Tracer tracer = tracer_to(sink.url(), {});
        Mix mix(1);
        mix.record(tracer);
        tracer.force_flush(60s);
        const double before = status_mebibytes("VmRSS:");
        reset_peak();
        for (int i = 0; i < 3000000; ++i) {
            mix.record(tracer);
            if (i % 1000 == 0)
                used = std::max(used, static_cast<double>(tracer.stats().memory_used) / (1 << 20));
        }
        peak = status_mebibytes("VmHWM:") - before;
        tracer.force_flush(60s);
        const Stats stats = tracer.stats();
        state.counters["delivered"] = static_cast<double>(stats.exported);
        state.counters["shed"] = static_cast<double>(stats.dropped_by(DropReason::kTraceShed));
    }
    state.counters["budget_MiB"] = 64;
    state.counters["used_MiB"] = used;
    state.counters["resident_peak_MiB"] = peak;
}

// First of all benchmarks, before others have made the heap grow: see CMakeLists.txt.
BENCHMARK(idle)->Name("memory/idle")->Iterations(1);
BENCHMARK(overload)->Name("memory/overload")->Iterations(1);

}  // namespace
}  // namespace judgeval::bench
