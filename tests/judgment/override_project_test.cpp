// override_project, as a backend gets it: whole traces in another project, whether or not its id was known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <map>
#include <string>
#include <thread>

#include "end_to_end/peer.hpp"

namespace judgeval::end_to_end {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kOverride = "judgment.project_id_override";

class OverrideProject : public testing::Test {
  protected:
    /// The id by which the backend knows the project, empty when it was never asked for it.
    std::string id_of(const std::string& name) {
        for (const auto& project : backend_.store().projects()) {
            if (project.name == name) return project.project_id;
        }
        return {};
    }
    std::string override_of(const TraceId& trace_id, const std::string& span) {
        return text_of(find_span(backend_, trace_id, span), kOverride);
    }
    static TraceId trace_of(const ScopedSpan& span) { return span.context().span_context().trace_id; }

    test::LogLines log_;
    RunningBackend backend_;
    Judgeval client_{client_options(backend_.url(), log_.handler())};
    std::string not_set_ = "<no text>";
};

TEST_F(OverrideProject, MovesATraceWithAllItsSpans) {
    const Tracer tracer = client_.tracer.create(test::each_span_once({}));
    TraceId trace_id;
    TraceId other;
    {
        auto root = tracer.span("root");
        trace_id = trace_of(root);
        { auto before = tracer.span("before"); }
        tracer.override_project("elsewhere");
        auto child = tracer.span("child");
        {
            auto grandchild = tracer.span("grandchild");
            grandchild.set_attribute("large", std::string(100'000, 'x'));  // more than a chunk
        }
        std::thread([work = tracer.bind([&tracer] { auto span = tracer.span("on a thread"); })]() mutable {
            work();
        }).join();
    }
    {
        auto root = tracer.span("root");
        other = trace_of(root);
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    const std::string elsewhere = id_of("elsewhere");
    ASSERT_FALSE(elsewhere.empty());
    for (const char* const name : {"root", "child", "grandchild", "on a thread"}) {
        EXPECT_EQ(override_of(trace_id, name), elsewhere) << name;
    }
    EXPECT_EQ(text_of(find_span(backend_, trace_id, "grandchild"), "large").size(), 100'000U);
    EXPECT_EQ(override_of(trace_id, "before"), not_set_) << "it had ended";
    EXPECT_EQ(override_of(other, "root"), not_set_);
    expect_all_delivered(tracer.stats(), 6);
    EXPECT_THAT(log_.take(), ElementsAre());
}

TEST_F(OverrideProject, IsTheSameOnceTheIdIsKnown) {
    const Tracer tracer = client_.tracer.create(test::each_span_once({}));
    std::vector<TraceId> traces;
    for (int i = 0; i < 3; ++i) {
        {
            auto root = tracer.span("root");
            traces.push_back(trace_of(root));
            tracer.override_project("first");
            tracer.override_project("elsewhere");  // the last one counts
            auto child = tracer.span("child");
        }
        ASSERT_TRUE(tracer.force_flush(kPatience));
    }
    for (const TraceId& trace_id : traces) {
        EXPECT_EQ(override_of(trace_id, "root"), id_of("elsewhere"));
        EXPECT_EQ(override_of(trace_id, "child"), id_of("elsewhere"));
    }
    expect_all_delivered(tracer.stats(), 6);
}

TEST_F(OverrideProject, IsForRootsOnly) {
    const Tracer tracer = client_.tracer.create(test::each_span_once({}));
    TraceId trace_id;
    TraceId continued;
    {
        auto root = tracer.span("root");
        trace_id = trace_of(root);
        auto child = tracer.span("child");
        tracer.override_project("elsewhere");
        tracer.override_project("elsewhere");
        auto grandchild = tracer.span("grandchild");
    }
    EXPECT_THAT(log_.take(), ElementsAre(HasSubstr("not the root")));
    {
        const auto scope = continue_trace(std::map<std::string, std::string>{
            {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}});
        auto span = tracer.span("called from elsewhere");
        continued = trace_of(span);
        tracer.override_project("elsewhere");
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    for (const char* const name : {"root", "child", "grandchild"}) {
        EXPECT_EQ(override_of(trace_id, name), not_set_) << name;
    }
    EXPECT_EQ(override_of(continued, "called from elsewhere"), not_set_);
    EXPECT_EQ(id_of("elsewhere"), "") << "it was not even asked for";
}

TEST_F(OverrideProject, BelowARootHasToBeAllowed) {
    const Tracer tracer = client_.tracer.create(test::each_span_once({}));
    TraceId trace_id;
    {
        auto root = tracer.span("root");
        trace_id = trace_of(root);
        auto child = tracer.span("child");
        tracer.override_project("elsewhere", {.dangerously_allow_non_root = true});
        auto grandchild = tracer.span("grandchild");
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_EQ(override_of(trace_id, "root"), not_set_);
    EXPECT_EQ(override_of(trace_id, "child"), id_of("elsewhere"));
    EXPECT_EQ(override_of(trace_id, "grandchild"), id_of("elsewhere"));
    EXPECT_THAT(log_.take(), ElementsAre());
}

TEST_F(OverrideProject, ReachesWhatStartsBelowAScopeOfTheRoot) {
    const Tracer tracer = client_.tracer.create(test::each_span_once({}));
    TraceId trace_id;
    {
        auto root = tracer.span("root");
        trace_id = trace_of(root);
        const auto scope = tracer.scoped_context({.session_id = "session"});
        tracer.override_project("elsewhere");
        auto child = tracer.span("child");
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_EQ(override_of(trace_id, "root"), id_of("elsewhere"));
    EXPECT_EQ(override_of(trace_id, "child"), id_of("elsewhere"));
    EXPECT_EQ(text_of(find_span(backend_, trace_id, "child"), "judgment.session_id"), "session");
}

TEST_F(OverrideProject, TakesTagsAndEvaluationsAlong) {
    const Tracer tracer = client_.tracer.create(test::each_span_once({}));
    for (int i = 0; i < 2; ++i) {  // its id is not known, and is
        auto root = tracer.span("root");
        tracer.override_project("elsewhere");
        tracer.tag("tag");
        tracer.async_evaluate(client_.scorers.built_in.faithfulness(), Example::create({{"input", "x"}}));
        root.end();
        ASSERT_TRUE(tracer.force_flush(kPatience));
    }
    const auto requests = backend_.store().platform_requests(100, 0);
    EXPECT_EQ(requests.size(), 4U);
    for (const auto& request : requests) EXPECT_EQ(request.project_id, id_of("elsewhere")) << request.kind;
}

TEST_F(OverrideProject, WithAnEmptyNameIsTakenBack) {
    const Tracer tracer = client_.tracer.create(test::each_span_once({}));
    TraceId trace_id;
    {
        auto root = tracer.span("root");
        trace_id = trace_of(root);
        tracer.override_project("elsewhere");
        tracer.override_project("");
        auto child = tracer.span("child");
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_EQ(override_of(trace_id, "root"), not_set_);
    EXPECT_EQ(override_of(trace_id, "child"), not_set_);
}

TEST_F(OverrideProject, OutsideOfASpanIsIgnored) {
    const Tracer tracer = client_.tracer.create(test::each_span_once({}));
    tracer.override_project("elsewhere");
    EXPECT_THAT(log_.take(), ElementsAre(HasSubstr("outside of a span")));
    Tracer().override_project("elsewhere");
}

TEST_F(OverrideProject, WorksWhateverTheBodiesAre) {
    for (const Encoding encoding : {Encoding::kOtlp, Encoding::kFlatBuffers}) {
        for (const std::uint32_t threads : {1U, 2U}) {
            TracerOptions options;
            options.pipeline.encoding = encoding;
            options.pipeline.compressor_threads = threads;
            options.pipeline.max_batch_bytes = 4096;
            const std::string name = "elsewhere " + std::to_string(threads) +
                                     (encoding == Encoding::kOtlp ? " protobuf" : " flatbuffers");
            const Tracer tracer = client_.tracer.create(test::each_span_once(options));
            std::vector<TraceId> traces;
            for (int i = 0; i < 100; ++i) {
                auto root = tracer.span("root");
                traces.push_back(trace_of(root));
                if (i % 2 == 0) tracer.override_project(name);
                root.set_attribute("i", i);
            }
            ASSERT_TRUE(tracer.force_flush(kPatience));
            for (std::size_t i = 0; i < traces.size(); ++i) {
                EXPECT_EQ(override_of(traces[i], "root"), i % 2 == 0 ? id_of(name) : not_set_);
            }
            expect_all_delivered(tracer.stats(), 100);
        }
    }
}

}  // namespace
}  // namespace judgeval::end_to_end
