// The OTEL_* variables of SDK and exporter: what each may say, what wins, and what a value that makes no
// sense leads to.
#include "judgment/otel_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "judgment/environment_guard.hpp"
#include "log_lines.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class OtelEnvironment : public testing::Test {
  protected:
    TracerOptions read(TracerOptions options = {}) {
        detail::read_otel_options(options, log_);
        return options;
    }
    PipelineOptions read_otlp(PipelineOptions options = {}) {
        detail::read_otlp_options(options, log_);
        return options;
    }
    /// "" when there is none.
    std::string endpoint() {
        const auto endpoint = detail::read_otlp_endpoint(log_);
        return endpoint ? endpoint->url : "";
    }

    EnvironmentGuard environment_;
    LogLines lines_;
    detail::Log log_{lines_.handler()};
};

TEST_F(OtelEnvironment, NothingSetChangesNothing) {
    const TracerOptions options = read();
    EXPECT_EQ(options.sampler.number(), 1.0);
    EXPECT_TRUE(options.sampler.is_parent_based());
    EXPECT_EQ(options.limits.attribute_count, 128U);
    EXPECT_EQ(options.pipeline.export_interval, 1000ms);
    EXPECT_EQ(read_otlp().request_timeout, 10s);
    EXPECT_EQ(endpoint(), "");
    EXPECT_FALSE(detail::is_otel_sdk_disabled(log_));
    EXPECT_THAT(lines_.take(), IsEmpty());
}

TEST_F(OtelEnvironment, TheSdkIsSwitchedOffByTrueOnly) {
    environment_.set("OTEL_SDK_DISABLED", "True");
    EXPECT_TRUE(detail::is_otel_sdk_disabled(log_));
    environment_.set("OTEL_SDK_DISABLED", "false");
    EXPECT_FALSE(detail::is_otel_sdk_disabled(log_));
    EXPECT_THAT(lines_.take(), IsEmpty());
    environment_.set("OTEL_SDK_DISABLED", "perhaps");
    EXPECT_FALSE(detail::is_otel_sdk_disabled(log_));
    EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr("OTEL_SDK_DISABLED=perhaps")));
}

TEST_F(OtelEnvironment, SamplersHaveNames) {
    const std::pair<const char*, double> samplers[] = {
        {"always_on", 1.0},  {"parentbased_always_on", 1.0},
        {"always_off", 0.0}, {"parentbased_always_off", 0.0},
        {"traceidratio", 1}, {"parentbased_traceidratio", 1.0},
    };
    for (const auto& [name, ratio] : samplers) {
        environment_.set("OTEL_TRACES_SAMPLER", name);
        EXPECT_EQ(read().sampler.number(), ratio) << name;
        EXPECT_EQ(read().sampler.is_parent_based(), std::string_view(name).starts_with("parentbased_"));
    }
    for (const char* const name : {"traceidratio", "parentbased_traceidratio"}) {
        environment_.set("OTEL_TRACES_SAMPLER", name);
        environment_.set("OTEL_TRACES_SAMPLER_ARG", "0.25");
        EXPECT_EQ(read().sampler.number(), 0.25) << name;
    }
    EXPECT_EQ(read({.sampler = Sampler::trace_id_ratio(0.5)}).sampler.number(), 0.5) << "code wins";
    const auto parent_based = Sampler::parent_based(Sampler::trace_id_ratio(0.5));
    EXPECT_EQ(read({.sampler = parent_based}).sampler.number(), 0.5) << "code wins";
    EXPECT_FALSE(read({.sampler = Sampler::always_on()}).sampler.is_parent_based()) << "code wins";
    EXPECT_THAT(lines_.take(), IsEmpty());
}

TEST_F(OtelEnvironment, ASamplerThatMakesNoSenseIsOneWarningAndTheDefault) {
    for (const char* const name :
         {"xray", "sometimes", "parentbased_", "parentbased_parentbased_always_off"}) {
        environment_.set("OTEL_TRACES_SAMPLER", name);
        const Sampler sampler = read().sampler;
        EXPECT_EQ(sampler.number(), 1.0) << name;
        EXPECT_TRUE(sampler.is_parent_based()) << name;
        EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr(std::string("OTEL_TRACES_SAMPLER=") + name)));
    }
    environment_.set("OTEL_TRACES_SAMPLER", "traceidratio");
    for (const char* const ratio : {"1.5", "-0.1", "half", "0.5 ", "nan", "inf", "1e999"}) {
        environment_.set("OTEL_TRACES_SAMPLER_ARG", ratio);
        EXPECT_EQ(read().sampler.number(), 1.0) << ratio;
        EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr(std::string("OTEL_TRACES_SAMPLER_ARG=") + ratio)));
    }
}

