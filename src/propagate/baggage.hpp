// The baggage header: W3C Baggage.
//
// Pure functions, run by the thread that makes or takes a request.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace judgeval::detail {

inline constexpr std::size_t kMaxBaggageBytes = 8192;
inline constexpr std::size_t kMaxBaggagePairBytes = 4096;  ///< with its properties
inline constexpr std::size_t kMaxBaggagePairs = 180;

/// One list-member.
struct BaggageEntry {
    std::string key;         ///< decoded, never empty
    std::string value;       ///< decoded
    std::string properties;  ///< what follows the first semicolon, as it came

    friend bool operator==(const BaggageEntry&, const BaggageEntry&) = default;
};

/// The header's entries in their order; of two with one key the place of the first, the value of the last.
/// Pairs that break the grammar or a cap are left out, and so is what lies beyond 8192 bytes.
///
/// Keys and values are percent-decoded and valid UTF-8 (what is not is replaced by U+FFFD). Keys are decoded
/// because other SDKs encode them; the specification leaves them alone.
[[nodiscard]] std::vector<BaggageEntry> parse_baggage(std::string_view header);

/// The header for these entries. One that is over a cap by itself, or with those before it, is left out
/// whole.
[[nodiscard]] std::string format_baggage(std::span<const BaggageEntry> entries);

}  // namespace judgeval::detail
