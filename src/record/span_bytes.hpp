// The bytes of an open span: room for them, and fields whose length becomes known only when they are written.
//
// Runs on the thread that owns the span; the only memory touched beside the span is the thread's spare
// buffer.
#pragma once

#include <cstddef>

#include "judgeval/detail/open_span.hpp"
#include "judgeval/options.hpp"
#include "judgeval/text.hpp"
#include "record/thread_state.hpp"

namespace judgeval::detail {

/// Makes sure that `bytes` more can be written at the span's cursor. False when the span would exceed its
/// limit or memory is out; the span is unchanged then.
[[nodiscard]] bool make_room(OpenSpan& span, std::size_t bytes) noexcept;

/// How many more bytes the span may hold.
[[nodiscard]] std::size_t room_left(const OpenSpan& span) noexcept;

/// Points a span without bytes at `memory`, which has room for kInlineBytes and the slack.
inline void use_bytes(OpenSpan& span, BytesIn where, unsigned char* memory) noexcept {
    span.bytes_in = where;
    span.begin = memory;
    span.cursor = memory;
    span.limit = memory + kInlineBytes;
}
inline void use_inline_bytes(OpenSpan& span) noexcept { use_bytes(span, BytesIn::kSpan, span.inline_bytes); }

/// Takes the bytes of this thread's innermost span into the span itself, if they stand in the arena. For
/// whoever is about to write there, to take the arena's memory away, or to become the innermost.
void clear_arena(ThreadState& thread) noexcept;

/// True when an attribute with this key is among the span's own bytes.
[[nodiscard]] bool has_attribute(const OpenSpan& span, std::string_view key) noexcept;
/// The whole field of that attribute; empty when there is none.
[[nodiscard]] std::string_view find_attribute_bytes(const OpenSpan& span, std::string_view key) noexcept;
/// Takes an attribute off the span; true when it had it.
bool remove_attribute(OpenSpan& span, std::string_view key) noexcept;

/// Gives a spill buffer back when the span is done.
void release_spill(OpenSpan& span) noexcept;
inline void release_bytes(OpenSpan& span) noexcept {
    if (span.bytes_in == BytesIn::kSpill) [[unlikely]]
        release_spill(span);
}

}  // namespace judgeval::detail