TEST_F(OtelEnvironment, LimitsOfASpanWinOverGeneralOnes) {
    environment_.set("OTEL_ATTRIBUTE_COUNT_LIMIT", "10");
    environment_.set("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1000");
    EXPECT_EQ(read().limits.attribute_count, 10U);
    EXPECT_EQ(read().limits.attribute_value_bytes, 1000U);
    environment_.set("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0");
    environment_.set("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4");
    environment_.set("OTEL_SPAN_EVENT_COUNT_LIMIT", "7");
    environment_.set("OTEL_SPAN_LINK_COUNT_LIMIT", "70000");
    const SpanLimits limits = read().limits;
    EXPECT_EQ(limits.attribute_count, 0U);
    EXPECT_EQ(limits.attribute_value_bytes, 32U) << "the least there is";
    EXPECT_EQ(limits.event_count, 7U);
    EXPECT_EQ(limits.link_count, 65'535U) << "the most there is";
    EXPECT_EQ(read({.limits = {.event_count = 3}}).limits.event_count, 3U) << "code wins";
    EXPECT_THAT(lines_.take(), IsEmpty());
    environment_.set("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1");
    EXPECT_EQ(read().limits.event_count, 128U);
    EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr("OTEL_SPAN_EVENT_COUNT_LIMIT=-1")));
}

TEST_F(OtelEnvironment, BatchingIsWhatTheBatchProcessorsVariablesSay) {
    environment_.set("OTEL_BSP_SCHEDULE_DELAY", "250");
    environment_.set("OTEL_BSP_EXPORT_TIMEOUT", "30000");
    EXPECT_EQ(read().pipeline.export_interval, 250ms);
    EXPECT_EQ(read().pipeline.max_retry_time, 30s);
    EXPECT_EQ(read({.pipeline = {.export_interval = 5ms}}).pipeline.export_interval, 5ms) << "code wins";
    EXPECT_THAT(lines_.take(), IsEmpty());
    for (const char* const delay : {"0", "-5", "1s", "2147483648", "99999999999999999999", " 5"}) {
        environment_.set("OTEL_BSP_SCHEDULE_DELAY", delay);
        EXPECT_EQ(read().pipeline.export_interval, 1000ms) << delay;
        EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr(std::string("OTEL_BSP_SCHEDULE_DELAY=") + delay)));
    }
}

