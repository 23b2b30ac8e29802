// Retry-After: whatever a backend sends, the delay is none or within its bounds, seconds mean what an
// independent reading says, and a date in any of HTTP's three forms is met to the second.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "export/retry.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr seconds kMost = 1h;

/// Digits between blanks: the seconds, at most an hour; nothing when it is no such value.
std::optional<nanoseconds> read_seconds(const std::string& value) {
    const std::size_t first = value.find_first_not_of(" \t");
    if (first == std::string::npos) return std::nullopt;
    const std::size_t last = value.find_last_not_of(" \t");
    std::int64_t count = 0;
    for (std::size_t at = first; at <= last; ++at) {
        if (value[at] < '0' || value[at] > '9') return std::nullopt;
        count = std::min<std::int64_t>(count * 10 + (value[at] - '0'), kMost.count());
    }
    return seconds(count);
}

void check_any_value(const std::string& value, system_clock::time_point now) {
    const auto delay = detail::parse_retry_after(value, now);
    require(!delay || (*delay >= 0s && *delay <= kMost), "a delay is neither negative nor over an hour");
    if (const auto expected = read_seconds(value)) {
        require(delay == expected, "digits are seconds");
    } else if (delay) {
        // A date then: the later one asks, the shorter the delay, until there is none.
        const auto later = detail::parse_retry_after(value, now + *delay);
        require(later.has_value(), "a date is one at any time");
        require(*delay == kMost || *later < 1s, "a date does not move away");
    }
}

/// In each of the three forms, `offset` seconds from the second in which it is now.
void check_date(std::int64_t offset, system_clock::time_point now) {
    const std::time_t second = system_clock::to_time_t(std::chrono::floor<seconds>(now));
    const std::time_t date = second + offset;
    std::tm parts{};
    ::gmtime_r(&date, &parts);
    const nanoseconds fraction = now - system_clock::from_time_t(second);
    const nanoseconds expected = std::clamp<nanoseconds>(seconds(offset) - fraction, 0s, kMost);
    for (const char* const form :
         {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
        char text[64];
        require(std::strftime(text, sizeof text, form, &parts) != 0, "a date fits its buffer");
        require(detail::parse_retry_after(text, now) == expected, text);
    }
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace judgeval::fuzz;
    FuzzedDataProvider choices(data, size);  // takes numbers from the end, so that a seed is the value itself
    // From 1971 to 2065: two digits mean none but these years.
    const auto second = choices.ConsumeIntegralInRange<std::time_t>(32'000'000, 3'000'000'000);
    const auto fraction = choices.ConsumeIntegralInRange<std::int64_t>(0, 999'999'999);
    const auto now = std::chrono::system_clock::from_time_t(second) + std::chrono::nanoseconds(fraction);
    check_date(choices.ConsumeIntegralInRange<std::int64_t>(-10'000, 10'000), now);
    check_any_value(choices.ConsumeRemainingBytesAsString(), now);
    return 0;
}
