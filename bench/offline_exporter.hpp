// An exporter without thread and network: filled by the benchmark with spans of the mix, stepped by it until
// they are out. Belongs to the benchmark's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "export/exporter.hpp"
#include "mix.hpp"

namespace judgeval::bench {

/// Answers every request at once, and keeps the bodies if asked to.
class Discard final : public detail::Transport {
  public:
    void send(std::uint64_t id, const detail::HttpRequest& request) override {
        if (keep != nullptr) {
            std::string& body = keep->emplace_back();
            for (const auto piece : request.body) body.append(piece);
        }
        done_.push_back({id, {200, {}, {}, {}}});
    }
    void cancel(std::uint64_t) override {}
    void wait(std::chrono::nanoseconds, std::vector<detail::Completion>& completions) override {
        completions.swap(done_);
    }
    void wake() noexcept override {}

    std::vector<std::string>* keep = nullptr;

  private:
    std::vector<detail::Completion> done_;
};

struct OfflineExporter {
    explicit OfflineExporter(Compression compression, Encoding encoding = Encoding::kOtlp)
        : pipeline({.memory_budget_bytes = std::size_t{256} << 20U, .reserved_chunks = 200, .limits = {}}),
          exporter(pipeline, detail::Frame({}, "judgeval", "bench"),
                   {.url = "http://discard",
                    .headers = {},
                    .file = {},
                    .preparation = {},
                    .options = options(compression, encoding),
                    .random_seed = 1},
                   transport, clock, log) {
        state.pipeline = &pipeline;
        state.is_recording = true;
    }
    static PipelineOptions options(Compression compression, Encoding encoding) {
        PipelineOptions options;
        options.encoding = encoding;
        options.compression = compression;
        return options;
    }
    void fill(std::size_t spans) {
        const Tracer tracer{std::shared_ptr<detail::TracerState>(&state, [](detail::TracerState*) {})};
        Mix mix(42);
        const auto root = tracer.span("burst");
        for (std::size_t i = 0; i < spans; ++i) mix.record(tracer);
    }
    /// Seconds until everything is out.
    double drain() {
        const auto start = std::chrono::steady_clock::now();
        const auto flush = exporter.begin_flush();
        std::vector<detail::Completion> completions;
        while (!exporter.is_flushed(flush)) {
            exporter.step(completions);
            transport.wait(std::chrono::nanoseconds{0}, completions);
        }
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

    detail::Pipeline pipeline;
    detail::TracerState state;
    Discard transport;
    detail::SystemClock clock;
    detail::Log log;
    detail::Exporter exporter;
};

}  // namespace judgeval::bench
