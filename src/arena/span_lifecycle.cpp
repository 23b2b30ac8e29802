// Start and end of a span: the two calls every span makes, on the thread that traces.
//
// Starting fills in ids, time and parent; ending writes the whole ScopeSpans.spans entry once, into the thread's arena. Touches
// the thread's state, its arena, and the pipeline's switches.
#include <algorithm>
#include <cstddef>
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
/// Keys the library writes itself: an attribute set under one of them must take the careful way.
constexpr std::uint64_t kOwnKeys = key_filter_bit("judgment.span_kind") | key_filter_bit("judgment.update_id");

/// A literal's bytes as a constant-size store.
template <std::size_t N>
inline unsigned char* put_literal(unsigned char* at, const char (&bytes)[N]) noexcept {
    std::memcpy(at, bytes, N - 1);
    return at + N - 1;
}

/// Copies whole words, up to kCopySlack - 1 bytes more than asked: both sides have the slack.
inline void copy_with_slack(unsigned char* to, const unsigned char* from, std::size_t size) noexcept {
    if (size > 512) {
        std::memcpy(to, from, size);
        return;
    }
    for (std::size_t at = 0; at < size; at += 32) std::memcpy(to + at, from + at, 32);
}

/// Everything of a record but its attributes, events and links; at most this many bytes.
constexpr std::size_t kHeadMost = 192 + 2 * (kKeptLiteral + 16);

unsigned char* put_head(unsigned char* const out, const OpenSpan& span, std::uint64_t end_time) noexcept {
    unsigned char* at = out;
    at[0] = 0x12;  // ScopeSpans.spans; its length follows when it is known
    at[5] = 0x0A;  // trace_id
    at[6] = 16;
    std::memcpy(at + 7, span.node.context.trace_id.bytes.data(), 16);
    at[23] = 0x12;  // span_id
    at[24] = 8;
    std::memcpy(at + 25, span.node.context.span_id.bytes.data(), 8);
    at += 33;
    if (span.has_parent) {
        at[0] = 0x22;  // parent_span_id
        at[1] = 8;
        std::memcpy(at + 2, span.parent_span_id.bytes.data(), 8);
        at += 10;
    }
    at[0] = 0x85;  // flags: W3C's in the low byte, 0x100: it is known whether the parent is remote, 0x200: it is
    at[1] = 0x01;
    store_unaligned(at + 2, static_cast<std::uint32_t>(span.node.context.trace_flags | 0x100U |
                                                       (span.parent_is_remote ? 0x200U : 0U)));
    at[6] = 0x30;  // kind
    at[7] = span.kind;
    at[8] = 0x39;  // start_time_unix_nano
    store_unaligned(at + 9, span.start_time);
    at[17] = 0x41;  // end_time_unix_nano
    store_unaligned(at + 18, end_time);
    at += 26;
    // attributes { key: "judgment.update_id" value { int_value: … } }, always 0 for a span sent once
    at = put_literal(at, "\x4A\x18\x0A\x12judgment.update_id\x12\x02\x18");
    *at++ = static_cast<unsigned char>(span.update_id & 0x7FU);
    if (span.type != nullptr) {
        const std::size_t size = span.type_size;
        *at++ = 0x4A;
        *at++ = static_cast<unsigned char>(24 + size);
        at = put_literal(at, "\x0A\x12judgment.span_kind\x12");
        at[0] = static_cast<unsigned char>(2 + size);
        at[1] = 0x0A;
        at[2] = static_cast<unsigned char>(size);
        at = wire::put_bytes(at + 3, span.type, size);
    }
    if (span.name != nullptr) {
        at[0] = wire::kSpanName;
        at[1] = static_cast<unsigned char>(span.name_size);
        at = wire::put_bytes(at + 2, span.name, span.name_size);
    }
    if (span.status == 0) {
        at[0] = wire::kSpanStatus;
        at[1] = 0;
        at += 2;
    }
    if ((span.dropped_attributes | span.dropped_events | span.dropped_links) != 0) [[unlikely]] {
        for (const auto& [tag, count] : {std::pair{0x50, span.dropped_attributes},
                                         std::pair{0x60, span.dropped_events}, std::pair{0x70, span.dropped_links}}) {
            if (count == 0) continue;
            *at++ = static_cast<unsigned char>(tag);
            at = wire::put_varint(at, count);
        }
    }
    return at;
}
static_assert(24 + kKeptLiteral < 0x80, "a kept literal's attribute has one-byte lengths");

