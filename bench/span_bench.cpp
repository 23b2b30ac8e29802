// What a span costs the thread that traces.
//
// Bursts into a pool larger than the caches while the exporter compresses and sends on the other core; then
// everything is flushed, so that each round begins alike and every span is counted at the far end.
#include <array>
#include <cstring>
#include <map>
#include <numeric>
#include <string>
#include <thread>

#include "http_sink.hpp"
#include "paired.hpp"

namespace judgeval::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kWarmUpRounds = 8;

struct Setting {
    /// The measured thread and the library's are on different cores.
    Setting() : sink(make_sink()), tracer(tracer_to(sink->url(), options())) { run_on_core(0); }

    static std::unique_ptr<HttpSink> make_sink() {
        run_on_core(1);  // inherited by the sink's and the exporter's threads
        return std::make_unique<HttpSink>();
    }
    static PipelineOptions options() {
        PipelineOptions options;
        options.memory_budget_bytes = std::size_t{256} << 20U;
        options.export_interval = 20ms;
        return options;
    }

    /// One burst of `count` calls below a root span, flushed after it.
    template <typename Body>
    double burst(std::size_t count, Body body) {
        double nanoseconds = 0;
        {
            const auto root = tracer.span("burst");
            nanoseconds = nanoseconds_each(count, body);
        }
        tracer.force_flush(60s);
        return nanoseconds;
    }

    std::unique_ptr<HttpSink> sink;
    Tracer tracer;
};

constexpr std::size_t kBurst = 300000;  // 44 MB of records and more

void nested_span(benchmark::State& state) {
    Setting setting;
    const auto burst = [&] {
        return setting.burst(kBurst, [&](std::size_t) {
            auto span = setting.tracer.span("nested", {.type = "function"});
            benchmark::DoNotOptimize(span);
        });
    };
    for (int i = 0; i < kWarmUpRounds; ++i) burst();
    Rounds rounds;
    for (auto _ : state) rounds.add(burst(), two_timestamp_reads());
    rounds.report(state, 2.2);
    report_delivery(state, setting.tracer);
}

/// What a session and a customer add to each span below them.
void session_and_customer(benchmark::State& state) {
    Setting setting;
    const auto spans = [&](bool has_session) {
        const auto scope =
            has_session ? setting.tracer.scoped_context({.session_id = "5f0c1b0e-7f43-4b7c-9d5e-0d8f4b1f2a11",
                                                         .customer_id = "customer-4711"})
                        : ContextScope(Context());
        return setting.burst(kBurst, [&](std::size_t) {
            auto span = setting.tracer.span("nested", {.type = "function"});
            benchmark::DoNotOptimize(span);
        });
    };
    for (int i = 0; i < kWarmUpRounds; ++i) spans(true);
    Rounds rounds;
    for (auto _ : state) {
        const double without = spans(false);
        rounds.add(spans(true) - without, two_timestamp_reads() / 2);
    }
    rounds.report(state, 1);
    report_delivery(state, setting.tracer);
}

void unsampled_span(benchmark::State& state) {
    const Setting setting;
    Context parent(SpanContext(SpanIdentity{.trace_id = {{1}}, .span_id = {{1}}, .is_remote = true}));
    const ContextScope scope(parent);
    Rounds rounds;
    for (auto _ : state) {
        rounds.add(nanoseconds_each(kBurst,
                                    [&](std::size_t) {
                                        auto span = setting.tracer.span("unsampled", {.type = "function"});
                                        benchmark::DoNotOptimize(span);
                                    }),
                   two_timestamp_reads() / 2);
    }
    rounds.report(state, 1);
}

void short_attribute(benchmark::State& state) {
    Setting setting;
    const std::string model = "a-dynamic-string";
    const auto bare = [&] {
        return setting.burst(kBurst, [&](std::size_t) {
            auto span = setting.tracer.span("nested", {.type = "function"});
            benchmark::DoNotOptimize(span);
        });
    };
    const auto with_four = [&] {
        return setting.burst(kBurst, [&](std::size_t i) {
            auto span = setting.tracer.span("nested", {.type = "function"});
            span.set_attribute("user_id", i);
            span.set_attribute("currency", "USD");
            span.set_attribute("order_total", 99.5 * static_cast<double>(i));
            span.set_attribute("model", model);
            benchmark::DoNotOptimize(span);
        });
    };
    for (int i = 0; i < kWarmUpRounds; ++i) with_four();
    Rounds rounds;
    for (auto _ : state) {
        const double without = bare();
        rounds.add((with_four() - without) / 4, two_timestamp_reads() / 2);
    }
    rounds.report(state, 0.6);
    report_delivery(state, setting.tracer);
}

