// The baggage header: W3C Baggage.
//
// Pure functions, run by the thread that makes or takes a request.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "record/inherited.hpp"

namespace judgeval::detail {

/// The header's entries in their order; of two with one key the place of the first, the value of the last.
/// Pairs that break the grammar or a cap are left out, and so is what lies beyond 8192 bytes.
///
/// Keys and values are percent-decoded and valid UTF-8 (what is not is replaced by U+FFFD). Keys are decoded
/// because other SDKs encode them; the specification leaves them alone.
[[nodiscard]] std::vector<InheritedEntry> parse_baggage(std::string_view header);

/// The header for those of the entries that are baggage. One that is over a cap by itself, or with those
/// before it, is left out whole.
[[nodiscard]] std::string format_baggage(std::span<const InheritedEntry> entries);

}  // namespace judgeval::detail
