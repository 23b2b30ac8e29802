// What becomes of traces that are routed to a project which the platform does not know, or does not name at
// once: they wait, or go to the default project, and none is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <map>
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
using testing::Pair;
using testing::UnorderedElementsAre;

void trace(const Tracer& tracer, const std::string& name, const std::string& project) {
    auto root = tracer.span(name);
    if (!project.empty()) tracer.override_project(project);
}

/// The spans that arrived by name, each with where it was routed.
std::multimap<std::string, std::string> received(const FaultyBackend& backend) {
    std::multimap<std::string, std::string> routed;
    for (const auto& span : backend.kept_spans()) {
        std::string project = "default";
        for (const auto& attribute : span.attributes) {
            if (attribute.key != "judgment.project_id_override") continue;
            const auto* const text = std::get_if<std::string>(&attribute.value.value);
            project = text != nullptr ? *text : "no text";
        }
        routed.emplace(span.name, project);
    }
    return routed;
}

void expect_delivered(const Tracer& tracer, std::uint64_t spans) {
    const Stats stats = tracer.stats();
    test::expect_balanced(stats);
    EXPECT_EQ(stats.exported, spans);
    EXPECT_EQ(stats.dropped_total(), 0U);
}

TEST(OverriddenProject, ThatIsNotNamedAtOnceIsWaitedFor) {
    FaultyBackend backend({.project_scripts = {{"elsewhere",
                                                {{.status = 503, .headers = {{"Retry-After", "0"}}},
                                                 {.how = How::kResets},
                                                 {.status = 500, .headers = {{"Retry-After", "0"}}}}}},
                           .keeps_spans = true});
    test::LogLines log;
    const Tracer tracer = test::make_tracer(backend.url(), {}, log.handler());
    trace(tracer, "before", "");
    trace(tracer, "routed", "elsewhere");
    trace(tracer, "after", "");
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_THAT(received(backend), UnorderedElementsAre(Pair("before", "default"), Pair("after", "default"),
                                                        Pair("routed", "id of elsewhere")));
    EXPECT_THAT(log.take(), ElementsAre());
    expect_delivered(tracer, 3);
}

TEST(OverriddenProject, ThatIsRefusedIsLoggedOnceAndItsTracesGoToTheDefaultProject) {
    const Fault refusal{.status = 404, .body = "no such project"};
    FaultyBackend backend(
        {.project_scripts = {{"nowhere", std::vector<Fault>(9, refusal)}}, .keeps_spans = true});
    test::LogLines log;
    const Tracer tracer = test::make_tracer(backend.url(), {}, log.handler());
    for (int i = 0; i < 3; ++i) {
        trace(tracer, "routed", "nowhere");
        ASSERT_TRUE(tracer.force_flush(kPatience));
    }
    EXPECT_THAT(received(backend),
                ElementsAre(Pair("routed", "default"), Pair("routed", "default"), Pair("routed", "default")));
    EXPECT_THAT(log.take(), ElementsAre(AllOf(HasSubstr("\"nowhere\""), HasSubstr("404 (no such project)"),
                                              HasSubstr("default project"))));
    expect_delivered(tracer, 3);
}

TEST(OverriddenProject, WithAnAnswerThatIsOfNoUseIsLikeARefusal) {
    const std::string long_id(200, 'x');
    for (const std::string& answer : {std::string("{}"), R"({"project_id": ")" + long_id + R"("})"}) {
        FaultyBackend backend({.project_scripts = {{"elsewhere", {{.body = answer}}}}, .keeps_spans = true});
        test::LogLines log;
        const Tracer tracer = test::make_tracer(backend.url(), {}, log.handler());
        trace(tracer, "routed", "elsewhere");
        ASSERT_TRUE(tracer.force_flush(kPatience));
        EXPECT_THAT(received(backend), ElementsAre(Pair("routed", "default")));
        EXPECT_THAT(log.take(), ElementsAre(HasSubstr("elsewhere")));
    }
}

TEST(OverriddenProject, ThatIsNeverNamedKeepsShutdownNoLongerThanItsTime) {
    FaultyBackend backend({.project_scripts = {{"elsewhere", {{.how = How::kHangs}}}}, .keeps_spans = true});
    const Tracer tracer = test::make_tracer(backend.url());
    trace(tracer, "routed", "elsewhere");
    EXPECT_FALSE(tracer.force_flush(200ms));
    EXPECT_FALSE(tracer.shutdown(200ms));
    const Stats stats = tracer.stats();
    test::expect_balanced(stats);
    EXPECT_EQ(stats.dropped_by(DropReason::kShutdown), 1U);
    EXPECT_TRUE(received(backend).empty());
}

TEST(OverriddenProject, ThatIsNeverNamedIsGivenUpInTime) {
    FaultyBackend backend({.project_scripts = {{"elsewhere", {{.how = How::kHangs}}}}, .keeps_spans = true});
    test::LogLines log;
    TracerOptions options;
    options.pipeline.request_timeout = 1500ms;
    const Tracer tracer = test::make_tracer(backend.url(), options, log.handler());
    trace(tracer, "routed", "elsewhere");
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_THAT(received(backend), ElementsAre(Pair("routed", "default")));
    EXPECT_THAT(log.take(), ElementsAre(HasSubstr("elsewhere")));
    expect_delivered(tracer, 1);
}

}  // namespace
}  // namespace judgeval::faults