void trace_of_ten(benchmark::State& state) {
    Setting setting;
    const std::string model = "a-dynamic-string";
    const auto fill = [&](auto& span, std::size_t i) {
        span.set_attribute("user_id", i);
        span.set_attribute("currency", "USD");
        span.set_attribute("order_total", 99.5 * static_cast<double>(i));
        span.set_attribute("model", model);
        benchmark::DoNotOptimize(span);
    };
    // Not below a root: each of these is a trace of its own.
    const auto burst = [&] {
        const double nanoseconds = nanoseconds_each(20000, [&](std::size_t i) {
            auto root = setting.tracer.span("agent", {.type = "agent"});
            fill(root, i);
            for (std::size_t child = 0; child < 9; ++child) {
                auto span = setting.tracer.span("step", {.type = "tool"});
                fill(span, child);
            }
        });
        setting.tracer.force_flush(60s);
        return nanoseconds;
    };
    for (int i = 0; i < kWarmUpRounds; ++i) burst();
    Rounds rounds;
    for (auto _ : state) rounds.add(burst(), 10 * two_timestamp_reads());
    rounds.report(state, 3);
    report_delivery(state, setting.tracer);
}

void large_attribute(benchmark::State& state, std::string_view unit, double must_reach) {
    Setting setting;
    std::string value;
    while (value.size() + unit.size() <= 4096) value += unit;
    constexpr std::size_t kSpans = 200;
    const double ticks = ticks_a_nanosecond();
    // The attribute: from the call to its return, less what the two timestamps cost.
    const auto attribute = [&] {
        std::uint64_t total = 0;
        setting.burst(kSpans, [&](std::size_t) {
            auto span = setting.tracer.span("nested", {.type = "function"});
            const std::uint64_t start = timestamp();
            span.set_attribute("prompt", value);
            total += timestamp() - start;
        });
        return static_cast<double>(total) / kSpans / ticks - two_timestamp_reads() / 2;
    };
    // And all that it adds to a span, which is then handed over to memory that the exporter's core used last.
    const auto span_with = [&](bool has_attribute) {
        return setting.burst(kSpans, [&](std::size_t) {
            auto span = setting.tracer.span("nested", {.type = "function"});
            if (has_attribute) span.set_attribute("prompt", value);
            benchmark::DoNotOptimize(span);
        });
    };
    static char copy[4096];
    const auto copy_it = [&] {
        return nanoseconds_each(2000, [&](std::size_t) {
            std::memcpy(copy, value.data(), value.size());
            benchmark::DoNotOptimize(copy);
            benchmark::ClobberMemory();
        });
    };
    // The same copy to memory that is in no cache.
    std::vector<char> memory(std::size_t{128} << 20U);
    std::size_t at = 0;
    const auto copy_away = [&] {
        return nanoseconds_each(kSpans, [&](std::size_t) {
            at = at + 2 * value.size() < memory.size() ? at + value.size() : 0;
            std::memcpy(memory.data() + at, value.data(), value.size());
            benchmark::ClobberMemory();
        });
    };
    for (int i = 0; i < 100; ++i) attribute();
    Rounds rounds;
    Rounds whole;
    for (auto _ : state) {
        rounds.add(attribute(), copy_it());
        const double without = span_with(false);
        whole.add(span_with(true) - without, copy_away());
    }
    rounds.report(state, must_reach);
    state.counters["whole_ns"] = median(whole.subject);
    state.counters["copy_away_ns"] = median(whole.reference);
    state.counters["whole_ratio"] = median(whole.ratio);
    report_delivery(state, setting.tracer);
}