void count_drop(ThreadCounters& counters, DropReason reason) noexcept {
    counters.dropped[static_cast<std::size_t>(reason)].add(1);
}

/// Runs `use` with the counters of this thread's arena, or with the shared one's when the thread has none any more.
template <typename Use>
void with_arena(Pipeline& pipeline, ThreadState& thread, Use use) noexcept {
    if (ThreadArena* const arena = pipeline.arena(thread)) [[likely]] {
        use(*arena);
    } else {
        pipeline.with_shared_arena(use);
    }
}

void fill(OpenSpan& span, Pipeline& pipeline, ThreadState& thread, const Text& name, const Text& type,
          std::uint8_t kind) noexcept {
    span.state = SpanState::kRecording;
    span.kind = kind;
    span.update_id = 0;
    span.pipeline = &pipeline;
    span.limits = &pipeline.limits();
    use_inline_bytes(span);
    span.key_filter = kOwnKeys;
    span.attributes_left = pipeline.limits().attribute_count;
    span.events_left = pipeline.limits().event_count;
    span.links_left = pipeline.limits().link_count;
    span.dropped_attributes = 0;
    span.dropped_events = 0;
    span.dropped_links = 0;
    span.truncated_values = 0;
    span.status = 0;
    span.node.span = &span;
    span.node.context.span_id = new_span_id(thread);
    keep_name(span, name);
    keep_type(span, type);
    span.uncaught_exceptions = exceptions_in_flight(thread);
    span.start_time = Clock::now(thread);
}

/// The current context, or null outside of any (a scope of an invalid context says: outside).
const SpanContext* context_above() noexcept {
    const ContextNode* const node = thread_state.current;
    if (node == nullptr) return nullptr;
    return load_unaligned<std::uint64_t>(node->context.span_id.bytes.data()) != 0 ? &node->context : nullptr;
}

/// What becomes of a span that starts here: recorded, or suppressed with its whole trace, or not even looked at.
SpanState start(OpenSpan& span, TracerState& tracer, const Text& name, const Text& type, std::uint8_t kind,
                const SpanContext* parent) noexcept {
    // acquire: the pipeline was built before it was published
    Pipeline* pipeline = tracer.pipeline.load(std::memory_order_acquire);
    if (pipeline == nullptr) [[unlikely]] {
        pipeline = start_pipeline(tracer);
        if (pipeline == nullptr) return SpanState::kInactive;
    }
    ThreadState& thread = thread_state;
    SpanContext& context = span.node.context;
    span.pipeline = pipeline;

    if (parent != nullptr) [[likely]] {
        context = *parent;
        span.parent_span_id = parent->span_id;
        span.parent_is_remote = parent->is_remote;
        span.has_parent = true;
        context.is_remote = false;
        if (!parent->is_sampled()) return SpanState::kInactive;  // below an unsampled span: its context stays current
    } else {
        context.trace_id = new_trace_id(thread);
        context.is_remote = false;
        context.is_shed = false;
        context.trace_flags = pipeline->samples(context.trace_id) ? kSampled : 0;
        span.parent_is_remote = false;
        span.has_parent = false;
    }
    if (!context.is_sampled()) [[unlikely]] {
        context.span_id = new_span_id(thread);
        with_arena(*pipeline, thread, [](ThreadArena& arena) { arena.counters.unsampled_traces.add(1); });
        return SpanState::kSuppressed;
    }
    // A trace that comes in from elsewhere begins here as far as this process's memory is concerned.
    if ((!span.has_parent || span.parent_is_remote) && pipeline->is_shedding()) [[unlikely]] context.is_shed = true;
    if (context.is_shed) [[unlikely]] {
        context.span_id = new_span_id(thread);
        with_arena(*pipeline, thread, [](ThreadArena& arena) {
            arena.counters.started.add(1);
            arena.counters.ended.add(1);
            count_drop(arena.counters, DropReason::kTraceShed);
        });
        return SpanState::kSuppressed;
    }
    with_arena(*pipeline, thread, [](ThreadArena& arena) { arena.counters.started.add(1); });
    fill(span, *pipeline, thread, name, type, kind);
    return SpanState::kRecording;
}

