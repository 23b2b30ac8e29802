// Start and end of a span: the two calls every span makes, on the thread that traces.
//
// Starting fills in ids, time and parent; ending completes the ScopeSpans.spans entry. The wire bytes of a
// scoped span are written where they will stay, in the thread's arena behind what is published: most spans
// end before another one starts. When another does start, or needs the arena, they move into the span and
// are copied back at its end. Touches the thread's state, its arena, and the pipeline's switches.
#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "arena/pipeline.hpp"
#include "judgeval/detail/tracer_state.hpp"
#include "record/clock.hpp"
#include "record/random.hpp"
#include "record/span_bytes.hpp"
#include "record/wire.hpp"

namespace judgeval::detail {

namespace {

constexpr std::uint8_t kSampled = 1;
/// How much of the arena a span asks for ahead of its writing.
constexpr std::size_t kUsualRecord = 256;

/// Asks for the cache lines of `size` bytes at `at`, to be written soon.
JUDGEVAL_ALWAYS_INLINE void prefetch_for_writing(const unsigned char* at, std::size_t size) noexcept {
    for (std::size_t ahead = 0; ahead < size; ahead += kCacheLine) __builtin_prefetch(at + ahead, 1);
}

/// Copies whole words, up to kCopySlack - 1 bytes more than asked: both sides have the slack.
inline void copy_with_slack(unsigned char* to, const unsigned char* from, std::size_t size) noexcept {
    if (size > 512) {
        std::memcpy(to, from, size);
        return;
    }
    for (std::size_t at = 0; at < size; at += 32) std::memcpy(to + at, from + at, 32);
}

/// A record's bytes before the span's own, and most behind them.
template <bool kHasParent>
constexpr std::size_t kHeadBytes = kHasParent ? 95 : 85;
constexpr std::size_t kTailMost = 2 + 3 * 6;
/// Of a span that has not outgrown its first bytes.
constexpr std::size_t kOpenRecordMost = kHeadBytes<true> + kInlineBytes + kTailMost;

std::size_t head_bytes(const OpenSpan& span) noexcept {
    return span.parent != ParentIs::kNone ? kHeadBytes<true> : kHeadBytes<false>;
}

template <std::size_t N>
JUDGEVAL_ALWAYS_INLINE void store_bytes(unsigned char* to, const char (&bytes)[N]) noexcept {
    std::memcpy(to, bytes, N - 1);
}

/// The fields every span has, at fixed places, in as few stores as can be: tags that lie close together are
/// written at once, over the values between them, which follow.
template <bool kHasParent>
JUDGEVAL_ALWAYS_INLINE void put_head(unsigned char* const out, const OpenSpan& span, std::uint64_t end_time,
                                     std::size_t record_bytes) noexcept {
    // ScopeSpans.spans, its length, and trace_id's tag and length
    store_unaligned(
        out, 0x12U | std::uint64_t{wire::padded(record_bytes - 5)} << 8U | std::uint64_t{0x100A} << 40U);
    std::memcpy(out + 7, span.node.context.trace_id.bytes.data(), 16);
    unsigned char* at = out + 23;
    if constexpr (kHasParent) {
        store_bytes(at, "\x12\x08........\x22\x08....");  // span_id, parent_span_id
        std::memcpy(at + 2, span.node.context.span_id.bytes.data(), 8);
        std::memcpy(at + 12, span.parent_span_id.bytes.data(), 8);
        at += 20;
    } else {
        store_bytes(at, "\x12\x08......");
        std::memcpy(at + 2, span.node.context.span_id.bytes.data(), 8);
        at += 10;
    }
    // flags: W3C's in the low byte, 0x100: it is known whether the parent is remote; and kind
    store_unaligned(at, 0x0185U | std::uint64_t{span.node.context.trace_flags | 0x100U} << 16U |
                            std::uint64_t{0x30} << 48U | std::uint64_t{span.kind} << 56U);
    store_bytes(at + 8, "\x39........\x41......");  // start_time_unix_nano, end_time_unix_nano
    store_unaligned(at + 9, span.start_time);
    store_unaligned(at + 18, end_time);
    // attributes { key: "judgment.update_id", value { int_value: 0 } }
    store_bytes(at + 26, "\x4A\x18\x0A\x12judgment.upd");
    store_bytes(at + 36, "nt.update_id\x12\x02\x18\0");
}

JUDGEVAL_ALWAYS_INLINE void put_head(unsigned char* const out, const OpenSpan& span, std::uint64_t end_time,
                                     std::size_t record_bytes) noexcept {
    if (span.parent != ParentIs::kNone) [[likely]] {
        put_head<true>(out, span, end_time, record_bytes);
        if (span.parent == ParentIs::kRemote) out[46] = 3;  // flags: known, and it is
    } else {
        put_head<false>(out, span, end_time, record_bytes);
    }
    out[head_bytes(span) - 1] = span.update_id;
}

/// True when a span had to leave nothing out.
inline bool is_complete(const SpanTally& tally) noexcept {
    // Two loads within one of the two stores with which the tally was copied: a processor that has to put a
    // load together from several stores waits until they are in the cache.
    static_assert(offsetof(SpanTally, dropped_attributes) == 16 && sizeof(SpanTally) == 32);
    return (load_unaligned<std::uint64_t>(&tally.dropped_attributes) |
            load_unaligned<std::uint64_t>(&tally.dropped_links)) == 0;
}

/// An empty Status.
constexpr std::uint16_t kNoStatus = wire::kSpanStatus;

/// What follows a span's own bytes: how many were left out, and an empty status, when there is no other one
/// among them.
unsigned char* put_tail(unsigned char* at, const OpenSpan& span) noexcept {
    for (const auto& [tag, count] :
         {std::pair{0x50, span.tally.dropped_attributes}, std::pair{0x60, span.tally.dropped_events},
          std::pair{0x70, span.tally.dropped_links}}) {
        if (count == 0) continue;
        *at++ = static_cast<unsigned char>(tag);
        at = wire::put_varint(at, count);
    }
    if (span.status != 0) return at;
    store_unaligned(at, kNoStatus);
    return at + 2;
}

void count_drop(ThreadCounters& counters, DropReason reason) noexcept {
    counters.dropped[static_cast<std::size_t>(reason)].add(1);
}

template <typename Use>
[[gnu::noinline]] void with_other_arena(Pipeline& pipeline, ThreadState& thread, Use use) noexcept {
    if (ThreadArena* const arena = pipeline.find_arena(thread)) {
        use(*arena);
    } else {
        pipeline.with_shared_arena(use);
    }
}

/// Runs `use` with this thread's arena, or with the shared one when the thread has none any more.
template <typename Use>
JUDGEVAL_ALWAYS_INLINE void with_arena(Pipeline& pipeline, ThreadState& thread, Use use) noexcept {
    if (thread.pipeline_id == pipeline.open_id()) [[likely]] {
        use(*thread.arena);
    } else {
        with_other_arena(pipeline, thread, use);
    }
}

/// Lets the span's bytes stand in the arena, if a span of the usual size has room there.
JUDGEVAL_ALWAYS_INLINE void use_arena_bytes(OpenSpan& span, ThreadArena& arena,
                                            ThreadState& thread) noexcept {
    clear_arena(thread);
    unsigned char* const at = arena.room_for(kOpenRecordMost);
    if (at == nullptr) [[unlikely]]
        return use_inline_bytes(span);
    // The exporter's core read these lines last, and taking them back costs more than a span.
    prefetch_for_writing(at + kWriteAhead, kUsualRecord);
    use_bytes(span, BytesIn::kArena, at + head_bytes(span));
}

inline void push(ThreadState& thread, ContextNode& node) noexcept {
    clear_arena(thread);
    node.previous = thread.current;
    thread.current = &node;
}

void remove_from_stack(ThreadState& thread, ContextNode& node) noexcept {
    // Ended out of order: take it out of the middle. Not found means that another thread owns the stack it is
    // on; that stack is not ours to touch.
    for (ContextNode* above = thread.current; above != nullptr; above = above->previous) {
        if (above->previous == &node) {
            above->previous = node.previous;
            return;
        }
    }
}

inline void pop(ThreadState& thread, ContextNode& node) noexcept {
    if (thread.current == &node) [[likely]] {
        thread.current = node.previous;
    } else {
        remove_from_stack(thread, node);
    }
}

/// The current context, or null outside of any (a scope of an invalid context says: outside).
const SpanIdentity* context_above(const ThreadState& thread) noexcept {
    const ContextNode* const node = thread.current;
    if (node == nullptr) return nullptr;
    return load_unaligned<std::uint64_t>(node->context.span_id.bytes.data()) != 0 ? &node->context : nullptr;
}

/// A span that is not recorded, and counted if its trace was given up; the spans below it learn that from its
/// context.
SpanState suppress(OpenSpan& span, Pipeline& pipeline, ThreadState& thread) noexcept {
    const bool is_sampled = (span.node.context.trace_flags & kSampled) != 0;
    span.node.context.span_id = new_span_id(thread);
    with_arena(pipeline, thread, [is_sampled](ThreadArena& arena) {
        if (!is_sampled) return arena.counters.unsampled_traces.add(1);
        arena.counters.started.add(1);
        arena.counters.ended.add(1);
        count_drop(arena.counters, DropReason::kTraceShed);
    });
    return SpanState::kSuppressed;
}

/// What becomes of a span that starts here: recorded, or suppressed with its whole trace, or not even looked
/// at. Only a span that stays on its thread may have its bytes in the thread's arena.
template <bool kStaysOnThread>
JUDGEVAL_ALWAYS_INLINE SpanState start(OpenSpan& span, TracerState& tracer, std::uint8_t kind,
                                       const SpanIdentity* parent, ThreadState& thread) noexcept {
    // acquire: the pipeline was built before it was published
    Pipeline* pipeline = tracer.pipeline.load(std::memory_order_acquire);
    if (pipeline == nullptr) [[unlikely]] {
        pipeline = start_pipeline(tracer);
        if (pipeline == nullptr) return SpanState::kInactive;
    }
    SpanIdentity& context = span.node.context;
    span.pipeline = pipeline;

    if (parent != nullptr) [[likely]] {
        const std::uint8_t flags = parent->trace_flags;
        const bool is_remote = parent->is_remote;
        bool is_shed = parent->is_shed;
        if ((flags & kSampled) == 0) [[unlikely]]
            return SpanState::kInactive;  // its context stays the current one
        // A trace that comes in from elsewhere begins here as far as this process's memory is concerned.
        if (is_remote) [[unlikely]]
            is_shed = is_shed || pipeline->is_shedding();
        // Field by field: a wider copy would not line up with the stores that wrote the parent's a moment
        // ago.
        context.trace_id = parent->trace_id;
        context.trace_flags = flags;
        context.is_remote = false;
        context.is_shed = is_shed;
        span.parent_span_id = parent->span_id;
        span.parent = is_remote ? ParentIs::kRemote : ParentIs::kLocal;
        if (is_shed) [[unlikely]]
            return suppress(span, *pipeline, thread);
    } else {
        context.trace_id = new_trace_id(thread);
        context.trace_flags = pipeline->samples(context.trace_id) ? kSampled : 0;
        context.is_remote = false;
        context.is_shed = pipeline->is_shedding();
        span.parent = ParentIs::kNone;
        if (context.trace_flags == 0 || context.is_shed) [[unlikely]]
            return suppress(span, *pipeline, thread);
    }
    if (thread.pipeline_id == pipeline->open_id()) [[likely]] {
        thread.arena->counters.started.add(1);
        if constexpr (kStaysOnThread) use_arena_bytes(span, *thread.arena, thread);
    } else {
        with_other_arena(*pipeline, thread, [](ThreadArena& arena) { arena.counters.started.add(1); });
        use_inline_bytes(span);
    }
    if constexpr (!kStaysOnThread) use_inline_bytes(span);
    span.kind = kind;
    span.update_id = 0;
    span.status = 0;
    span.limits = &pipeline->limits();
    span.tally = pipeline->first_tally();
    span.node.span = &span;
    context.span_id = new_span_id(thread);
    span.uncaught_exceptions = exceptions_in_flight(thread);
    span.start_time = Clock::now(thread);
    return SpanState::kRecording;
}

/// For a record that does not fit into what is left of the chunk.
[[gnu::noinline]] void hand_over_slowly(OpenSpan& span, ThreadArena& arena, std::uint64_t end_time) noexcept {
    unsigned char head[kHeadBytes<true> + kTailMost];
    const auto head_size = static_cast<std::size_t>(put_tail(head + head_bytes(span), span) - head);
    const auto body_size = static_cast<std::size_t>(span.cursor - span.begin);
    put_head(head, span, end_time, head_size + body_size);
    if (!arena.append_slow(head, head_size, span.begin, body_size)) {
        count_drop(arena.counters, DropReason::kBudgetExhausted);
    }
}

/// Completes the record at `out` whose own bytes end at `end`.
inline void complete(OpenSpan& span, ThreadArena& arena, unsigned char* out, unsigned char* end,
                     std::uint64_t end_time) noexcept {
    const auto size = static_cast<std::size_t>(put_tail(end, span) - out);
    put_head(out, span, end_time, size);
    arena.commit(size);
}

/// The same for a span whose bytes stand elsewhere.
[[gnu::noinline]] void copy_and_complete(OpenSpan& span, ThreadArena& arena, ThreadState& thread,
                                         std::uint64_t end_time) noexcept {
    clear_arena(thread);
    const auto body_size = static_cast<std::size_t>(span.cursor - span.begin);
    unsigned char* const out = arena.room_for(kHeadBytes<true> + body_size + kTailMost);
    if (out == nullptr) [[unlikely]]
        return hand_over_slowly(span, arena, end_time);
    prefetch_for_writing(out + kWriteAhead, kUsualRecord + body_size);
    unsigned char* const body = out + head_bytes(span);
    copy_with_slack(body, span.begin, body_size);
    complete(span, arena, out, body + body_size, end_time);
}

[[gnu::noinline]] void count_losses(ThreadCounters& counters, const SpanTally& tally) noexcept {
    counters.dropped_attributes.add(tally.dropped_attributes);
    counters.truncated_values.add(tally.truncated_values);
}

/// Gets the record into the arena and counts what became of it.
JUDGEVAL_ALWAYS_INLINE void hand_over(OpenSpan& span, ThreadArena& arena, ThreadState& thread,
                                      std::uint64_t end_time) noexcept {
    if (!is_complete(span.tally)) [[unlikely]]
        count_losses(arena.counters, span.tally);
    if (span.bytes_in == BytesIn::kArena) [[likely]] {
        complete(span, arena, span.begin - head_bytes(span), span.cursor, end_time);
    } else {
        copy_and_complete(span, arena, thread, end_time);
    }
}

/// For a span that ends when its pipeline takes no more.
[[gnu::noinline]] void give_up(OpenSpan& span, ThreadState& thread) noexcept {
    if (span.pipeline->is_inherited()) return;
    with_other_arena(*span.pipeline, thread, [&span](ThreadArena& arena) {
        count_losses(arena.counters, span.tally);
        count_drop(arena.counters, DropReason::kShutdown);
        arena.counters.ended.add(1);
    });
}

[[gnu::noinline]] void start_rare(OpenSpan& span, TracerState& tracer, std::uint8_t kind) noexcept {
    ThreadState& thread = thread_state;
    const SpanState state = start<true>(span, tracer, kind, context_above(thread), thread);
    span.state = state;
    if (state == SpanState::kInactive) return;
    span.is_current = true;
    if (state == SpanState::kSuppressed) [[unlikely]]
        span.node.span = nullptr;
    push(thread, span.node);
}

[[gnu::noinline]] void end_rare(OpenSpan& span) noexcept {
    ThreadState& thread = thread_state;
    if (span.is_current) [[likely]]
        pop(thread, span.node);
    if (span.state == SpanState::kRecording) [[likely]] {
        const std::uint64_t end_time = std::max(Clock::now(thread), span.start_time);
        if (exceptions_in_flight(thread) > span.uncaught_exceptions && span.status == 0) [[unlikely]] {
            set_status(span, StatusCode::kError, "left by an exception");
        }
        if (span.pipeline->is_accepting()) [[likely]] {
            with_arena(
                *span.pipeline, thread, [&](ThreadArena & arena) __attribute__((always_inline)) {
                    hand_over(span, arena, thread, end_time);
                    // last: a pipeline without open spans may be taken down
                    arena.counters.ended.add(1);
                });
        } else {
            give_up(span, thread);
        }
        release_bytes(span);
    }
}

// ---- the usual span: scoped, below another one of this thread, ended before the next one starts ----
//
// The same as start_rare() and end_rare() with all that left out which cannot be the case here; without a
// call, so that no register has to be saved for one.

/// The first bytes of an OpenSpan that is usual: state, parent, bytes_in, status.
constexpr std::uint32_t kUsualSpan = static_cast<std::uint32_t>(SpanState::kRecording) |
                                     static_cast<std::uint32_t>(ParentIs::kLocal) << 8U |
                                     static_cast<std::uint32_t>(BytesIn::kArena) << 16U;
/// The four behind them: is_current, kind, uncaught_exceptions, update_id.
constexpr std::uint64_t usual_facts(std::uint8_t kind, std::uint8_t uncaught) noexcept {
    return std::uint64_t{1} << 32U | std::uint64_t{kind} << 40U | std::uint64_t{uncaught} << 48U;
}
static_assert(std::endian::native == std::endian::little && offsetof(OpenSpan, state) == 0 &&
              offsetof(OpenSpan, parent) == 1 && offsetof(OpenSpan, bytes_in) == 2 &&
              offsetof(OpenSpan, status) == 3 && offsetof(OpenSpan, is_current) == 4 &&
              offsetof(OpenSpan, kind) == 5 && offsetof(OpenSpan, uncaught_exceptions) == 6 &&
              offsetof(OpenSpan, update_id) == 7);

/// False when the span is not usual; nothing was done then.
JUDGEVAL_ALWAYS_INLINE bool start_usual(OpenSpan& span, TracerState& tracer, std::uint8_t kind,
                                        ThreadState& thread) noexcept {
    // acquire: the pipeline was built before it was published
    Pipeline* const pipeline = tracer.pipeline.load(std::memory_order_acquire);
    ContextNode* const above = thread.current;
    // A span above that is being recorded is sampled, not shed and not remote; so is this one.
    if (pipeline == nullptr || above == nullptr || above->span == nullptr) [[unlikely]]
        return false;
    if (above->span->bytes_in == BytesIn::kArena || thread.pipeline_id != pipeline->open_id() ||
        !Clock::is_quick(thread)) [[unlikely]]
        return false;
    ThreadArena& arena = *thread.arena;
    unsigned char* const at = arena.room_for(kOpenRecordMost);
    if (at == nullptr) [[unlikely]]
        return false;

    arena.counters.started.add(1);
    // The exporter's core read these lines last, and taking them back costs more than a span.
    prefetch_for_writing(at + kWriteAhead, kUsualRecord);
    const auto uncaught = static_cast<std::uint8_t>(thread.exceptions->uncaught);
    store_unaligned(static_cast<void*>(&span), kUsualSpan | usual_facts(kind, uncaught));
    span.pipeline = pipeline;
    span.limits = &pipeline->limits();
    span.node.previous = above;
    span.node.span = &span;
    SpanIdentity& context = span.node.context;
    context.trace_id = above->context.trace_id;
    const std::uint64_t id = next_seeded_random(thread);
    store_unaligned(context.span_id.bytes.data(), id + (id == 0 ? 1 : 0));
    context.trace_flags = above->context.trace_flags;
    context.is_remote = false;
    context.is_shed = false;
    span.parent_span_id = above->context.span_id;
    span.begin = at + kHeadBytes<true>;  // and the cursor is set with the name: see put_name_and_type
    span.limit = span.begin + kInlineBytes;
    span.tally = pipeline->first_tally();
    thread.current = &span.node;
    span.start_time = Clock::now_quickly(thread);
    return true;
}

/// False when the span is not usual (any more); nothing was done then.
JUDGEVAL_ALWAYS_INLINE bool end_usual(OpenSpan& span, ThreadState& thread) noexcept {
    if (load_unaligned<std::uint32_t>(static_cast<const void*>(&span)) != kUsualSpan ||
        thread.current != &span.node || thread.pipeline_id != span.pipeline->open_id() ||
        !Clock::is_quick(thread)) [[unlikely]]
        return false;
    if (!is_complete(span.tally) ||
        static_cast<std::uint8_t>(thread.exceptions->uncaught) != span.uncaught_exceptions) [[unlikely]]
        return false;
    thread.current = span.node.previous;
    ThreadArena& arena = *thread.arena;
    unsigned char* const out = span.begin - kHeadBytes<true>;
    store_unaligned(span.cursor, kNoStatus);
    const auto size = static_cast<std::size_t>(span.cursor + 2 - out);
    // Not before its start: the thread's times never run backwards.
    put_head<true>(out, span, Clock::now_quickly(thread), size);
    arena.commit(size);
    // last: a pipeline without open spans may be taken down
    arena.counters.ended.add(1);
    return true;
}

}  // namespace

void start_scoped(OpenSpan& span, TracerState& tracer, std::uint8_t kind) noexcept {
    if (!start_usual(span, tracer, kind, thread_state)) [[unlikely]]
        start_rare(span, tracer, kind);
}

void start_detached(OpenSpan& span, TracerState& tracer, std::uint8_t kind, const Context* parent) noexcept {
    ThreadState& thread = thread_state;
    const SpanIdentity* above = context_above(thread);
    if (parent != nullptr) above = parent->is_valid() ? &parent->span_context() : nullptr;
    span.state = start<false>(span, tracer, kind, above, thread);
    span.is_current = false;
    if (span.state == SpanState::kInactive && above != nullptr && !above->is_sampled()) {
        // Unlike a scoped span it has nobody above it to answer for its children.
        span.node.context = *above;
        span.state = SpanState::kSuppressed;
    }
}

void end(OpenSpan& span) noexcept {
    if (!end_usual(span, thread_state)) [[unlikely]]
        end_rare(span);
}

void relocate(OpenSpan& from, OpenSpan& to) noexcept {
    const bool is_inline = from.state == SpanState::kRecording && from.bytes_in == BytesIn::kSpan;
    const std::size_t inline_used = is_inline ? static_cast<std::size_t>(from.cursor - from.begin) : 0;
    std::memcpy(static_cast<void*>(&to), static_cast<const void*>(&from),
                offsetof(OpenSpan, inline_bytes) + inline_used);
    if (is_inline) {
        use_inline_bytes(to);
        to.cursor += inline_used;
    }
    to.node.span = &to;
    from.state = SpanState::kInactive;
}

OpenSpan* current_span() noexcept {
    const ContextNode* const node = thread_state.current;
    return node != nullptr ? node->span : nullptr;
}

Context current_context() noexcept {
    const ContextNode* const node = thread_state.current;
    return node != nullptr ? Context(SpanContext(node->context)) : Context();
}

void push_context(ContextNode& node) noexcept { push(thread_state, node); }
void pop_context(ContextNode& node) noexcept { pop(thread_state, node); }

}  // namespace judgeval::detail