void inject_and_extract(benchmark::State& state) {
    const Setting setting;
    const auto root = setting.tracer.span("request");
    // Of many requests at a time: what one call wrote and the next one reads has never just been written.
    std::array<std::map<std::string, std::string>, 64> carriers;
    const auto requests = [&] {
        for (auto& carrier : carriers) carrier.clear();
        const double injecting =
            nanoseconds_each(carriers.size(), [&](std::size_t i) { inject(carriers[i]); });
        return injecting + nanoseconds_each(carriers.size(), [&](std::size_t i) {
                   const Context context = extract(carriers[i]);
                   benchmark::DoNotOptimize(context.is_valid());
               });
    };
    for (int i = 0; i < kWarmUpRounds; ++i) requests();
    Rounds rounds;
    for (auto _ : state) {
        double nanoseconds = 0;
        for (int i = 0; i < 16; ++i) nanoseconds += requests() / 16;
        rounds.add(nanoseconds, two_timestamp_reads() / 2);
    }
    rounds.report(state, 15);
}

void monitoring_off(benchmark::State& state) {
    const Setting setting;
    setting.tracer.set_monitoring(false);
    constexpr std::size_t kCalls = 1000000;
    Rounds rounds;
    for (auto _ : state) {
        const double with_span = nanoseconds_each(kCalls, [&](std::size_t i) {
            const auto span = setting.tracer.span("off", {.type = "function"});
            benchmark::DoNotOptimize(i);
        });
        const double without = nanoseconds_each(kCalls, [](std::size_t i) { benchmark::DoNotOptimize(i); });
        rounds.add(with_span - without, 1);
    }
    rounds.report(state, 1);
}

void two_producers(benchmark::State& state) {
    const HttpSink sink;
    PipelineOptions options;
    options.memory_budget_bytes = std::size_t{768} << 20U;
    options.export_interval = 60s;  // the burst fits: the exporter's turn comes after it
    const Tracer tracer = tracer_to(sink.url(), options);
    const auto produce = [&](int core) {
        run_on_core(core);
        const auto root = tracer.span("burst");
        return nanoseconds_each(kBurst, [&](std::size_t) {
            auto span = tracer.span("nested", {.type = "function"});
            benchmark::DoNotOptimize(span);
        });
    };
    /// Spans a nanosecond of the threads on these cores together.
    const auto on_cores = [&](const std::vector<int>& cores) {
        std::atomic<std::size_t> ready{0};
        std::vector<double> each(cores.size());
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < cores.size(); ++i) {
            threads.emplace_back([&, i] {
                ++ready;
                while (ready.load() < cores.size()) std::this_thread::yield();
                each[i] = 1 / produce(cores[i]);
            });
        }
        for (auto& thread : threads) thread.join();
        tracer.force_flush(60s);
        return std::accumulate(each.begin(), each.end(), 0.0);
    };
    for (int i = 0; i < 4; ++i) on_cores({0, 1});
    Rounds rounds;
    for (auto _ : state) {
        // the cores' neighbours differ
        const double one = (on_cores({0}) + on_cores({1})) / 2;
        rounds.add(on_cores({0, 1}), one);
    }
    rounds.report(state, 1.9);
    report_delivery(state, tracer);
}

BENCHMARK(nested_span)->Name("span/nested_vs_two_reads")->Iterations(30);
BENCHMARK(session_and_customer)->Name("span/session_and_customer_vs_one_read")->Iterations(30);
BENCHMARK(unsampled_span)->Name("span/unsampled_vs_one_read")->Iterations(30);
BENCHMARK(short_attribute)->Name("span/short_attribute_vs_one_read")->Iterations(30);
BENCHMARK(trace_of_ten)->Name("span/trace_of_ten_vs_twenty_reads")->Iterations(30);
BENCHMARK_CAPTURE(large_attribute, ascii, "The quick brown fox. ", 4)
    ->Name("span/4_KiB_ascii_vs_memcpy")
    ->Iterations(300);
BENCHMARK_CAPTURE(large_attribute, utf8, "Grüße, 世界! ", 30)
    ->Name("span/4_KiB_utf8_vs_memcpy")
    ->Iterations(300);
BENCHMARK(inject_and_extract)->Name("span/inject_and_extract_vs_one_read")->Iterations(100);
BENCHMARK(monitoring_off)->Name("span/monitoring_off_nanoseconds")->Iterations(30);
BENCHMARK(two_producers)->Name("span/two_producers_vs_one")->Iterations(15);

}  // namespace
}  // namespace judgeval::bench
