// What becomes of tags and evaluations when the platform refuses, fails, or says nothing: sent again, given
// up or dropped, and counted exactly. Spans go their own way all the while.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <string>

#include "client.hpp"
#include "faults/faulty_backend.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;
using How = Fault::How;
using test::kPatience;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void tag(const Tracer& tracer, int times) {
    auto span = tracer.span("span");
    for (int i = 0; i < times; ++i) tracer.tag("tag");
}

void expect_counts(const Stats& stats, std::uint64_t delivered, std::uint64_t dropped) {
    test::expect_balanced(stats);
    EXPECT_EQ(stats.platform_requests_queued, delivered + dropped);
    EXPECT_EQ(stats.platform_requests_delivered, delivered);
    EXPECT_EQ(stats.platform_requests_dropped, dropped);
}

TEST(PlatformRequests, ThatFailForNowAreSentAgain) {
    FaultyBackend backend(
        {.platform_script = {{.status = 503, .headers = {{"Retry-After", "0"}}}, {.how = How::kResets}}});
    const Tracer tracer = test::make_tracer(backend.url());
    tag(tracer, 3);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 3, 0);
    EXPECT_EQ(tracer.stats().exported, 1U);
    EXPECT_EQ(backend.platform_requests().size(), 5U);
    for (const auto& [path, body] : backend.platform_requests()) EXPECT_EQ(body, R"({"tags":["tag"]})");
}

TEST(PlatformRequests, ThatAreRefusedAreDroppedAndLoggedOnce) {
    FaultyBackend backend({.platform_afterwards = {.status = 422, .body = "no such trace"}});
    test::LogLines log;
    const Tracer tracer = test::make_tracer(backend.url(), {}, log.handler());
    tag(tracer, 5);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 0, 5);
    EXPECT_EQ(tracer.stats().exported, 1U);
    EXPECT_EQ(backend.platform_requests().size(), 5U);
    EXPECT_THAT(log.take(), ElementsAre(AllOf(HasSubstr("HTTP 422 (no such trace)"), HasSubstr("/tags"))));
}

TEST(PlatformRequests, OfWhichSomeAreLeftAtShutdownAreCounted) {
    FaultyBackend backend({.platform_script = {{}}, .platform_afterwards = {.how = How::kHangs}});
    const Tracer tracer = test::make_tracer(backend.url());
    tag(tracer, 1);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    auto late = tracer.span("open at shutdown");
    tag(tracer, 4);
    EXPECT_FALSE(tracer.force_flush(200ms)) << "a flush ended while a tag was on its way";
    EXPECT_FALSE(tracer.shutdown(200ms)) << "tags were left";
    expect_counts(tracer.stats(), 1, 4);
    tracer.tag("after the end");
    expect_counts(tracer.stats(), 1, 5);
    late.end();
}

TEST(PlatformRequests, AreGivenUpAfterTheTimeForRetries) {
    FaultyBackend backend({.platform_afterwards = {.status = 503}});
    test::LogLines log;
    TracerOptions options;
    options.pipeline.max_retry_time = 0ms;
    const Tracer tracer = test::make_tracer(backend.url(), options, log.handler());
    tag(tracer, 2);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 0, 2);
    EXPECT_THAT(log.take(), ElementsAre(HasSubstr("gave up on a request after max_retry_time")));
}

TEST(PlatformRequests, AreBoundedInNumber) {
    // Nobody listens there, so that the project is never found and everything waits.
    const Tracer tracer = test::make_tracer("http://127.0.0.1:9");
    tag(tracer, 1500);
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.platform_requests_queued, 1500U);
    EXPECT_EQ(stats.platform_requests_dropped, 1500U - 1024U);
    static_cast<void>(tracer.shutdown(0ms));
    EXPECT_EQ(tracer.stats().platform_requests_dropped, 1500U);
}

TEST(PlatformRequests, AreBoundedInBytes) {
    const Tracer tracer = test::make_tracer("http://127.0.0.1:9");
    const std::string megabyte(1'000'000, 'x');
    {
        auto span = tracer.span("span");
        for (int i = 0; i < 10; ++i) tracer.tag(megabyte);
    }
    EXPECT_EQ(tracer.stats().platform_requests_dropped, 6U);
    static_cast<void>(tracer.shutdown(0ms));
}

}  // namespace
}  // namespace judgeval::faults