/// Writes the record into the arena and counts what became of it.
void hand_over(OpenSpan& span, ThreadArena& arena, std::uint64_t end_time) noexcept {
    ThreadCounters& counters = arena.counters;
    if ((span.dropped_attributes | span.truncated_values) != 0) [[unlikely]] {
        counters.dropped_attributes.add(span.dropped_attributes);
        counters.truncated_values.add(span.truncated_values);
    }
    if (!span.pipeline->is_accepting()) [[unlikely]] return count_drop(counters, DropReason::kShutdown);
    const auto body_size = static_cast<std::size_t>(span.cursor - span.begin);
    if (unsigned char* const out = arena.reserve(kHeadMost + body_size)) [[likely]] {
        __builtin_prefetch(out + 1024, 1);  // the write stream is a kilobyte behind it
        __builtin_prefetch(out + 1088, 1);
        unsigned char* const body = put_head(out, span, end_time);
        copy_with_slack(body, span.begin, body_size);
        wire::put_padded(out + 1, static_cast<std::size_t>(body + body_size - out) - 1 - wire::kPaddedSize);
        arena.commit(body + body_size);
        counters.recorded.add(1);
        return;
    }
    unsigned char head[kHeadMost];
    const auto head_size = static_cast<std::size_t>(put_head(head, span, end_time) - head);
    wire::put_padded(head + 1, head_size + body_size - 1 - wire::kPaddedSize);
    if (arena.append_slow(head, head_size, span.begin, body_size)) {
        counters.recorded.add(1);
    } else {
        count_drop(counters, DropReason::kBudgetExhausted);
    }
}

}  // namespace

void start_scoped(OpenSpan& span, TracerState& tracer, const Text& name, const Text& type,
                  std::uint8_t kind) noexcept {
    const SpanState state = start(span, tracer, name, type, kind, context_above());
    span.state = state;
    if (state == SpanState::kInactive) return;
    span.is_current = true;
    if (state == SpanState::kSuppressed) span.node.span = nullptr;
    push_context(span.node);
}

void start_detached(OpenSpan& span, TracerState& tracer, const Text& name, const Text& type, std::uint8_t kind,
                    const Context* parent) noexcept {
    const SpanContext* above = nullptr;
    if (parent != nullptr) {
        if (parent->is_valid()) above = &parent->span_context();
    } else {
        above = context_above();
    }
    span.state = start(span, tracer, name, type, kind, above);
    span.is_current = false;
    if (span.state == SpanState::kInactive && above != nullptr && !above->is_sampled()) {
        // Unlike a scoped span it has nobody above it to answer for its children.
        span.node.context = *above;
        span.state = SpanState::kSuppressed;
    }
}

void end(OpenSpan& span) noexcept {
    ThreadState& thread = thread_state;
    if (span.is_current) pop_context(span.node);
    if (span.state == SpanState::kRecording) [[likely]] {
        const std::uint64_t end_time = std::max(Clock::now(thread), span.start_time);
        if (exceptions_in_flight(thread) > span.uncaught_exceptions && span.status == 0) [[unlikely]] {
            set_status(span, StatusCode::kError, "left by an exception");
        }
        if (!span.pipeline->is_inherited()) [[likely]] {
            with_arena(*span.pipeline, thread, [&](ThreadArena& arena) {
                hand_over(span, arena, end_time);
                // last: a pipeline without open spans may be taken down
                arena.counters.ended.add(1);
            });
        }
        release_bytes(span);
    }
    span.state = SpanState::kInactive;
}

void relocate(OpenSpan& from, OpenSpan& to) noexcept {
    const std::size_t inline_used =
        from.state == SpanState::kRecording && from.begin == from.inline_bytes
            ? static_cast<std::size_t>(from.cursor - from.begin)
            : 0;
    std::memcpy(static_cast<void*>(&to), static_cast<const void*>(&from),
                offsetof(OpenSpan, inline_bytes) + inline_used);
    if (from.state == SpanState::kRecording && from.begin == from.inline_bytes) {
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
    return node != nullptr ? Context(node->context) : Context();
}

void push_context(ContextNode& node) noexcept {
    ThreadState& thread = thread_state;
    node.previous = thread.current;
    thread.current = &node;
}

void pop_context(ContextNode& node) noexcept {
    ThreadState& thread = thread_state;
    if (thread.current == &node) [[likely]] {
        thread.current = node.previous;
        return;
    }
    // Ended out of order: take it out of the middle. Not found means that another thread owns the stack it is on; that
    // stack is not ours to touch.
    for (ContextNode* above = thread.current; above != nullptr; above = above->previous) {
        if (above->previous == &node) {
            above->previous = node.previous;
            return;
        }
    }
}

}  // namespace judgeval::detail
