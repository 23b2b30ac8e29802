// When to try again: the OTLP/HTTP rules (opentelemetry.io, "OTLP/HTTP Response", "OTLP/HTTP Throttling").
//
// Pure functions but for the caller's random state.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "export/transport.hpp"

namespace judgeval::detail {

/// 429, 502, 503, 504, and anything that kept an answer from arriving.
[[nodiscard]] inline bool is_retryable(const HttpResponse& response) noexcept {
    switch (response.status) {
        case 0:
        case 429:
        case 502:
        case 503:
        case 504:
            return true;
        default:
            return false;
    }
}

/// `Retry-After` as seconds or as an HTTP date; nothing when absent or malformed. Never negative, at most an
/// hour.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_retry_after(
    std::string_view value, std::chrono::system_clock::time_point now);

/// Exponential backoff with jitter: half a second doubling up to 30, each time between half and all of it.
/// `random` is any evenly distributed number.
[[nodiscard]] std::chrono::nanoseconds backoff(std::uint32_t attempts, std::uint64_t random) noexcept;

}  // namespace judgeval::detail
