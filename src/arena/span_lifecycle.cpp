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

#include "arena/open_emission.hpp"
#include "arena/pipeline.hpp"
#include "arena/record_writer.hpp"
#include "judgeval/detail/tracer_state.hpp"
#include "record/clock.hpp"
#include "record/context_stack.hpp"
#include "record/inherited.hpp"
#include "record/random.hpp"
#include "record/span_bytes.hpp"
#include "record/wire.hpp"

namespace judgeval::detail {

namespace {

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

/// What a span starts below.
struct Above {
    const SpanIdentity* parent;       ///< null: nothing, it is a root
    const InheritedBlock* inherited;  ///< borrowed from the stack, unless it is owned
    bool is_owned;
};

/// The current context (a scope of an invalid one says: outside of any).
Above context_above(const ThreadState& thread) noexcept {
    const ContextNode* const node = thread.current;
    if (node == nullptr) return {nullptr, nullptr, false};
    const bool is_valid = load_unaligned<std::uint64_t>(node->context.span_id.bytes.data()) != 0;
    return {is_valid ? &node->context : nullptr, node->inherited, false};
}

/// The first span of an agent is its entry point; those after it inherit the rest.
[[gnu::noinline]] void take_entry_point(OpenSpan& span, ThreadState& thread) noexcept {
    const InheritedRef rest = as_inherited(span.node.inherited)->after_entry_point;
    ContextNode* const above = thread.current;
    if (above != nullptr && above->inherited == span.node.inherited) replace_inherited(thread, *above, rest);
    if ((span.node.care & kOwnsInherited) != 0) release(span.node.inherited);
    retain(rest.get());
    span.node.inherited = rest.get();
    span.node.care = kOwnsInherited | kIsEntryPoint;
}

/// A span that is not recorded, and counted if its trace was given up; the spans below it learn that from its
/// context.
SpanState suppress(OpenSpan& span, Pipeline& pipeline, ThreadState& thread) noexcept {
    const bool is_chosen = (span.node.context.trace_flags & kRecorded) != 0;
    span.node.context.span_id = new_span_id(thread);
    with_arena(pipeline, thread, [is_chosen](ThreadArena& arena) {
        if (!is_chosen) return arena.counters.unsampled_traces.add(1);
        arena.counters.started.add(1);
        arena.counters.ended.add(1);
        count_drop(arena.counters, DropReason::kTraceShed);
    });
    return SpanState::kSuppressed;
}

/// The trace flag of a trace that is left out for now.
std::uint8_t left_out(Pipeline& pipeline) noexcept {
    return pipeline.sampler().keeps_errors() ? kTentative : 0;
}

/// The trace flag that says what the sampler makes of a trace.
[[gnu::noinline]] std::uint8_t ask_sampler(Pipeline& pipeline, const TraceId& trace_id, const Text* name,
                                           const SpanIdentity* remote_parent, ThreadState& thread,
                                           std::uint64_t& now) noexcept {
    const bool is_kept = pipeline.sampler().keeps(
        trace_id, name != nullptr ? name->view() : std::string_view(), remote_parent, thread, now);
    return is_kept ? kSampled : left_out(pipeline);
}

/// What becomes of a span that starts here: recorded, or suppressed with its whole trace, or not even looked
/// at. Only a span that stays on its thread may have its bytes in the thread's arena.
/// A sampler that wants the name is asked when it is there: until then the span is undecided, and nothing was
/// done.
template <bool kStaysOnThread>
JUDGEVAL_ALWAYS_INLINE SpanState start(OpenSpan& span, TracerState& tracer, std::uint8_t kind,
                                       const Above& above, ThreadState& thread,
                                       const Text* name = nullptr) noexcept {
    const SpanIdentity* const parent = above.parent;
    span.node.inherited = above.inherited;
    span.node.care = above.is_owned ? kOwnsInherited : 0;
    // acquire: the pipeline was built before it was published
    Pipeline* pipeline = tracer.pipeline.load(std::memory_order_acquire);
    if (pipeline == nullptr) [[unlikely]] {
        pipeline = start_pipeline(tracer);
        if (pipeline == nullptr) return SpanState::kInactive;
    }
    SpanIdentity& context = span.node.context;
    span.pipeline = pipeline;

    std::uint64_t decided_at = 0;
    if (parent != nullptr) [[likely]] {
        std::uint8_t flags = parent->trace_flags;
        const bool is_remote = parent->is_remote;
        bool is_shed = parent->is_shed;
        const bool is_decided_here = is_remote && !pipeline->sampler().follows_remote();
        if (is_decided_here) [[unlikely]] {
            if (name == nullptr && pipeline->sampler().needs_name()) return SpanState::kUndecided;
            flags = static_cast<std::uint8_t>(
                (flags & ~kRecorded) |
                ask_sampler(*pipeline, parent->trace_id, name, parent, thread, decided_at));
        } else if ((flags & kSampled) == 0) [[unlikely]] {
            if (is_remote) flags = static_cast<std::uint8_t>((flags & ~kTentative) | left_out(*pipeline));
            if ((flags & kTentative) == 0) return SpanState::kInactive;  // its context stays the current one
        }
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
        if (is_shed || (flags & kRecorded) == 0) [[unlikely]]
            return suppress(span, *pipeline, thread);
    } else {
        if (name == nullptr && pipeline->sampler().needs_name()) [[unlikely]]
            return SpanState::kUndecided;
        context.trace_id = new_trace_id(thread);
        context.trace_flags = ask_sampler(*pipeline, context.trace_id, name, nullptr, thread, decided_at);
        context.is_remote = false;
        context.is_shed = pipeline->is_shedding();
        span.parent = ParentIs::kNone;
        if (context.trace_flags == 0 || context.is_shed) [[unlikely]]
            return suppress(span, *pipeline, thread);
    }
    if (above.inherited != nullptr && as_inherited(above.inherited)->after_entry_point.get() != nullptr) {
        take_entry_point(span, thread);
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
    span.start_time = decided_at != 0 ? decided_at : Clock::now(thread);
    return SpanState::kRecording;
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

/// For a span that has just started, below others that may have been open for long: it moves out of their
/// way.
[[gnu::noinline]] void emit_those_above(OpenSpan& span, ThreadState& thread) noexcept {
    span.cursor = span.begin;
    emit_overdue_now(thread, span.start_time);
}

[[gnu::noinline]] void start_rare(OpenSpan& span, TracerState& tracer, std::uint8_t kind,
                                  const Text* name = nullptr) noexcept {
    ThreadState& thread = thread_state;
    // Below nothing, or below what belongs to another thread or process.
    const bool is_lowest = thread.current == nullptr || thread.current->span == nullptr;
    const bool is_first = thread.current == nullptr;
    const SpanState state = start<true>(span, tracer, kind, context_above(thread), thread, name);
    span.state = state;
    if (state == SpanState::kInactive || state == SpanState::kUndecided) return;
    span.is_current = true;
    if (state == SpanState::kSuppressed) [[unlikely]] {
        span.node.span = nullptr;
        return push(thread, span.node);
    }
    if (is_lowest) {
        const std::uint64_t look_at = next_look(span.start_time, span.pipeline->emit_open_after());
        thread.emit_open_at = is_first ? look_at : std::min(thread.emit_open_at, look_at);
    }
    push(thread, span.node);
    if (span.start_time >= thread.emit_open_at) [[unlikely]]
        emit_those_above(span, thread);
}

/// True below a context whose trace is not recorded, for spans that then are nothing at all.
JUDGEVAL_ALWAYS_INLINE bool is_below_unsampled(const ThreadState& thread) noexcept {
    const ContextNode* const above = thread.current;
    return above != nullptr && (above->context.trace_flags & kRecorded) == 0 &&
           load_unaligned<std::uint64_t>(above->context.span_id.bytes.data()) != 0;
}

/// True when below a remote parent that was not sampled a span may be recorded all the same.
[[gnu::noinline]] bool decides_below_remote(TracerState& tracer) noexcept {
    // acquire: the pipeline was built before it was published
    Pipeline* const pipeline = tracer.pipeline.load(std::memory_order_acquire);
    return pipeline == nullptr || !pipeline->sampler().follows_remote() || pipeline->sampler().keeps_errors();
}

[[gnu::noinline]] void end_rare(OpenSpan& span) noexcept {
    ThreadState& thread = thread_state;
    bool was_on_top = true;
    if (span.is_current) [[likely]]
        was_on_top = pop(thread, span.node);
    if (span.state == SpanState::kRecording) [[likely]] {
        if ((span.node.care & kIsEntryPoint) != 0) set_bool(span, "judgment.is_agent_entry_point", true);
        if (span.node.inherited != nullptr) append_inherited(span);
        const std::uint64_t end_time = std::max(Clock::now(thread), span.start_time);
        if (exceptions_in_flight(thread) > span.uncaught_exceptions && span.status == 0) [[unlikely]] {
            set_status(span, StatusCode::kError, "left by an exception");
        }
        if (span.pipeline->is_accepting()) [[likely]] {
            const auto& on_root_end = span.pipeline->settings().on_root_end;
            if (span.parent == ParentIs::kNone && on_root_end && span.node.context.is_sampled()) [[unlikely]]
                on_root_end(span.node.context.trace_id);
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
    if (thread.current != nullptr) emit_overdue(thread, thread.last_time);
    if ((span.node.care & kOwnsInherited) != 0 || thread.orphans != nullptr) [[unlikely]]
        release_inherited(thread, span.node, was_on_top);
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
    // with is_remote, is_shed and care, which are 0
    store_unaligned(&context.trace_flags, std::uint32_t{above->context.trace_flags});
    span.node.inherited = above->inherited;
    span.parent_span_id = above->context.span_id;
    span.begin = at + kHeadBytes<true>;  // and the cursor is set with the name: see put_name_and_type
    span.limit = span.begin + kInlineBytes;
    span.tally = pipeline->first_tally();
    thread.current = &span.node;
    span.start_time = Clock::now_quickly(thread);
    if (span.start_time >= thread.emit_open_at) [[unlikely]]
        emit_those_above(span, thread);
    return true;
}

/// Appends what a span inherits; false, and nothing done, when that takes a closer look.
JUDGEVAL_ALWAYS_INLINE bool append_quickly(OpenSpan& span, const Inherited& inherited) noexcept {
    const std::size_t size = inherited.size;
    if ((span.tally.key_filter & inherited.key_filter) != 0 || span.node.care != 0 ||
        static_cast<std::size_t>(span.limit - span.cursor) < size || size > kCopiedInlineMost) [[unlikely]]
        return false;
    copy_words(span.cursor, reinterpret_cast<const unsigned char*>(inherited.bytes.data()), size);
    span.cursor += size;
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
    if (span.node.inherited != nullptr && !append_quickly(span, *as_inherited(span.node.inherited)))
        [[unlikely]]
        return false;
    thread.current = span.node.previous;
    ThreadArena& arena = *thread.arena;
    unsigned char* const out = span.begin - kHeadBytes<true>;
    store_unaligned(span.cursor, kNoStatus);
    const auto size = static_cast<std::size_t>(span.cursor + 2 - out);
    // Not before its start: the thread's times never run backwards.
    const std::uint64_t end_time = Clock::now_quickly(thread);
    put_head<true>(out, span, end_time, size);
    arena.commit(size);
    // last: a pipeline without open spans may be taken down
    arena.counters.ended.add(1);
    if (end_time >= thread.emit_open_at) [[unlikely]]
        emit_overdue(thread, end_time);
    return true;
}

}  // namespace

void start_scoped(OpenSpan& span, TracerState& tracer, std::uint8_t kind) noexcept {
    ThreadState& thread = thread_state;
    if (start_usual(span, tracer, kind, thread)) [[likely]]
        return;
    if (is_below_unsampled(thread) && !(thread.current->context.is_remote && decides_below_remote(tracer))) {
        span.state = SpanState::kInactive;
    } else {
        start_rare(span, tracer, kind);
    }
}

void start_named(OpenSpan& span, TracerState& tracer, std::uint8_t kind, Text name, Text type) noexcept {
    start_rare(span, tracer, kind, &name);
    if (span.state == SpanState::kRecording) put_name_and_type(span, name, type);
}

namespace {

void start_detached(OpenSpan& span, TracerState& tracer, std::uint8_t kind, const Context* parent,
                    const Text* name) noexcept {
    ThreadState& thread = thread_state;
    Above above = context_above(thread);
    if (parent != nullptr) {
        const SpanContext& context = parent->span_context();
        above = {context.is_valid() ? &context : nullptr, inherited_of(*parent), true};
    } else if (above.inherited != nullptr) {
        // It may outlive what it would borrow from.
        retain(above.inherited);
        above.is_owned = true;
    }
    span.state = start<false>(span, tracer, kind, above, thread, name);
    span.is_current = false;
    if (span.state == SpanState::kInactive && above.parent != nullptr && !above.parent->is_sampled()) {
        // Unlike a scoped span it has nobody above it to answer for its children.
        span.node.context = *above.parent;
        span.state = SpanState::kSuppressed;
    }
    if ((span.state == SpanState::kInactive || span.state == SpanState::kUndecided) && above.is_owned) {
        release(span.node.inherited);
        span.node.care = 0;
    }
}

}  // namespace

void start_detached(OpenSpan& span, TracerState& tracer, std::uint8_t kind, const Context* parent) noexcept {
    start_detached(span, tracer, kind, parent, static_cast<const Text*>(nullptr));
}

void start_named_detached(OpenSpan& span, TracerState& tracer, std::uint8_t kind, const Context* parent,
                          Text name, Text type) noexcept {
    start_detached(span, tracer, kind, parent, &name);
    if (span.state == SpanState::kRecording) put_name_and_type(span, name, type);
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

}  // namespace judgeval::detail
