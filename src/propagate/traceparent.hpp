// The traceparent header: W3C Trace Context level 2, section 3.2.
//
// Pure functions without allocation, run by the thread that makes or takes a request.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "judgeval/context.hpp"

namespace judgeval::detail {

inline constexpr std::size_t kTraceparentBytes = 55;

/// Writes what the header says, marked as remote, into `identity`, which is new; false, and nothing written,
/// when it is to be ignored. Of the flags, those that level 2 defines: sampled and random-trace-id.
[[nodiscard]] bool parse_traceparent(std::string_view header, SpanIdentity& identity) noexcept;

/// Writes the header, of version 00, for a valid identity. A trace that this process gave up is not sampled.
void format_traceparent(const SpanIdentity& identity, std::array<char, kTraceparentBytes>& header) noexcept;

}  // namespace judgeval::detail
