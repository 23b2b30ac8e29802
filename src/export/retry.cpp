// Retry-After by libcurl's date parser, and the backoff.
#include "export/retry.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace judgeval::detail {

std::optional<std::chrono::nanoseconds> parse_retry_after(std::string_view value,
                                                          std::chrono::system_clock::time_point now) {
    using std::chrono::seconds;
    constexpr seconds kMost{3600};
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (value.empty()) return std::nullopt;
    if (value.find_first_not_of("0123456789") == std::string_view::npos) {
        std::int64_t count = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
        if (error == std::errc::result_out_of_range) return kMost;
        return std::min(seconds(count), kMost);
    }
    if (value.front() < 'A' || value.front() > 'Z')
        return std::nullopt;  // an HTTP date begins with a weekday
    const std::time_t date = ::curl_getdate(std::string(value).c_str(), nullptr);
    if (date == -1) return std::nullopt;
    // Whole seconds first: the system clock cannot count to the years 1601 or 9999.
    const auto least = std::chrono::floor<seconds>(now).time_since_epoch().count();
    const seconds reached(std::clamp<std::int64_t>(date, least, least + kMost.count() + 1));
    const std::chrono::nanoseconds delay = std::chrono::system_clock::time_point(reached) - now;
    return std::clamp<std::chrono::nanoseconds>(delay, seconds(0), kMost);
}

std::chrono::nanoseconds backoff(std::uint32_t attempts, std::uint64_t random) noexcept {
    using std::chrono::nanoseconds;
    constexpr nanoseconds kFirst = std::chrono::milliseconds(500);
    constexpr nanoseconds kMost = std::chrono::seconds(30);
    const nanoseconds whole = std::min(kFirst * (std::int64_t{1} << std::min(attempts, 10U)), kMost);
    const auto half = static_cast<std::uint64_t>(whole.count() / 2);
    return nanoseconds(static_cast<std::int64_t>(half + random % (half + 1)));
}

}  // namespace judgeval::detail
