// Records that have to be copied, or do not fit into what is left of a chunk.
#include "arena/record_writer.hpp"

namespace judgeval::detail {

namespace {

/// For a record that does not fit into what is left of the chunk.
void hand_over_slowly(OpenSpan& span, ThreadArena& arena, std::uint64_t end_time) noexcept {
    unsigned char head[kHeadBytes<true> + kTailMost];
    const auto head_size = static_cast<std::size_t>(put_tail(head + head_bytes(span), span) - head);
    const auto body_size = static_cast<std::size_t>(span.cursor - span.begin);
    put_head(head, span, end_time, head_size + body_size);
    if (!arena.append_slow(head, head_size, span.begin, body_size)) {
        count_drop(arena.counters, DropReason::kBudgetExhausted);
    }
}

}  // namespace

void copy_and_complete(OpenSpan& span, ThreadArena& arena, ThreadState& thread,
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

}  // namespace judgeval::detail