TEST_F(OtelEnvironment, BatchingByNumberOfSpansIsWarnedAbout) {
    environment_.set("OTEL_BSP_MAX_QUEUE_SIZE", "2048");
    environment_.set("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512");
    static_cast<void>(read());
    EXPECT_THAT(
        lines_.take(),
        ElementsAre(AllOf(HasSubstr("OTEL_BSP_MAX_QUEUE_SIZE"), HasSubstr("memory_budget_bytes")),
                    AllOf(HasSubstr("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), HasSubstr("max_batch_bytes"))));
}

TEST_F(OtelEnvironment, TheEndpointOfTracesIsUsedAsItIs) {
    const std::pair<const char*, const char*> general[] = {
        {"http://collector:4318", "http://collector:4318/v1/traces"},
        {"http://collector:4318/", "http://collector:4318/v1/traces"},
        {"https://vendor.example/otlp", "https://vendor.example/otlp/v1/traces"}};
    for (const auto& [url, expected] : general) {
        environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", url);
        EXPECT_EQ(endpoint(), expected);
    }
    for (const char* const url :
         {"http://elsewhere:1", "http://elsewhere:1/", "https://vendor.example/take?these=spans"}) {
        environment_.set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url);
        EXPECT_EQ(endpoint(), url);
    }
    EXPECT_THAT(lines_.take(), IsEmpty());
}

TEST_F(OtelEnvironment, AnEndpointThatMakesNoSenseIsOneWarningAndNone) {
    for (const char* const url :
         {"collector:4318", "grpc://collector:4317", "http://", "http://user:hunter2@collector",
          "http://collector?query", "http://collector/#fragment", "http://collector\r\n"}) {
        environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", url);
        EXPECT_EQ(endpoint(), "") << url;
        EXPECT_THAT(lines_.take(),
                    ElementsAre(AllOf(HasSubstr("OTEL_EXPORTER_OTLP_ENDPOINT"), Not(HasSubstr("hunter2")))));
    }
}

TEST_F(OtelEnvironment, HeadersAreDecodedAndThoseOfTracesReplaceTheOthers) {
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector");
    environment_.set("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=abcdefgh, Authorization=Bearer%20to=ken");
    auto read = detail::read_otlp_endpoint(log_);
    EXPECT_THAT(read->headers, ElementsAre("x-api-key: abcdefgh", "Authorization: Bearer to=ken"));
    EXPECT_THAT(read->secrets, AllOf(Contains("abcdefgh"), Contains("to=ken")));
    environment_.set("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-other=1");
    EXPECT_THAT(detail::read_otlp_endpoint(log_)->headers, ElementsAre("x-other: 1"));
    EXPECT_THAT(lines_.take(), IsEmpty());
}

TEST_F(OtelEnvironment, HeadersThatCannotStandAreRefusedAndNotShown) {
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector");
    for (const char* const headers :
         {"key=secret%0D%0AX-Injected:%201", "key=secret\r\nX-Injected: 1", "key=secret%0A", "key=secret%00",
          "ke y=secret", "key%0A=secret", "key:=secret", "secret", "=secret", "ok=1,Content-Type=secret",
          "host=secret", "Content-Length=secret", "Transfer-Encoding=secret", "key=secret%C3%BC"}) {
        environment_.set("OTEL_EXPORTER_OTLP_HEADERS", headers);
        const auto read = detail::read_otlp_endpoint(log_);
        ASSERT_TRUE(read) << headers;
        EXPECT_THAT(read->headers, IsEmpty()) << headers;
        EXPECT_THAT(lines_.take(), ElementsAre(AllOf(HasSubstr("OTEL_EXPORTER_OTLP_HEADERS"),
                                                     Not(HasSubstr("secret")), Not(HasSubstr("\n")))))
            << headers;
    }
}

TEST_F(OtelEnvironment, CompressionTimeoutAndCertificateAreTheExporters) {
    environment_.set("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    environment_.set("OTEL_EXPORTER_OTLP_TIMEOUT", "3000");
    environment_.set("OTEL_EXPORTER_OTLP_CERTIFICATE", "/dev/null");
    const PipelineOptions options = read_otlp();
    EXPECT_EQ(options.compression, Compression::kGzip);
    EXPECT_EQ(options.request_timeout, 3s);
    EXPECT_EQ(options.ca_file, "/dev/null");
    EXPECT_EQ(read_otlp({.compression_level = 15}).compression_level, 9) << "one that gzip has";
    const PipelineOptions code =
        read_otlp({.compression = Compression::kNone, .request_timeout = 7s, .ca_file = "/other.pem"});
    EXPECT_EQ(code.compression, Compression::kNone) << "code wins";
    EXPECT_EQ(code.request_timeout, 7s) << "code wins";
    EXPECT_EQ(code.ca_file, "/other.pem") << "code wins";
    environment_.set("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none");
    environment_.set("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "50");
    EXPECT_EQ(read_otlp().compression, Compression::kNone);
    EXPECT_EQ(read_otlp().request_timeout, 50ms);
    EXPECT_THAT(lines_.take(), IsEmpty());
}

TEST_F(OtelEnvironment, AnExportersSettingThatMakesNoSenseIsOneWarningAndTheDefault) {
    environment_.set("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli");
    environment_.set("OTEL_EXPORTER_OTLP_TIMEOUT", "soon");
    environment_.set("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file.pem");
    const PipelineOptions options = read_otlp();
    EXPECT_EQ(options.compression, Compression::kZstd);
    EXPECT_EQ(options.request_timeout, 10s);
    EXPECT_EQ(options.ca_file, "");
    EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_TIMEOUT=soon"),
                                           HasSubstr("OTEL_EXPORTER_OTLP_COMPRESSION=brotli"),
                                           HasSubstr("OTEL_EXPORTER_OTLP_CERTIFICATE=/no/such/file.pem")));
}

}  // namespace
}  // namespace judgeval::test
