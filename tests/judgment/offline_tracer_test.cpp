// The offline tracer: its own endpoint, and an example for each root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <judgeval/judgeval.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "end_to_end/peer.hpp"
#include "judgment/environment_guard.hpp"

namespace judgeval::end_to_end {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

std::string trace_id_of(const ScopedSpan& span) { return span.context().span_context().trace_id.to_hex(); }

/// The paths of the trace requests that a backend wrote down.
std::set<std::string> captured_paths(const std::filesystem::path& directory) {
    std::set<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() != ".json") continue;
        std::ifstream file(entry.path());
        paths.insert(json::parse(file).value("path", ""));
    }
    return paths;
}

TEST(OfflineTracer, SendsToItsOwnEndpoint) {
    const test::EnvironmentGuard environment;
    const auto directory =
        std::filesystem::temp_directory_path() / ("judgeval_offline_" + std::to_string(::getpid()));
    std::filesystem::create_directory(directory);
    local::LocalBackendOptions options;
    options.capture_directory = directory;
    RunningBackend backend(options);
    const Judgeval client(client_options(backend.url()));
    const OfflineTracer offline = client.tracer.create_offline();
    TraceId trace_id;
    {
        auto root = offline.span("root");
        trace_id = root.context().span_context().trace_id;
        offline.span("child").end();
    }
    ASSERT_TRUE(offline.shutdown(kPatience));
    expect_all_delivered(offline.stats(), 2);
    EXPECT_THAT(captured_paths(directory),
                testing::UnorderedElementsAre("/v1/projects/resolve/", "/otel/v1/offline-traces"));
    const json resource = json::parse(find_span(backend, trace_id, "child").resource);
    EXPECT_EQ(resource["attributes"]["judgment.offline"], "true") << resource.dump();
    std::filesystem::remove_all(directory);
}

TEST(OfflineTracer, MakesAnExampleOfEachRoot) {
    const test::EnvironmentGuard environment;
    RunningBackend backend;
    const Judgeval client(client_options(backend.url()));
    std::string golden = "4";
    const OfflineTracer offline =
        client.tracer.create_offline({{"input", "2+2"}, {"golden", golden}, {"offline_trace_id", "mine"}});
    golden = "changed after";
    std::vector<std::string> trace_ids;
    std::set<std::string> example_ids;
    for (int i = 0; i < 2; ++i) {
        auto root = offline.span("root");
        trace_ids.push_back(trace_id_of(root));
        offline.span("child").end();
        root.emit_partial();
        EXPECT_EQ(offline.take_examples().size(), 0U) << "before the root's end";
        root.end();
        const auto examples = offline.take_examples();
        ASSERT_EQ(examples.size(), 1U);
        json example = json::parse(examples[0].to_json());
        EXPECT_EQ(example["example_id"], examples[0].example_id());
        EXPECT_EQ(example["created_at"], examples[0].created_at());
        EXPECT_TRUE(example_ids.insert(examples[0].example_id()).second) << "the one before has it";
        example.erase("example_id");
        example.erase("created_at");
        EXPECT_EQ(example, (json{{"name", nullptr},
                                 {"input", "2+2"},
                                 {"golden", "4"},
                                 {"offline_trace_id", trace_ids.back()}}));
        EXPECT_EQ(examples[0].field("offline_trace_id"), '"' + trace_ids.back() + '"');
        EXPECT_EQ(examples[0].field("no such"), "");
    }
    EXPECT_NE(trace_ids[0], trace_ids[1]);
    EXPECT_TRUE(offline.take_examples().empty());
    ASSERT_TRUE(offline.shutdown(kPatience));
    { auto late = offline.span("after the end"); }
    EXPECT_TRUE(offline.take_examples().empty());
    expect_balanced(offline.stats());
}

TEST(OfflineTracer, MakesNoneOfTracesFromElsewhereOrNotSampled) {
    const test::EnvironmentGuard environment;
    RunningBackend backend;
    const Judgeval client(client_options(backend.url()));
    const OfflineTracer offline = client.tracer.create_offline();
    {
        const auto remote = continue_trace(std::map<std::string, std::string>{
            {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}});
        offline.span("local root").end();
    }
    TracerOptions unsampled;
    unsampled.sampler = Sampler::always_off();
    const OfflineTracer off = client.tracer.create_offline({}, unsampled);
    off.span("not sampled").end();
    EXPECT_TRUE(offline.take_examples().empty());
    EXPECT_TRUE(off.take_examples().empty());
}

TEST(OfflineTracer, TakesRootsOfManyThreads) {
    const test::EnvironmentGuard environment;
    RunningBackend backend;
    const Judgeval client(client_options(backend.url()));
    const OfflineTracer offline = client.tracer.create_offline();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&offline] {
            for (int k = 0; k < 50; ++k) offline.start_span("root").end();
        });
    }
    std::set<std::string> ids;
    const auto take = [&] {
        for (const auto& example : offline.take_examples()) {
            ids.insert(std::string(example.field("offline_trace_id")));
        }
    };
    take();
    for (auto& thread : threads) thread.join();
    take();
    EXPECT_EQ(ids.size(), 200U);
    ASSERT_TRUE(offline.shutdown(kPatience));
    expect_all_delivered(offline.stats(), 200);
}

TEST(OfflineTracer, WithoutCredentialsIsOffAndSaysSo) {
    test::EnvironmentGuard environment;
    environment.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    test::LogLines log;
    const Judgeval client({.project_name = "project", .log_handler = log.handler()});
    const OfflineTracer offline = client.tracer.create_offline();
    offline.span("root").end();
    EXPECT_TRUE(offline.take_examples().empty());
    EXPECT_EQ(offline.stats().started, 0U);
    EXPECT_THAT(log.take(), ElementsAre(HasSubstr("nothing is traced offline")));
}

TEST(OfflineTracer, BesideAnotherTracerLeavesThatAlone) {
    const test::EnvironmentGuard environment;
    RunningBackend backend;
    const Judgeval client(client_options(backend.url()));
    const OfflineTracer offline = client.tracer.create_offline();
    const Tracer live = client.tracer.create();
    TraceId trace_id;
    {
        auto root = live.span("live");
        trace_id = root.context().span_context().trace_id;
    }
    EXPECT_TRUE(offline.take_examples().empty());
    ASSERT_TRUE(live.shutdown(kPatience));
    const json resource = json::parse(find_span(backend, trace_id, "live").resource);
    EXPECT_FALSE(resource["attributes"].contains("judgment.offline")) << resource.dump();
    EXPECT_TRUE(OfflineTracer().take_examples().empty());
}

}  // namespace
}  // namespace judgeval::end_to_end
