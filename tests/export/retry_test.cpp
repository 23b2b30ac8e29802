// When to try again: Retry-After in all of its spellings, and the backoff's bounds.
#include "export/retry.hpp"

#include <gtest/gtest.h>

#include <string>

namespace judgeval::detail {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

const auto kNow = std::chrono::system_clock::from_time_t(784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(RetryAfter, TakesSeconds) {
    EXPECT_EQ(parse_retry_after("0", kNow), 0s);
    EXPECT_EQ(parse_retry_after("120", kNow), 120s);
    EXPECT_EQ(parse_retry_after(" 7\t", kNow), 7s);
    EXPECT_EQ(parse_retry_after("007", kNow), 7s);
}

TEST(RetryAfter, TakesAllThreeFormsOfAnHttpDate) {
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", kNow), 60s);
    EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:50:37 GMT", kNow), 60s);
    EXPECT_EQ(parse_retry_after("Sun Nov  6 08:50:37 1994", kNow), 60s);
}

TEST(RetryAfter, KeepsTheFractionOfTheSecondThatHasBegun) {
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", kNow + 250ms), 59750ms);
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", kNow + 250ms), 0s);
}

TEST(RetryAfter, IsNeverNegativeAndAtMostAnHour) {
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", kNow), 0s);
    EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", kNow), 0s);
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:49:37 GMT", kNow), 1h);
    // beyond what the system clock can count
    EXPECT_EQ(parse_retry_after("Mon, 01 Jan 1601 00:00:00 GMT", kNow), 0s);
    EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", kNow), 1h);
    EXPECT_EQ(parse_retry_after("3600", kNow), 1h);
    EXPECT_EQ(parse_retry_after("3601", kNow), 1h);
    EXPECT_EQ(parse_retry_after("9223372036854775807", kNow), 1h);
    EXPECT_EQ(parse_retry_after(std::string(90, '9'), kNow), 1h);
}

TEST(RetryAfter, ThatMakesNoSenseIsNothing) {
    for (const char* const value :
         {"", " ", "-1", "+1", "1.5", "1e3", "0x10", "5 minutes", "soon", "Nonsense", "\xFF", ","}) {
        EXPECT_EQ(parse_retry_after(value, kNow), std::nullopt) << value;
    }
}

TEST(Backoff, IsBetweenHalfAndAllOfAStepThatDoublesUpTo30Seconds) {
    nanoseconds step = 500ms;
    for (std::uint32_t attempts = 0; attempts < 100; ++attempts) {
        EXPECT_EQ(backoff(attempts, 0), step / 2);
        const auto half = static_cast<std::uint64_t>(step.count() / 2);
        EXPECT_EQ(backoff(attempts, half), step);
        for (const std::uint64_t random : {std::uint64_t{12345}, UINT64_MAX, UINT64_MAX / 3}) {
            EXPECT_GE(backoff(attempts, random), step / 2);
            EXPECT_LE(backoff(attempts, random), step);
        }
        step = std::min<nanoseconds>(2 * step, 30s);
    }
    EXPECT_LE(backoff(UINT32_MAX, UINT64_MAX), 30s);
}

TEST(Retryable, AreTheStatusesThatOtlpNames) {
    for (int status = 0; status < 600; ++status) {
        HttpResponse response;
        response.status = status;
        const bool expected = status == 0 || status == 429 || status == 502 || status == 503 || status == 504;
        EXPECT_EQ(is_retryable(response), expected) << status;
    }
}

}  // namespace
}  // namespace judgeval::detail
