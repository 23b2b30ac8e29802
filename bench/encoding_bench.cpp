// The two encodings beside each other: what a span of the mix takes on the way out, before and after
// compression, and what it takes to read it again. The subject is FlatBuffers, the reference OTLP. One thread
// that never waits: its processor time counts, which neighbours disturb less than the clock on the wall.
#include <ctime>

#include "encode/flatbuffers_reader.hpp"
#include "encode/otlp_reader.hpp"
#include "offline_exporter.hpp"
#include "paired.hpp"

namespace judgeval::bench {
namespace {

constexpr std::size_t kSpans = 100000;

double bytes_a_span(const OfflineExporter& bench) {
    const detail::ExporterCounters& counters = bench.exporter.counters();
    return static_cast<double>(counters.sent_bytes.get()) / static_cast<double>(counters.exported.get());
}

/// Nanoseconds of this thread's processor time for each of kSpans spans.
template <typename Body>
double processor_time_each(Body body) {
    const auto now = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
    };
    const double start = now();
    body();
    return (now() - start) / static_cast<double>(kSpans);
}

double written(OfflineExporter& bench) {
    bench.fill(kSpans);
    return processor_time_each([&] { bench.drain(); });
}

void write(benchmark::State& state, Compression compression) {
    OfflineExporter otlp(compression);
    OfflineExporter flat(compression, Encoding::kFlatBuffers);
    written(otlp);
    written(flat);
    Rounds rounds;
    for (auto _ : state) {
        const double reference = written(otlp);
        rounds.add(written(flat), reference);
    }
    rounds.report(state, 0);
    state.counters["delivered"] = static_cast<double>(flat.exporter.counters().exported.get());
    state.counters["bytes_otlp"] = bytes_a_span(otlp);
    state.counters["bytes_flat"] = bytes_a_span(flat);
    state.counters["bytes_ratio"] = bytes_a_span(flat) / bytes_a_span(otlp);
}

std::vector<std::string> bodies(Encoding encoding) {
    std::vector<std::string> kept;
    OfflineExporter bench(Compression::kNone, encoding);
    bench.transport.keep = &kept;
    bench.fill(kSpans);
    bench.drain();
    return kept;
}

std::size_t spans_of(const encode::ReadResult<encode::TraceRequest>& read) {
    std::size_t spans = 0;
    for (const auto& resource : read.message.value().resource_spans) {
        for (const auto& scope : resource.scope_spans) spans += scope.spans.size();
    }
    return spans;
}

/// Verifies a body and reads name, duration and the texts among the attributes of each span where they lie.
std::size_t read_in_place(std::string_view body) {
    std::size_t spans = 0;
    encode::FlatBuffersReader reader{body};
    while (const flat::SpanBatch* const batch = reader.next()) {
        for (const flat::Span* const span : *batch->spans()) {
            benchmark::DoNotOptimize(span->end_time_unix_nano() - span->start_time_unix_nano());
            benchmark::DoNotOptimize(span->name()->string_view());
            for (const flat::KeyValue* const attribute : *span->attributes()) {
                benchmark::DoNotOptimize(attribute->key()->string_view());
                if (attribute->type() == flat::ValueType::String) {
                    benchmark::DoNotOptimize(attribute->string_value()->string_view());
                }
            }
            ++spans;
        }
    }
    return spans;
}

/// An error unless all spans were found.
template <typename Read>
double read_all(benchmark::State& state, const std::vector<std::string>& bodies, Read read) {
    std::size_t spans = 0;
    const double nanoseconds = processor_time_each([&] {
        for (const std::string& body : bodies) spans += read(body);
    });
    if (spans != kSpans + 1) state.SkipWithError("spans are missing: the figure does not count");
    return nanoseconds;
}

template <typename Read>
void read(benchmark::State& state, Read read_flatbuffers) {
    const std::vector<std::string> otlp = bodies(Encoding::kOtlp);
    const std::vector<std::string> flat = bodies(Encoding::kFlatBuffers);
    Rounds rounds;
    for (auto _ : state) {
        const double reference = read_all(
            state, otlp, [](std::string_view body) { return spans_of(encode::read_trace_request(body)); });
        rounds.add(read_all(state, flat, read_flatbuffers), reference);
    }
    rounds.report(state, 0);
}

void read_as_structs(benchmark::State& state) {
    read(state, [](std::string_view body) { return spans_of(encode::read_flatbuffers(body)); });
}
void read_where_they_lie(benchmark::State& state) { read(state, read_in_place); }

BENCHMARK_CAPTURE(write, plain, Compression::kNone)->Name("encoding/write")->Iterations(11);
BENCHMARK_CAPTURE(write, zstd, Compression::kZstd)->Name("encoding/write_zstd")->Iterations(11);
BENCHMARK_CAPTURE(write, gzip, Compression::kGzip)->Name("encoding/write_gzip")->Iterations(5);
BENCHMARK(read_as_structs)->Name("encoding/read")->Iterations(11);
BENCHMARK(read_where_they_lie)->Name("encoding/read_in_place")->Iterations(11);

}  // namespace
}  // namespace judgeval::bench
