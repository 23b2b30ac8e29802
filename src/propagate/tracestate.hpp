// The tracestate header: W3C Trace Context level 2, section 3.3.
//
// A pure function, run by the thread that takes a request; one allocation, bounded by the cap.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace judgeval::detail {

inline constexpr std::size_t kMaxTracestateBytes = 512;
inline constexpr std::size_t kMaxTracestateMembers = 32;

/// The header as it is passed on: its members in their order, joined with commas, without empty ones; of two
/// with one key the first. Empty when a member breaks the grammar, or when there are more than 32.
///
/// What is over 512 bytes loses whole members: those of more than 128 bytes first, the last of them before
/// the others, then the last ones.
[[nodiscard]] std::string parse_tracestate(std::string_view header);

}  // namespace judgeval::detail
