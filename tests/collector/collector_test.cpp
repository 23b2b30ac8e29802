// What a real OpenTelemetry Collector makes of what is sent to it: every span, once, with every field as it
// was recorded.
#include "collector/collector.hpp"

#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "client.hpp"
#include "end_to_end/peer.hpp"
#include "judgment/environment_guard.hpp"
#include "test_peers.hpp"

namespace judgeval::end_to_end {
namespace {

using test::Collector;
using test::LogLines;

class CollectorTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const std::string reason = test::missing_peer("collector"); !reason.empty())
            GTEST_SKIP() << reason;
        collector_.emplace();
    }

    /// What the Collector received; it ends.
    std::vector<encode::ResourceSpans> received() {
        std::vector<encode::ResourceSpans> all;
        collector_->stop([&all](const encode::TraceRequest& request) {
            all.insert(all.end(), request.resource_spans.begin(), request.resource_spans.end());
        });
        return all;
    }

    static std::vector<encode::Span> spans_of(const std::vector<encode::ResourceSpans>& received) {
        std::vector<encode::Span> spans;
        for (const auto& resource : received) {
            for (const auto& scope : resource.scope_spans) {
                spans.insert(spans.end(), scope.spans.begin(), scope.spans.end());
            }
        }
        return spans;
    }

    std::optional<Collector> collector_;
};

struct Encoded {
    Compression compression;
    const char* name;
};
void PrintTo(const Encoded& encoded, std::ostream* out) { *out << encoded.name; }

class CollectorReceives : public CollectorTest, public ::testing::WithParamInterface<Encoded> {};

template <typename T>
void expect_attribute(const encode::Attributes& attributes, std::string_view key, const T& value) {
    const encode::AnyValue* const found = encode::find_attribute(attributes, key);
    ASSERT_NE(found, nullptr) << key;
    ASSERT_TRUE(std::holds_alternative<T>(found->value)) << key;
    EXPECT_EQ(std::get<T>(found->value), value) << key;
}

TEST_P(CollectorReceives, EveryFieldAsItWasRecorded) {
    LogLines log;
    TracerOptions options = lossless();
    options.environment = "test";
    options.resource_attributes = {
        {"service.name", "collected"}, {"a.bool", true}, {"an.integer", std::int64_t{-7}}, {"a.double", 0.5}};
    options.pipeline.compression = GetParam().compression;
    options.pipeline.max_batch_bytes = std::size_t{256} << 10U;  // many batches, several at a time
    const Tracer tracer = test::make_tracer(collector_->url(), options, log.handler());
    const auto records = record_traces_on_threads(tracer, 5, 4, 125);
    ASSERT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), records.size());
    EXPECT_GT(tracer.stats().requests, 4U);
    EXPECT_EQ(tracer.stats().retries, 0U);
    EXPECT_EQ(log.take(), std::vector<std::string>{}) << "the Collector refused the encoding";

    const auto resources = received();
    expect_recorded(spans_of(resources), records);
    for (const auto& [resource, schema_url, scopes] : resources) {
        EXPECT_EQ(resource.attributes.size(), 8U);
        expect_attribute(resource.attributes, "service.name", std::string("collected"));
        expect_attribute(resource.attributes, "deployment.environment", std::string("test"));
        expect_attribute(resource.attributes, "telemetry.sdk.name", std::string("judgeval"));
        expect_attribute(resource.attributes, "telemetry.sdk.language", std::string("cpp"));
        expect_attribute(resource.attributes, "a.bool", true);
        expect_attribute(resource.attributes, "an.integer", std::int64_t{-7});
        expect_attribute(resource.attributes, "a.double", 0.5);
        ASSERT_EQ(scopes.size(), 1U);
        EXPECT_EQ(scopes[0].scope.name, "judgeval");
        expect_attribute(resource.attributes, "telemetry.sdk.version", scopes[0].scope.version);
    }
}

