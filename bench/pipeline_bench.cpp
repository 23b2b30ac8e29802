// How much the exporter gets away: framing and zstd alone, and end to end into a server that only reads.
#include <zstd.h>

#include <cstring>
#include <random>

#include "http_sink.hpp"
#include "mix.hpp"
#include "offline_exporter.hpp"
#include "paired.hpp"

namespace judgeval::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSpans = 300000;  // about 70 MB

/// The bytes that the exporter sends for the mix, uncompressed.
const std::string& mix_bytes() {
    static const std::string bytes = [] {
        std::vector<std::string> bodies;
        OfflineExporter bench(Compression::kNone);
        bench.transport.keep = &bodies;
        bench.fill(kSpans);
        bench.drain();
        std::string all;
        for (const std::string& body : bodies) all += body;
        return all;
    }();
    return bytes;
}

/// MB/s of zstd 1 streaming over those bytes in 64 KiB pieces.
double zstd_alone() {
    const std::string& bytes = mix_bytes();
    constexpr std::size_t kPiece = std::size_t{64} << 10U;
    std::vector<char> out(ZSTD_CStreamOutSize());
    ZSTD_CCtx* const context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
        ZSTD_inBuffer in{bytes.data() + at, std::min(kPiece, bytes.size() - at), 0};
        const bool is_last = at + kPiece >= bytes.size();
        for (std::size_t left = 1; is_last ? left != 0 : in.pos < in.size;) {
            ZSTD_outBuffer room{out.data(), out.size(), 0};
            left = ZSTD_compressStream2(context, &room, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
        }
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    ZSTD_freeCCtx(context);
    return static_cast<double>(bytes.size()) / 1e6 / seconds;
}

/// MB/s of the exporter over the same mix, no network.
double exporter_alone(OfflineExporter& bench) {
    bench.fill(kSpans);
    const double before = static_cast<double>(bench.exporter.counters().encoded_bytes.get());
    const double seconds = bench.drain();
    return (static_cast<double>(bench.exporter.counters().encoded_bytes.get()) - before) / 1e6 / seconds;
}

void frame_and_zstd(benchmark::State& state) {
    OfflineExporter bench(Compression::kZstd);
    exporter_alone(bench);
    Rounds rounds;
    for (auto _ : state) {
        const double alone = zstd_alone();
        rounds.add(exporter_alone(bench), alone);
    }
    rounds.report(state, 0.95);
    state.counters["delivered"] = static_cast<double>(bench.exporter.counters().exported.get());
    state.counters["bytes_a_span"] = static_cast<double>(mix_bytes().size()) / static_cast<double>(kSpans);
}

/// MB/s and spans/s from one producer that must not lose anything, into the sink.
struct Sustained {
    double megabytes, spans;
};
Sustained sustained(std::uint32_t compressors, benchmark::State& state) {
    const HttpSink sink;
    PipelineOptions options;
    options.when_full = WhenFull::kBlock;
    options.max_block = 10s;
    options.compressor_threads = compressors;
    const Tracer tracer = tracer_to(sink.url(), options);
    Mix mix(42);
    {
        const auto root = tracer.span("warm_up");
        for (std::size_t i = 0; i < kSpans; ++i) mix.record(tracer);
    }
    tracer.force_flush(60s);
    const Stats before = tracer.stats();
    const auto start = std::chrono::steady_clock::now();
    {
        const auto root = tracer.span("sustained");
        for (std::size_t i = 0; i < 10 * kSpans; ++i) mix.record(tracer);
    }
    tracer.force_flush(60s);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const Stats after = tracer.stats();
    report_delivery(state, tracer);
    return {static_cast<double>(after.encoded_bytes - before.encoded_bytes) / 1e6 / seconds,
            static_cast<double>(after.exported - before.exported) / seconds};
}

void sustained_vs_exporter(benchmark::State& state) {
    OfflineExporter bench(Compression::kZstd);
    exporter_alone(bench);
    Rounds rounds;
    std::vector<double> spans;
    for (auto _ : state) {
        const double alone = exporter_alone(bench);
        const Sustained end_to_end = sustained(1, state);
        rounds.add(end_to_end.megabytes, alone);
        spans.push_back(end_to_end.spans);
    }
    rounds.report(state, 0.88);
    state.counters["spans_a_second"] = median(spans);
}

void two_compressors_vs_one(benchmark::State& state) {
    Rounds rounds;
    std::vector<double> spans;
    for (auto _ : state) {
        const Sustained one = sustained(1, state);
        const Sustained two = sustained(2, state);
        rounds.add(two.megabytes, one.megabytes);
        spans.push_back(two.spans);
    }
    rounds.report(state, 1.4);
    state.counters["spans_a_second"] = median(spans);
}

BENCHMARK(frame_and_zstd)->Name("pipeline/exporter_vs_zstd_alone")->Iterations(11);
BENCHMARK(sustained_vs_exporter)->Name("pipeline/sustained_http_vs_exporter")->Iterations(7);
BENCHMARK(two_compressors_vs_one)->Name("pipeline/two_compressors_vs_one")->Iterations(7);

}  // namespace
}  // namespace judgeval::bench
