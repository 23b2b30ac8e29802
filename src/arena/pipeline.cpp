// The pipeline's registry of arenas, and the threads' way in and out of it. Slow paths only.
#include "arena/pipeline.hpp"

#include "arena/thread_arenas.hpp"
#include "record/random.hpp"

namespace judgeval::detail {

namespace {

std::atomic<std::uint64_t> last_pipeline_id{0};

/// Keys the library writes itself: an attribute set under one of them must take the careful way.
constexpr std::uint64_t kCarefulKeys =
    key_filter_bit("judgment.span_kind") | key_filter_bit("judgment.update_id");

std::uint64_t nanoseconds_or_never(std::chrono::milliseconds time) noexcept {
    constexpr std::chrono::milliseconds kYear = std::chrono::hours(24 * 365);
    if (time > kYear) return kNever;
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(time).count());
}

}  // namespace

Pipeline::Pipeline(const PipelineSettings& settings)
    // relaxed: only distinctness matters
    : open_id_(last_pipeline_id.fetch_add(1, std::memory_order_relaxed) + 1),
      id_(open_id_.load(std::memory_order_relaxed)),
      settings_(settings),
      first_tally_{.key_filter = settings.limits.attribute_count == 0 ? ~std::uint64_t{0} : kCarefulKeys,
                   .attributes_left = settings.limits.attribute_count,
                   .events_left = static_cast<std::uint16_t>(settings.limits.event_count),
                   .links_left = static_cast<std::uint16_t>(settings.limits.link_count),
                   .dropped_attributes = 0,
                   .dropped_events = 0,
                   .dropped_links = 0,
                   .truncated_values = 0},
      sampler_(settings_.sampler),
      emit_open_after_(nanoseconds_or_never(settings.emit_open_after)),
      pool_(settings.memory_budget_bytes, settings.reserved_chunks),
      full_(pool_.total()),
      shared_arena_(std::make_shared<ThreadArena>(*this)) {
    arenas_.push_back(shared_arena_);
}

Pipeline::~Pipeline() {
    // The last span may have ended in the shared arena, whose mutex its thread lets go after it was counted.
    { const std::lock_guard latecomer(shared_mutex_); }
    const std::lock_guard lock(ThreadArenas::lifetime_mutex());
    for (const auto& arena : arenas_) {
        arena->pipeline_ = nullptr;
        // The token goes while nobody else can: an arena may outlive the queue, or its thread exit meanwhile.
        const moodycamel::ProducerToken token = std::move(arena->token_);
    }
}

void Pipeline::stop_accepting() noexcept {
    taking_.store(Taking::kNothing, std::memory_order_relaxed);  // relaxed: see is_accepting()
    open_id_.store(kClosed, std::memory_order_relaxed);
    pool_.close();
}

void Pipeline::request_wake() noexcept {
    // acq_rel, and an exchange even where the flag is set, since a load might find what was there before the
    // exporter took it down: so either the exporter's acknowledgement comes after this, and it sees what led
    // to the request, or this thread wakes it. Once a chunk at most.
    if (wake_requested_.exchange(true, std::memory_order_acq_rel)) return;
    if (wake_) wake_();
}

void Pipeline::acknowledge_wake() noexcept {
    // acq_rel: what was taken and queued before the request is found by what the exporter reads next; see
    // there
    wake_requested_.exchange(false, std::memory_order_acq_rel);
}

void Pipeline::update_pressure() noexcept {
    const std::size_t free = pool_.free();
    const std::size_t total = pool_.total();
    if (settings_.when_full == WhenFull::kShedTraces) {
        // Traces under way may still use what lies between these marks and the exporter's reserve.
        const bool is_low = free < pool_.reserved() + total / 8;
        const bool is_enough = free > pool_.reserved() + total / 4;
        const bool was = is_shedding();
        // relaxed: see is_shedding(); written only when it changes
        if (is_low && !was) shedding_.store(true, std::memory_order_relaxed);
        if (is_enough && was) shedding_.store(false, std::memory_order_relaxed);
    }
}

void Pipeline::wake_if_filling() noexcept {
    // An eighth of the budget in use: time to export, whatever the tick.
    if (pool_.free() < pool_.total() - pool_.total() / 8) request_wake();
}

void Pipeline::snapshot_current(std::vector<Chunk*>& chunks) {
    const std::lock_guard lock(registry_mutex_);
    for (const auto& arena : arenas_) {
        if (Chunk* const chunk = arena->current()) chunks.push_back(chunk);
    }
}

void Pipeline::release_reference(Chunk* chunk) noexcept {
    if (chunk->further_readers-- == 0) pool_.release_chain(chunk);
}

ThreadArena* Pipeline::find_arena(ThreadState& thread) noexcept try {
    if (thread.arenas_are_gone) return nullptr;
    const std::shared_ptr<ThreadArena> arena =
        ThreadArenas::of_this_thread().find_or_add(id_, [this] { return adopt_arena(); });
    // What the usual span takes for granted once a thread has an arena.
    if (!is_seeded(thread)) seed_random(thread);
    static_cast<void>(exceptions_in_flight(thread));
    thread.arena = arena.get();
    thread.pipeline_id = id_;  // differs from open_id() when it takes no more
    return arena.get();
} catch (...) {  // no memory
    return nullptr;
}

std::shared_ptr<ThreadArena> Pipeline::adopt_arena() {
    const std::lock_guard lock(registry_mutex_);
    for (const auto& arena : arenas_) {
        if (!arena->has_owner_) {
            arena->has_owner_ = true;
            return arena;
        }
    }
    arenas_.push_back(std::make_shared<ThreadArena>(*this));
    return arenas_.back();
}

void Pipeline::retire(ThreadArena& arena) noexcept {
    if (is_inherited()) return;
    arena.hand_in();
    const std::lock_guard lock(registry_mutex_);
    arena.has_owner_ = false;
}

Pipeline::Totals Pipeline::totals() const {
    Totals totals;
    const std::lock_guard lock(registry_mutex_);
    for (const auto& arena : arenas_) {
        const ThreadCounters& counters = arena->counters;
        for (std::size_t i = 0; i < kDropReasonCount; ++i) totals.dropped[i] += counters.dropped[i].get();
        totals.ended += counters.ended.get();
        totals.unsampled_traces += counters.unsampled_traces.get();
        totals.dropped_attributes += counters.dropped_attributes.get();
        totals.truncated_values += counters.truncated_values.get();
    }
    // After all of those: whatever is seen as dropped or ended, in whichever arena, is seen as started, too.
    for (const auto& arena : arenas_) {
        totals.started += arena->counters.started.get();
        totals.partial_emissions += arena->counters.partial_emissions.get();
    }
    return totals;
}

void Pipeline::disinherit() noexcept {
    taking_.store(Taking::kInherited, std::memory_order_relaxed);  // relaxed: a forked child has one thread
    open_id_.store(kClosed, std::memory_order_relaxed);
    pool_.abandon();
}

}  // namespace judgeval::detail
