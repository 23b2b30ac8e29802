// The tracer as a value: switches, samplers, limits of what may be set up, and its end; against the local
// backend where spans have to arrive.
#include "judgeval/tracer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"
#include "judgeval/judgeval.hpp"
#include "local/backend.hpp"
#include "record/random.hpp"
#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;

std::size_t count_entries(const char* directory) {
    const std::filesystem::directory_iterator entries(directory);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

/// A client of a backend in this process.
class TracerTest : public testing::Test {
  protected:
    void SetUp() override { backend_.start(); }

    ClientOptions client_options() { return test::client_options(backend_.url(), log_.handler()); }

    local::LocalBackend backend_{{}};
    LogLines log_;
};

TEST_F(TracerTest, DeliversAndCounts) {
    const Judgeval client(client_options());
    const auto tracer = client.tracer.create({.resource_attributes = {{"service.name", "agent"}}});
    {
        auto outer = tracer.span("outer");
        auto inner = tracer.span("inner");
    }
    ASSERT_TRUE(tracer.force_flush(30s));
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.started, 2U);
    EXPECT_EQ(stats.exported, 2U);
    EXPECT_EQ(stats.in_flight, 0U);
    EXPECT_EQ(backend_.counts().spans, 2U);
    EXPECT_EQ(backend_.counts().traces, 1U);
    EXPECT_THAT(log_.take(), testing::IsEmpty());
}

TEST_F(TracerTest, ItsLastHandleSendsWhatIsLeft) {
    {
        const Judgeval client(client_options());
        const auto tracer = client.tracer.create();
        const Tracer copy = tracer;
        auto span = copy.span("left");
    }
    EXPECT_EQ(backend_.counts().spans, 1U);
}

TEST_F(TracerTest, AnObservedCallableKeepsItsTracer) {
    const Judgeval client(client_options());
    {
        auto f = client.tracer.create().observe([](int number) { return number; });
        EXPECT_EQ(f(1), 1);
    }
    EXPECT_EQ(backend_.counts().spans, 1U);
}

TEST_F(TracerTest, TwoSideBySideHaveTheirOwnProjects) {
    auto options = client_options();
    const Judgeval one(options);
    options.project_name = "another";
    const Judgeval other(options);
    const auto first = one.tracer.create();
    const auto second = other.tracer.create();
    { auto span = first.span("mine"); }
    for (int i = 0; i < 3; ++i) auto span = second.span("theirs");
    ASSERT_TRUE(first.force_flush(30s));
    ASSERT_TRUE(second.force_flush(30s));
    EXPECT_EQ(first.stats().exported, 1U);
    EXPECT_EQ(second.stats().exported, 3U);
    std::map<std::string, std::uint64_t> traces;
    for (const auto& project : backend_.store().projects()) traces[project.name] = project.traces;
    EXPECT_EQ(traces, (std::map<std::string, std::uint64_t>{{"project", 1}, {"another", 3}}));
}

TEST_F(TracerTest, MonitoringMayBeSwitchedWhileItRuns) {
    const Judgeval client(client_options());
    const auto tracer = client.tracer.create();
    {
        auto open = tracer.span("open while switched off");
        tracer.set_monitoring(false);
        auto skipped = tracer.span("skipped");
        EXPECT_FALSE(skipped.is_recording());
        EXPECT_TRUE(open.is_recording());
        open.set_attribute("key", 1);
    }
    tracer.set_monitoring(true);
    { auto span = tracer.span("on again"); }
    ASSERT_TRUE(tracer.force_flush(30s));
    EXPECT_EQ(tracer.stats().started, 2U);
    EXPECT_EQ(backend_.counts().spans, 2U);
}

// Without a backend in this process: its threads would come and go while these are counted.
TEST(TracerWithoutMonitoring, HasNoThreadAndNoDescriptorBehindIt) {
    const std::size_t threads = count_entries("/proc/self/task");
    const std::size_t descriptors = count_entries("/proc/self/fd");
    const Judgeval client(client_options("http://127.0.0.1:1"));
    const auto tracer = client.tracer.create({.enable_monitoring = false});
    tracer.set_monitoring(true);  // stated to have no effect
    { auto span = tracer.span("nothing"); }
    EXPECT_EQ(count_entries("/proc/self/task"), threads);
    EXPECT_EQ(count_entries("/proc/self/fd"), descriptors);
    EXPECT_TRUE(tracer.force_flush());
    EXPECT_TRUE(tracer.shutdown());
    EXPECT_EQ(tracer.stats().started, 0U);
    EXPECT_EQ(tracer.stats().memory_used, 0U);
}

TEST_F(TracerTest, ShutdownDeliversAndThenRecordsNothing) {
    const Judgeval client(client_options());
    const auto tracer = client.tracer.create();
    auto open = tracer.start_span("open");
    { auto span = tracer.span("done"); }
    EXPECT_TRUE(tracer.shutdown(30s));
    EXPECT_TRUE(tracer.shutdown(30s));
    EXPECT_TRUE(tracer.force_flush(30s));
    EXPECT_EQ(backend_.counts().spans, 1U);
    { auto span = tracer.span("after"); }
    tracer.set_monitoring(true);
    { auto span = tracer.span("still after"); }
    expect_balanced(tracer.stats());
    EXPECT_EQ(tracer.stats().open, 1U);
    open.end();
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.started, 2U);
    EXPECT_EQ(stats.exported, 1U);
    EXPECT_EQ(stats.dropped_by(DropReason::kShutdown), 1U);
    expect_balanced(stats);
}

