// Partial emission: a span that is still open, sent as it stands (its end is its start), so that a long run
// can be watched while it runs. judgment.update_id tells the emissions of a span apart.
//
// Only its owner touches an open span, so this runs on the thread that traces, when that next starts or ends
// a span after something has been open for long (PipelineOptions::emit_open_after), before an LLM call, or
// when asked. Off the hot path, which compares one time stamp with ThreadState::emit_open_at.
#pragma once

#include <cstdint>

#include "record/thread_state.hpp"

namespace judgeval::detail {

/// When to look after `time` for spans that have been open for long; with 0 (sent on entry) as with kNever:
/// not.
inline std::uint64_t next_look(std::uint64_t time, std::uint64_t emit_open_after) noexcept {
    return emit_open_after == 0 || emit_open_after == kNever ? kNever : time + emit_open_after;
}

/// Sends those of the thread's current spans that have been open for long and were not sent, and says when to
/// look again.
void emit_overdue_now(ThreadState& thread, std::uint64_t now) noexcept;
inline void emit_overdue(ThreadState& thread, std::uint64_t now) noexcept {
    if (now >= thread.emit_open_at) [[unlikely]]
        emit_overdue_now(thread, now);
}

}  // namespace judgeval::detail
