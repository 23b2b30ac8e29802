// What becomes of spans when the backend answers wrongly, late, or not at all: retried, divided, refused or
// given up by the rules of OTLP/HTTP, and counted exactly.
#include <gtest/gtest.h>

#include <ctime>
#include <judgeval/judgeval.hpp>
#include <memory>
#include <ostream>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <string>

#include "client.hpp"
#include "faults/faulty_backend.hpp"
#include "faults/spans.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;
using How = Fault::How;

using test::kPatience;

Tracer make_tracer(const std::string& url, const PipelineOptions& pipeline = {}) {
    return test::make_tracer(url, {.pipeline = pipeline});
}

/// As many spans as that were acknowledged, none twice.
void expect_acknowledged(const FaultyBackend& backend, std::uint64_t count) {
    const auto spans = backend.acknowledged_spans();
    EXPECT_EQ(spans.size(), count);
    EXPECT_EQ(std::set<std::string>(spans.begin(), spans.end()).size(), count) << "a span came twice";
}

std::string http_date(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

struct Case {
    const char* name;
    Fault fault;
    Encoding encoding = Encoding::kOtlp;
};
void PrintTo(const Case& value, std::ostream* out) { *out << value.name; }
std::string name_of(const testing::TestParamInfo<Case>& parameter) { return parameter.param.name; }

class Retried : public testing::TestWithParam<Case> {};

TEST_P(Retried, IsDeliveredOnceByTheSecondRequest) {
    FaultyBackend backend({.script = {GetParam().fault}});
    PipelineOptions options{.encoding = GetParam().encoding};
    if (GetParam().fault.how == How::kHangs) options.request_timeout = 300ms;
    const Tracer tracer = make_tracer(backend.url(), options);
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), kSpans);
    EXPECT_EQ(tracer.stats().requests, 2U);
    EXPECT_EQ(tracer.stats().retries, 1U);
    expect_acknowledged(backend, kSpans);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, Retried,
    testing::Values(Case{"Status429", {.status = 429}}, Case{"Status502", {.status = 502}},
                    Case{"Status503", {.status = 503}}, Case{"Status504", {.status = 504}},
                    Case{"AtOnce", {.status = 429, .headers = {{"Retry-After", "0"}}}},
                    Case{"ResetInTheMiddle", {.how = How::kResets}},
                    Case{"NoAnswerInTime", {.how = How::kHangs}},
                    Case{"AtOnceInFlatBuffers",
                         {.status = 503, .headers = {{"Retry-After", "0"}}},
                         Encoding::kFlatBuffers},
                    Case{"ResetInTheMiddleInFlatBuffers", {.how = How::kResets}, Encoding::kFlatBuffers}),
    name_of);

TEST(RetryAfter, IsHonouredInBothForms) {
    const auto date = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + 2s;
    for (const std::string& value : {std::string("1"), http_date(date)}) {
        FaultyBackend backend({.script = {{.status = 503, .headers = {{"Retry-After", value}}}}});
        const Tracer tracer = make_tracer(backend.url());
        make_spans(tracer);
        ASSERT_TRUE(tracer.force_flush(kPatience));
        expect_counts(tracer.stats(), kSpans);
        const auto requests = backend.requests();
        ASSERT_EQ(requests.size(), 2U);
        // Not before; how much later is the machine's affair.
        if (value == "1") {
            EXPECT_GE(requests[1].arrived, requests[0].arrived + 900ms);
        } else {
            EXPECT_GE(requests[1].arrived, date - 100ms);
        }
    }
}

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, IsDroppedWithoutAnotherRequest) {
    FaultyBackend backend({.script = {GetParam().fault}});
    const Tracer tracer = make_tracer(backend.url(), {.compression = Compression::kNone});
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 0, std::pair{DropReason::kRefused, kSpans});
    EXPECT_EQ(backend.requests().size(), 1U);
    // and what follows is not held against it
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), kSpans, std::pair{DropReason::kRefused, kSpans});
    expect_acknowledged(backend, kSpans);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, Refused,
    testing::Values(Case{"Status400", {.status = 400}}, Case{"Status401", {.status = 401}},
                    Case{"Status403", {.status = 403}}, Case{"Status404", {.status = 404}},
                    Case{"Status415WithoutCompression", {.status = 415}}, Case{"Status500", {.status = 500}},
                    Case{"Status501", {.status = 501}}),
    name_of);

TEST(Redirect, IsNotFollowed) {
    FaultyBackend elsewhere;
    FaultyBackend backend(
        {.script = {{.status = 307, .headers = {{"Location", elsewhere.url() + "/otel/v1/traces"}}}}});
    const Tracer tracer = make_tracer(backend.url());
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 0, std::pair{DropReason::kRefused, kSpans});
    EXPECT_TRUE(elsewhere.requests().empty()) << "the key went to another host";
}

class TooLarge : public testing::TestWithParam<Encoding> {};

