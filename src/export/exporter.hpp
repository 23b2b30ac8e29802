// The exporter: a state machine that takes finished spans from the pipeline and gets them delivered, or
// counts them.
//
// Collects chunk bytes into batches, has them compressed, sends them with a bounded number in flight, and
// retries by the OTLP rules. It owns no thread and never sleeps: whoever drives it (ExporterThread, or the
// simulator of the tests) calls step(), waits until next_deadline() or an event, and calls step() again. All
// calls from that one thread, except where noted.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "arena/pipeline.hpp"
#include "export/batch.hpp"
#include "export/compressor.hpp"
#include "export/compressor_threads.hpp"
#include "export/frame.hpp"
#include "export/log.hpp"
#include "export/platform_sender.hpp"
#include "export/preparation.hpp"
#include "export/project_overrides.hpp"
#include "export/transport.hpp"
#include "export/undecided_traces.hpp"

namespace judgeval::detail {

struct ExporterSettings {
    std::string url;
    std::vector<std::string> headers;
    std::string file;  ///< not empty: bodies go there ("-": standard output), the two above are not used
    std::optional<Preparation> preparation;
    ProjectLookup projects{};  ///< for spans that are routed to a project by its name
    std::shared_ptr<PlatformRequests> platform_requests{};  ///< null: there are none
    PipelineOptions options;
    std::uint64_t random_seed = 0;  ///< of the retries' jitter
};

/// Counted by the exporter, read by anyone.
struct ExporterCounters {
    Counter exported;
    UndecidedCounters undecided;
    DropCounters dropped;
    Counter collected;  ///< spans taken over from the threads, but for undecided.left_out
    Counter finished;   ///< spans no longer in the exporter's hands
    Counter requests;
    Counter retries;
    Counter encoded_bytes;
    Counter sent_bytes;
};

/// What had been handed in at the time of a flush.
struct FlushPoint {
    std::uint64_t spans = 0;
    std::uint64_t platform_requests = 0;
};

class Exporter {
  public:
    Exporter(Pipeline& pipeline, Frame frame, ExporterSettings settings, Transport& transport,
             ExportClock& clock, const Log& log);
    ~Exporter();
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    /// Takes in what the transport completed (the list is emptied) and does everything that is due now.
    void step(std::vector<Completion>& completions);

    /// When step() has something to do again, events aside. Already past when there is work left.
    [[nodiscard]] SteadyTime next_deadline();

    /// Collects everything that ended before the call and sends it without waiting for a full batch. Returns
    /// what to ask is_flushed() with.
    [[nodiscard]] FlushPoint begin_flush();
    /// True when every span and platform request up to the flush was delivered or counted as dropped.
    [[nodiscard]] bool is_flushed(const FlushPoint& flush) const;

    /// Gives up everything that is not delivered yet, under `reason`.
    void abandon(DropReason reason);

    [[nodiscard]] const ExporterCounters& counters() const noexcept { return counters_; }

  private:
    enum class Readiness : std::uint8_t { kUnprepared, kPreparing, kReady };

    void collect();
    void collect_once();
    void log_shed(SteadyTime now);
    void add_segment(Chunk* chunk, std::uint64_t published);
    void add_kept(std::string records);
    void push(const Segment& segment);
    void prepare(SteadyTime now);
    void finish_preparation(const HttpResponse& response, SteadyTime now);
    void compress_next(SteadyTime now);
    void take_compressed();
    void finish_compression(Batch& batch, bool is_compressed);
    void release(const Segment& segment);
    [[nodiscard]] bool should_compress() const;
    void send_due(SteadyTime now);
    void handle(Batch& batch, const HttpResponse& response, SteadyTime now);
    void count_accepted(Batch& batch, const HttpResponse& response);
    [[nodiscard]] bool split(Batch& batch, SteadyTime now);
    void retry_later(Batch& batch, const HttpResponse& response, SteadyTime now);
    void drop(Batch& batch, DropReason reason);
    void drop_pending(DropReason reason);
    void finish(Batch& batch);
    void count_drop(DropReason reason, std::uint64_t spans);
    void send_platform_requests(SteadyTime now);
    void find_override_projects();
    [[nodiscard]] bool settle(Segment& segment);
    [[nodiscard]] std::uint64_t next_random() noexcept;

    Pipeline& pipeline_;
    const Frame frame_;
    ExporterSettings settings_;
    Transport& transport_;
    ExportClock& clock_;
    const Log& log_;
    ExporterCounters counters_;

    UndecidedTraces undecided_;
    std::deque<Segment> pending_;  ///< collected, not yet in a batch
    std::size_t pending_bytes_ = 0;
    std::uint64_t pending_sequence_ = 0;  ///< spans collected before the first pending one
    SteadyTime next_collection_;
    SteadyTime next_look_;  ///< before it, when spans come fast: for full chunks
    std::chrono::milliseconds look_interval_;
    std::uint64_t send_all_below_ =
        0;  ///< pending spans below this sequence go out without waiting for company

    std::map<std::uint64_t, std::unique_ptr<Batch>> batches_;  ///< by id: compressing, waiting or being sent
    std::uint64_t last_id_ = 0;
    std::uint32_t sending_ = 0;
    Compressor compressor_;
    std::unique_ptr<CompressorThreads> threads_;  ///< when more than one is asked for
    Compression compression_;
    bool is_compression_confirmed_ = false;  ///< the endpoint took a request in it
    SteadyTime pushed_back_until_{};         ///< no new request before the backend is ready for one

    PlatformSender platform_sender_;
    ProjectOverrides overrides_;

    Readiness readiness_;
    std::uint64_t preparation_id_ = 0;
    std::uint32_t preparation_attempts_ = 0;
    SteadyTime next_preparation_{};
    bool is_project_refused_ = false;  ///< the last preparation was answered with a lasting no
    SteadyTime next_complaint_{};
    SteadyTime next_platform_complaint_{};
    SteadyTime next_shedding_line_{};
    std::uint64_t shed_ = 0;  ///< spans lost to the budget, as far as they were logged

    std::vector<Chunk*> current_chunks_;  ///< scratch of collect()
    std::vector<Chunk*> full_chunks_;     ///< the same
    std::uint64_t random_;
};

}  // namespace judgeval::detail
