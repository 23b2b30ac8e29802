// Emission of open spans: each a record like that of its end, with what it has so far.
#include "arena/open_emission.hpp"

#include <algorithm>
#include <string>

#include "arena/record_writer.hpp"
#include "judgeval/detail/tracer_state.hpp"
#include "record/inherited.hpp"

namespace judgeval::detail {

namespace {

/// The update id has one byte in a record, as a varint.
constexpr std::uint8_t kUpdatesMost = 127;

void emit(OpenSpan& span, ThreadState& thread) noexcept try {
    if (span.state != SpanState::kRecording || !span.pipeline->is_accepting() ||
        span.update_id == kUpdatesMost || !span.node.context.is_sampled()) {
        return;
    }
    // Says what to do when the trace is complete, so it goes with the last emission.
    std::string pending;
    if (const auto found = find_attribute_bytes(span, kPendingEvaluationKey); !found.empty()) {
        pending = found;
        remove_attribute(span, kPendingEvaluationKey);
    }
    // Among its own bytes for a moment, what only a record has.
    const auto own_bytes = span.cursor - span.begin;
    const SpanTally tally = span.tally;
    if ((span.node.care & kIsEntryPoint) != 0) set_bool(span, "judgment.is_agent_entry_point", true);
    if (span.node.inherited != nullptr) append_inherited(span);
    with_arena(*span.pipeline, thread, [&](ThreadArena& arena) {
        arena.counters.partial_emissions.add(1);
        copy_and_complete(span, arena, thread, span.start_time);
    });
    ++span.update_id;
    span.tally = tally;
    span.cursor = span.begin + own_bytes;
    span.cursor = wire::put_bytes(span.cursor, pending.data(), pending.size());
} catch (...) {  // no memory: it is sent when it ends
}

}  // namespace

void emit_overdue_now(ThreadState& thread, std::uint64_t now) noexcept {
    clear_arena(thread);
    std::uint64_t soonest = kNever;
    for (const ContextNode* node = thread.current; node != nullptr; node = node->previous) {
        if (node->span == nullptr || &node->span->node != node) continue;
        OpenSpan& span = *node->span;
        const std::uint64_t after = span.pipeline->emit_open_after();
        if (after == 0 || after == kNever) continue;
        soonest = std::min(soonest, after);
        if (span.update_id == 0 && now >= span.start_time + after) emit(span, thread);
    }
    // Who is not old enough yet, or starts meanwhile, is looked at in the same time again.
    thread.emit_open_at = next_look(now, soonest);
}

void emit_open_spans(const OpenSpan* but) noexcept {
    ThreadState& thread = thread_state;
    clear_arena(thread);
    for (const ContextNode* node = thread.current; node != nullptr; node = node->previous) {
        if (node->span == nullptr || &node->span->node != node || node->span == but) continue;
        OpenSpan& open = *node->span;
        if (open.update_id == 0 && open.pipeline->emit_open_after() != kNever) emit(open, thread);
    }
}

void emit_partial(OpenSpan& span) noexcept {
    ThreadState& thread = thread_state;
    clear_arena(thread);
    emit(span, thread);
}

void emit_on_entry(OpenSpan& span) noexcept {
    if (span.pipeline->emit_open_after() == 0 && span.update_id == 0) emit_partial(span);
}

}  // namespace judgeval::detail
