// Tags, as a backend gets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <judgeval/judgeval.hpp>
#include <nlohmann/json.hpp>

#include "end_to_end/peer.hpp"

namespace judgeval::end_to_end {
namespace {

using nlohmann::json;

std::vector<local::PlatformRequest> received(local::LocalBackend& backend) {
    return backend.store().platform_requests(1000, 0);
}

void expect_platform_requests(const Tracer& tracer, std::uint64_t queued, std::uint64_t delivered) {
    const Stats stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.platform_requests_queued, queued);
    EXPECT_EQ(stats.platform_requests_delivered, delivered);
    EXPECT_EQ(stats.platform_requests_dropped, queued - delivered);
}

TEST(Tags, ReachTheTraceOfTheCurrentSpan) {
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    std::string trace_id;
    {
        auto root = tracer.span("root");
        trace_id = root.context().span_context().trace_id.to_hex();
        tracer.tag("one");
        auto child = tracer.span("child");
        tracer.tag({"two", "three \"quoted\" \xE2\x82\xAC"});
        tracer.tag("bad\xFF");
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    const auto requests = received(backend);
    ASSERT_EQ(requests.size(), 3U);
    const std::string project_id = backend.store().projects().at(0).project_id;
    std::vector<json> tags;
    for (const auto& request : requests) {
        EXPECT_EQ(request.kind, "tags");
        EXPECT_EQ(request.path, "/v1/projects/" + project_id + "/traces/" + trace_id + "/tags");
        tags.push_back(json::parse(request.body));
    }
    // two are under way at a time, so that their order is open
    EXPECT_THAT(tags, testing::UnorderedElementsAre(json{{"tags", {"one"}}},
                                                    json{{"tags", {"two", "three \"quoted\" \xE2\x82\xAC"}}},
                                                    json{{"tags", {"bad\xEF\xBF\xBD"}}}));
    expect_platform_requests(tracer, 3, 3);
}

TEST(Tags, AreForTheContextThatIsCurrentWhereverItsSpansAre) {
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    const auto span = tracer.start_span("elsewhere");
    {
        const ContextScope scope(span.context());
        tracer.tag("here");
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    const auto requests = received(backend);
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_THAT(requests[0].path, testing::HasSubstr(span.context().span_context().trace_id.to_hex()));
}

TEST(Tags, WithoutASampledSpanAreNothing) {
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    tracer.tag("no span");
    {
        auto span = tracer.span("span");
        tracer.tag(std::initializer_list<std::string_view>{});
    }
    TracerOptions unsampled;
    unsampled.sampler = Sampler::always_off();
    const Tracer off = make_tracer(backend.url(), unsampled);
    {
        auto span = off.span("span");
        off.tag("unsampled");
    }
    Tracer().tag("no tracer");
    ASSERT_TRUE(tracer.force_flush(kPatience));
    ASSERT_TRUE(off.force_flush(kPatience));
    EXPECT_TRUE(received(backend).empty());
    expect_platform_requests(tracer, 0, 0);
    expect_platform_requests(off, 0, 0);
}

TEST(Tags, AreDroppedWhereSpansGoIntoAFile) {
    const auto path =
        std::filesystem::temp_directory_path() / ("judgeval_tags_" + std::to_string(::getpid()));
    const Tracer tracer = make_tracer("http://127.0.0.1:9", {.exporter = FileExporter{path.string()}});
    {
        auto span = tracer.span("span");
        tracer.tag("tag");
    }
    ASSERT_TRUE(tracer.shutdown(kPatience));
    expect_platform_requests(tracer, 1, 0);
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace judgeval::end_to_end
