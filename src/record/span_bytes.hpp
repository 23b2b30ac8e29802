// The bytes of an open span: room for them, and fields whose length becomes known only when they are written.
//
// Runs on the thread that owns the span; the only memory touched beside the span is the thread's spare
// buffer.
#pragma once

#include <cstddef>

#include "judgeval/detail/open_span.hpp"
#include "judgeval/options.hpp"
#include "judgeval/text.hpp"

namespace judgeval::detail {

/// Makes sure that `bytes` more can be written at the span's cursor. False when the span would exceed its
/// limit or memory is out; the span is unchanged then.
[[nodiscard]] bool make_room(OpenSpan& span, std::size_t bytes) noexcept;

/// How many more bytes the span may hold.
[[nodiscard]] std::size_t room_left(const OpenSpan& span) noexcept;

/// Points a span that starts at its inline bytes.
inline void use_inline_bytes(OpenSpan& span) noexcept {
    span.begin = span.inline_bytes;
    span.cursor = span.inline_bytes;
    span.limit = span.inline_bytes + kInlineBytes;
}

/// Gives a spill buffer back when the span is done.
void release_spill(OpenSpan& span) noexcept;
inline void release_bytes(OpenSpan& span) noexcept {
    if (span.begin != span.inline_bytes) [[unlikely]]
        release_spill(span);
}

}  // namespace judgeval::detail