TEST_P(TooLarge, ABatchGoesOutInParts) {
    for (const Compression compression : {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
        constexpr std::uint64_t kMany = 3000;
        const std::size_t limit = compression == Compression::kNone ? 20'000 : 6'000;
        FaultyBackend backend({.body_most = limit});
        const Tracer tracer =
            make_tracer(backend.url(), {.encoding = GetParam(), .compression = compression});
        make_spans(tracer, kMany);
        ASSERT_TRUE(tracer.force_flush(kPatience));
        expect_counts(tracer.stats(), kMany);
        expect_acknowledged(backend, kMany);
        const auto first = backend.requests().size();
        // What is too large is learned: the next ones fit, or nearly.
        make_spans(tracer, kMany);
        ASSERT_TRUE(tracer.force_flush(kPatience));
        expect_counts(tracer.stats(), 2 * kMany);
        EXPECT_LE(backend.requests().size() - first, first);
    }
}

TEST_P(TooLarge, ASpanThatIsTooLargeByItselfIsRefusedAlone) {
    FaultyBackend backend({.body_most = 20'000});
    const Tracer tracer =
        make_tracer(backend.url(), {.encoding = GetParam(), .compression = Compression::kNone});
    make_spans(tracer);
    {
        auto span = tracer.span("large");
        span.set_attribute("text", std::string(25'000, 'x'));
    }
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 2 * kSpans, std::pair{DropReason::kRefused, std::uint64_t{1}});
    expect_acknowledged(backend, 2 * kSpans);
}

INSTANTIATE_TEST_SUITE_P(Each, TooLarge, testing::Values(Encoding::kOtlp, Encoding::kFlatBuffers),
                         [](const auto& parameter) {
                             return parameter.param == Encoding::kOtlp ? "Otlp" : "FlatBuffers";
                         });

TEST(Compressed, AnEndpointThatRefusesZstdGetsGzip) {
    for (const Encoding encoding : {Encoding::kOtlp, Encoding::kFlatBuffers}) {
        for (const int status : {400, 415}) {
            FaultyBackend backend({.script = {{.status = status}}});
            const Tracer tracer = make_tracer(backend.url(), {.encoding = encoding});
            make_spans(tracer);
            ASSERT_TRUE(tracer.force_flush(kPatience));
            make_spans(tracer);
            ASSERT_TRUE(tracer.force_flush(kPatience));
            expect_counts(tracer.stats(), 2 * kSpans);
            expect_acknowledged(backend, 2 * kSpans);
            std::vector<std::string> encodings;
            for (const auto& request : backend.requests()) encodings.push_back(request.content_encoding);
            EXPECT_EQ(encodings, (std::vector<std::string>{"zstd", "gzip", "gzip"}));
        }
    }
}

TEST(PartialSuccess, WhatIsRejectedIsCountedAndNotSentAgain) {
    std::string partial;
    {
        protozero::pbf_writer response(partial);
        protozero::pbf_writer message(response, 1);
        message.add_int64(1, 3);
        message.add_string(2, "three too many");
    }
    for (const Encoding encoding : {Encoding::kOtlp, Encoding::kFlatBuffers}) {
        FaultyBackend backend({.script = {{.body = partial}}});
        const Tracer tracer = make_tracer(backend.url(), {.encoding = encoding});
        make_spans(tracer);
        ASSERT_TRUE(tracer.force_flush(kPatience));
        expect_counts(tracer.stats(), kSpans - 3, std::pair{DropReason::kRejected, std::uint64_t{3}});
        EXPECT_EQ(backend.requests().size(), 1U);
    }
}

class Taken : public testing::TestWithParam<Case> {};

TEST_P(Taken, IsDeliveredByTheFirstRequest) {
    FaultyBackend backend({.script = {GetParam().fault}});
    const Tracer tracer = make_tracer(backend.url());
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), kSpans);
    EXPECT_EQ(backend.requests().size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Answers, Taken,
                         testing::Values(Case{"AnAnswerWithoutEndIsReadOnlySoFar", {.how = How::kNeverEnds}},
                                         Case{"AnAnswerByteByByteIsReadInPeace", {.how = How::kDrips}}),
                         name_of);

/// A port on which nobody listens.
int free_port() { return FaultyBackend().port(); }

class OutOfReach : public testing::TestWithParam<const char*> {};

TEST_P(OutOfReach, SpansWaitAndAreCountedWhenTheTracerEnds) {
    std::string url = GetParam();
    if (url.empty()) url = "http://127.0.0.1:" + std::to_string(free_port());
    const Tracer tracer = make_tracer(url);
    make_spans(tracer);
    EXPECT_FALSE(tracer.force_flush(200ms));
    EXPECT_EQ(tracer.stats().in_flight, kSpans);
    EXPECT_EQ(tracer.stats().dropped_total(), 0U);
    EXPECT_FALSE(tracer.shutdown(100ms));
    expect_counts(tracer.stats(), 0, std::pair{DropReason::kShutdown, kSpans});
}

INSTANTIATE_TEST_SUITE_P(Because, OutOfReach, testing::Values("", "http://name.invalid"),
                         [](const auto& parameter) {
                             return parameter.index == 0 ? "NobodyListens" : "TheNameIsUnknown";
                         });

TEST(AwayAndBack, SpansOfMeanwhileArrive) {
    auto backend = std::make_unique<FaultyBackend>();
    const int port = backend->port();
    const Tracer tracer = make_tracer(backend->url());
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_acknowledged(*backend, kSpans);
    backend.reset();
    make_spans(tracer);
    EXPECT_FALSE(tracer.force_flush(300ms));
    EXPECT_EQ(tracer.stats().in_flight, kSpans);
    backend = std::make_unique<FaultyBackend>(FaultyBackendOptions{.port = port});
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 3 * kSpans);
    expect_acknowledged(*backend, 2 * kSpans);
}

TEST(GivenUp, AfterTheTimeForRetries) {
    FaultyBackend backend({.afterwards = {.status = 503}});
    const Tracer tracer = make_tracer(backend.url(), {.max_retry_time = 1ms});
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 0, std::pair{DropReason::kRetriesExhausted, kSpans});
}

}  // namespace
}  // namespace judgeval::faults