INSTANTIATE_TEST_SUITE_P(Encoding, CollectorReceives,
                         ::testing::Values(Encoded{Compression::kZstd, "Zstd"},
                                           Encoded{Compression::kGzip, "Gzip"},
                                           Encoded{Compression::kNone, "Identity"}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_F(CollectorTest, LearnsWhatASpanHadToLeaveOutAndWhereItCameFrom) {
    TracerOptions options;
    options.limits = {.attribute_count = 3, .event_count = 2, .link_count = 1};
    const Tracer tracer = test::make_tracer(collector_->url(), options);
    SpanContext remote;
    remote.trace_id.bytes.fill(0xAB);
    remote.span_id.bytes.fill(0xCD);
    remote.trace_flags = 1;
    remote.is_remote = true;
    {
        Span span = tracer.start_span("limited", {}, Context(remote));
        for (int i = 0; i < 10; ++i) span.set_attribute("attribute " + std::to_string(i), i);
        for (int i = 0; i < 5; ++i) span.add_event("event", {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}});
        for (int i = 0; i < 3; ++i) span.add_link(remote, {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}, {"e", 5}});
    }
    ASSERT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), 1);

    const auto spans = spans_of(received());
    ASSERT_EQ(spans.size(), 1U);
    const encode::Span& span = spans[0];
    EXPECT_EQ(span.trace_id, bytes_of(remote.trace_id));
    EXPECT_EQ(span.parent_span_id, bytes_of(remote.span_id));
    EXPECT_EQ(span.flags, 0x301U);
    EXPECT_EQ(span.dropped_attributes_count, 7U);
    EXPECT_EQ(span.dropped_events_count, 3U);
    EXPECT_EQ(span.dropped_links_count, 2U);
    ASSERT_EQ(span.events.size(), 2U);
    for (const encode::Event& event : span.events) EXPECT_EQ(event.dropped_attributes_count, 1U);
    ASSERT_EQ(span.links.size(), 1U);
    EXPECT_EQ(span.links[0].dropped_attributes_count, 2U);
    EXPECT_EQ(span.links[0].flags, 0x301U);
}

TEST_F(CollectorTest, TakesSpansOfWhoKnowsItFromTheEnvironmentOnly) {
    test::EnvironmentGuard environment;
    environment.set("OTEL_EXPORTER_OTLP_ENDPOINT", collector_->url() + "/otel");  // /v1/traces is appended
    environment.set("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    environment.set("OTEL_SERVICE_NAME", "known from the environment");
    LogLines log;
    const Judgeval client({.project_name = "project", .log_handler = log.handler()});
    const Tracer tracer = client.tracer.create(test::each_span_once());
    tracer.span("span").end();
    ASSERT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), 1);
    EXPECT_EQ(log.take(), std::vector<std::string>{});

    const auto resources = received();
    ASSERT_EQ(spans_of(resources).size(), 1U);
    EXPECT_EQ(spans_of(resources)[0].name, "span");
    expect_attribute(resources.at(0).resource.attributes, "service.name",
                     std::string("known from the environment"));
}

TEST_F(CollectorTest, ManySpansFromEightThreadsNoneLostNoneTwice) {
    constexpr std::size_t kThreads = 8;
    constexpr std::size_t kSpans = JUDGEVAL_COLLECTOR_SPANS;
    const Tracer tracer = test::make_tracer(collector_->url(), lossless());
    std::vector<std::vector<SpanId>> started(kThreads);
    std::vector<std::thread> threads;
    for (std::size_t id = 0; id < kThreads; ++id) {
        threads.emplace_back([&tracer, &mine = started[id]] {
            mine.reserve(kSpans / kThreads);
            while (mine.size() < kSpans / kThreads) {
                const ScopedSpan root = tracer.span("root");
                mine.push_back(root.context().span_context().span_id);
                for (int i = 1; i < 10 && mine.size() < kSpans / kThreads; ++i) {
                    const ScopedSpan child = tracer.span("child");
                    child.set_attribute("number", i);
                    mine.push_back(child.context().span_context().span_id);
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), kSpans);

    std::unordered_set<std::string> missing;
    for (const auto& part : started) {
        for (const SpanId& id : part) missing.insert(bytes_of(id));
    }
    ASSERT_EQ(missing.size(), kSpans) << "two spans were given the same id";
    std::size_t strange = 0;
    collector_->stop([&](const encode::TraceRequest& request) {
        for (const auto& resource : request.resource_spans) {
            for (const auto& scope : resource.scope_spans) {
                for (const encode::Span& span : scope.spans) strange += 1 - missing.erase(span.span_id);
            }
        }
    });
    EXPECT_EQ(missing.size(), 0U) << "spans were lost";
    EXPECT_EQ(strange, 0U) << "spans came twice, or nobody started them";
}

}  // namespace
}  // namespace judgeval::end_to_end
