// The bytes of an open span: room for them, and fields whose length becomes known only when they are written.
//
// Runs on the thread that owns the span; the only memory touched beside the span is the thread's spare buffer.
#pragma once

#include <cstddef>

#include "judgeval/detail/open_span.hpp"
#include "judgeval/options.hpp"
#include "judgeval/text.hpp"

namespace judgeval::detail {

/// Makes sure that `bytes` more can be written at the span's cursor. False when the span would exceed its limit or memory
/// is out; the span is unchanged then.
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
void release_bytes(OpenSpan& span) noexcept;

/// Moves name or type among the wire bytes: for text that is not a literal, or too long to be kept for the end.
void append_name(OpenSpan& span, const Text& name) noexcept;
void append_type(OpenSpan& span, const Text& type) noexcept;

/// The longest literal that is kept by address for the end of the span.
inline constexpr std::size_t kKeptLiteral = 96;

inline void keep_name(OpenSpan& span, const Text& name) noexcept {
    if (name.is_literal() && name.size() <= kKeptLiteral) [[likely]] {
        span.name = name.data();
        span.name_size = static_cast<std::uint32_t>(name.size());
    } else {
        append_name(span, name);
    }
}

inline void keep_type(OpenSpan& span, const Text& type) noexcept {
    if (type.is_literal() && type.size() <= kKeptLiteral) [[likely]] {
        span.type = type.data();
        span.type_size = static_cast<std::uint32_t>(type.size());
    } else {
        append_type(span, type);
    }
}

}  // namespace judgeval::detail