TEST_F(TracerTest, ASpanMayOutliveItsTracer) {
    auto options = client_options();
    std::optional<Span> orphan;
    {
        const Judgeval client(options);
        const auto tracer = client.tracer.create();
        orphan.emplace(tracer.start_span("orphan"));
    }
    orphan->set_attribute("key", std::string(10'000, 'x'));
    orphan->end();
    const Judgeval client(options);
    const auto next = client.tracer.create();  // takes the memory of the first one back
    { auto span = next.span("next"); }
    ASSERT_TRUE(next.force_flush(30s));
    EXPECT_EQ(backend_.counts().spans, 1U);
}

TEST_F(TracerTest, UnreachableBackendCountsWhatIsLost) {
    auto options = client_options();
    backend_.stop();
    const Judgeval client(options);
    const auto tracer = client.tracer.create();
    for (int i = 0; i < 10; ++i) auto span = tracer.span("lost");
    EXPECT_FALSE(tracer.shutdown(50ms));
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.started, 10U);
    EXPECT_EQ(stats.dropped_by(DropReason::kShutdown), 10U);
    EXPECT_EQ(stats.in_flight, 0U);
    expect_balanced(stats);
    const auto said = log_.take();
    EXPECT_THAT(said, testing::Each(testing::Not(testing::HasSubstr("key"))));
    EXPECT_THAT(said, testing::ElementsAre(testing::HasSubstr("cannot find the project"),
                                           testing::HasSubstr("10 of 10 spans were lost: 10 shutdown")));
}

TEST_F(TracerTest, RefusesOptionsThatMakeNoSense) {
    const Judgeval client(client_options());
    const auto refuses = [&client](auto change) {
        TracerOptions options;
        change(options);
        try {
            static_cast<void>(client.tracer.create(options));
            return false;
        } catch (const SetupError& error) {
            EXPECT_EQ(error.code(), SetupErrorCode::kInvalidOption);
            EXPECT_STRNE(error.what(), "");
            return true;
        }
    };
    EXPECT_FALSE(refuses([](TracerOptions&) {}));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.sampler = Sampler::trace_id_ratio(1.5); }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.sampler = Sampler::trace_id_ratio(-0.1); }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.sampler = Sampler::trace_id_ratio(std::nan("")); }));
    for (const double rate : {0.0, -1.0, 2e9, std::nan("")}) {
        EXPECT_TRUE(refuses([rate](TracerOptions& o) { o.sampler = Sampler::rate_limiting(rate); }));
    }
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.sampler = Sampler::function({}); }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.pipeline.memory_budget_bytes = 1000; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.pipeline.max_batch_bytes = 0; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.pipeline.export_interval = 0ms; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.pipeline.max_requests_in_flight = 0; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.pipeline.compressor_threads = 0; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.pipeline.compression_level = 99; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) {
        o.pipeline.compression = Compression::kGzip;
        o.pipeline.compression_level = 0;
    }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.pipeline.request_timeout = 0ms; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.pipeline.max_block = -1ms; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.limits.span_bytes = 10; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.limits.event_count = 65'536; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.limits.link_count = 65'536; }));
    EXPECT_TRUE(refuses([](TracerOptions& o) { o.limits.attribute_value_bytes = 16; }));
    // more than a length in a record can say
    EXPECT_TRUE(refuses([](TracerOptions& o) {
        o.pipeline.memory_budget_bytes = std::size_t{8} << 30U;
        o.limits.span_bytes = std::size_t{512} << 20U;
    }));
}

TEST(DefaultTracer, DoesNothingWithoutHarm) {
    const Tracer tracer;
    auto span = tracer.span("nothing");
    span.set_attribute("key", 1);
    tracer.set_attribute("key", 1);
    auto job = tracer.start_span("nothing");
    EXPECT_FALSE(span.is_recording());
    EXPECT_FALSE(job.context().is_valid());
    EXPECT_FALSE(tracer.current_context().is_valid());
    EXPECT_TRUE(tracer.force_flush());
    EXPECT_TRUE(tracer.shutdown());
    tracer.set_monitoring(true);
    EXPECT_FALSE(tracer.start_span("still nothing").is_recording());
    EXPECT_EQ(tracer.stats().started, 0U);
}

void some_work(const Tracer& tracer) {
    JUDGEVAL_OBSERVE(tracer, "tool");
    tracer.set_attribute("inside", true);
    { JUDGEVAL_OBSERVE(tracer, "agent"); }
}

TEST(ObserveMacro, NamesTheSpanAfterTheFunction) {
    Recorder recorder;
    some_work(recorder.tracer);
    const auto spans = recorder.take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[1].name, "some_work");
    EXPECT_EQ(text_of(spans[1].attributes, "judgment.span_kind"), "tool");
    EXPECT_EQ(value_of<bool>(spans[1].attributes, "inside"), true);
    EXPECT_EQ(spans[0].name, "some_work");
    EXPECT_EQ(spans[0].parent_span_id, spans[1].span_id);
}

}  // namespace
}  // namespace judgeval::test
