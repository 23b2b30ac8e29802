// The pipeline: what the threads that trace and the exporter share.
//
// A pool of chunks, the queue of full ones, the arenas of the threads, and the two switches a thread looks
// at. The hot path reads `accepting` and `shedding`; everything else here is slow path or the exporter's.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <vector>

#include "arena/chunk_pool.hpp"
#include "arena/root_sampler.hpp"
#include "arena/thread_arena.hpp"
#include "judgeval/options.hpp"
#include "record/thread_state.hpp"

namespace judgeval::detail {

class Pipeline;

/// Starts the tracer's pipeline where it has none: at creation, and at the first span of a forked child. Null
/// when it must not have one, or cannot. Defined where tracers are put together (src/tracer.cpp).
Pipeline* start_pipeline(TracerState& tracer) noexcept;

struct PipelineSettings {
    std::size_t memory_budget_bytes = 0;
    std::size_t reserved_chunks = 0;  ///< kept for the exporter: see ChunkPool::For
    std::size_t undecided_bytes = 0;  ///< beside the budget above, for what Sampler::keep_on_error records
    WhenFull when_full = WhenFull::kShedTraces;
    std::chrono::milliseconds max_block{0};
    SpanLimits limits;
    Sampler sampler = Sampler::parent_based(Sampler::always_on());
    std::chrono::milliseconds emit_open_after = std::chrono::milliseconds::max();  ///< max: never
    /// Told when the root of a trace ends, on the thread that ends it; must not throw. Usually empty.
    std::function<void(const TraceId&)> on_root_end{};
};

class Pipeline {
  public:
    using Queue = moodycamel::ConcurrentQueue<Chunk*>;

    explicit Pipeline(const PipelineSettings& settings);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// Names the pipeline in ThreadState; never used twice. Once it takes no more spans, a number that is no
    /// thread's.
    [[nodiscard]] std::uint64_t open_id() const noexcept {
        return open_id_.load(std::memory_order_relaxed);  // relaxed: see is_accepting()
    }
    /// This thread's arena, which becomes the one it used last; made on the thread's first use. Null when
    /// there is no memory for it, or the thread is past its thread-local destructors.
    [[nodiscard]] ThreadArena* find_arena(ThreadState& thread) noexcept;

    /// Called with the arena of a thread that is past its thread-local destructors, one at a time.
    template <typename Use>
    void with_shared_arena(Use use) noexcept {
        const std::lock_guard lock(shared_mutex_);
        use(*shared_arena_);
    }

    /// False once the pipeline stopped taking spans: those that end now are counted as dropped.
    [[nodiscard]] bool is_accepting() const noexcept {
        // relaxed: a switch; late readers are counted at the end
        return taking_.load(std::memory_order_relaxed) == Taking::kSpans;
    }
    /// True in a forked child for what belongs to its parent: not even counted.
    [[nodiscard]] bool is_inherited() const noexcept {
        // relaxed: written while the child had one thread
        return taking_.load(std::memory_order_relaxed) == Taking::kInherited;
    }
    void stop_accepting() noexcept;

    /// True while new traces are given up to keep memory for those under way.
    [[nodiscard]] bool is_shedding() const noexcept {
        return shedding_.load(std::memory_order_relaxed);  // relaxed: a hint, checked once a trace
    }

    [[nodiscard]] const SpanLimits& limits() const noexcept { return settings_.limits; }
    /// What a span begins with.
    [[nodiscard]] const SpanTally& first_tally() const noexcept { return first_tally_; }
    /// PipelineOptions::emit_open_after, in nanoseconds; kNever for never.
    [[nodiscard]] std::uint64_t emit_open_after() const noexcept { return emit_open_after_; }
    [[nodiscard]] const PipelineSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] RootSampler& sampler() noexcept { return sampler_; }
    [[nodiscard]] ChunkPool& pool() noexcept { return pool_; }

    /// Set before the first span: called by a thread that traces when the exporter should not sleep on.
    void set_waker(std::function<void()> wake) { wake_ = std::move(wake); }
    /// At most one call of the waker until the exporter says that it is looking.
    void request_wake() noexcept;
    void acknowledge_wake() noexcept;
    /// After a chunk was taken: asks for the exporter when much of the budget is in use.
    void wake_if_filling() noexcept;

    // --- the exporter's side ---
    /// The chunks that threads are filling now. Must be read before the queue is drained: a chunk that moves
    /// in between is then found twice, and not missed.
    void snapshot_current(std::vector<Chunk*>& chunks);
    [[nodiscard]] bool dequeue_full(Chunk*& chunk) noexcept { return full_.try_dequeue(chunk); }
    /// Drops one reference; the last one frees the chunk (with its chain).
    void release_reference(Chunk* chunk) noexcept;
    /// Updates the shedding switch from what is free now.
    void update_pressure() noexcept;

    /// Adds up all threads' counters.
    struct Totals {
        std::uint64_t started = 0, partial_emissions = 0, ended = 0, unsampled_traces = 0,
                      dropped_attributes = 0, truncated_values = 0;
        std::array<std::uint64_t, kDropReasonCount> dropped{};

        /// Started and not dropped by the thread that traces: open, or on the exporter's side.
        [[nodiscard]] std::uint64_t kept() const noexcept {
            return started + partial_emissions -
                   std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0});
        }
    };
    [[nodiscard]] Totals totals() const;

    /// In a forked child: this pipeline belongs to the parent. Stops accepting and gives its memory back.
    void disinherit() noexcept;

  private:
    friend class ThreadArena;
    friend class ThreadArenas;

    enum class Taking : std::uint8_t { kSpans, kNothing, kInherited };

    std::shared_ptr<ThreadArena> adopt_arena();
    void retire(ThreadArena& arena) noexcept;

    static constexpr std::uint64_t kClosed = UINT64_MAX;  ///< and 0 is a thread without a pipeline
    std::atomic<std::uint64_t> open_id_;
    const std::uint64_t id_;
    std::atomic<Taking> taking_{Taking::kSpans};
    alignas(kCacheLine) std::atomic<bool> shedding_{false};
    std::atomic<bool> wake_requested_{false};
    const PipelineSettings settings_;
    const SpanTally first_tally_;
    RootSampler sampler_;
    const std::uint64_t emit_open_after_;
    ChunkPool pool_;
    Queue full_;
    std::function<void()> wake_;

    mutable std::mutex registry_mutex_;
    std::vector<std::shared_ptr<ThreadArena>> arenas_;
    std::mutex shared_mutex_;
    std::shared_ptr<ThreadArena> shared_arena_;
};

}  // namespace judgeval::detail
