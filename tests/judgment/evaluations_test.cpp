// Evaluations, as a backend gets them: posted for an example, on the span for a trace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "end_to_end/peer.hpp"
#include "judgment/environment_guard.hpp"

namespace judgeval {
namespace {
struct Unwritable {};
}  // namespace
template <>
struct Serializer<Unwritable> {
    static void write(JsonWriter&, const Unwritable&) { throw std::runtime_error("no"); }
};
}  // namespace judgeval

namespace judgeval::end_to_end {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr const char* kUuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
constexpr const char* kTime = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}\\+00:00";

/// Out of an object, which then lacks it: what is different each time.
std::string take_text(json& object, const char* key) {
    const std::string text = object.value(key, "");
    object.erase(key);
    return text;
}

class Evaluations : public testing::Test {
  protected:
    [[nodiscard]] std::vector<local::PlatformRequest> received() {
        return backend_.store().platform_requests(1000, 0);
    }
    void expect_nothing(const Tracer& tracer) {
        ASSERT_TRUE(tracer.force_flush(kPatience));
        EXPECT_TRUE(received().empty());
        EXPECT_EQ(tracer.stats().platform_requests_queued, 0U);
        expect_balanced(tracer.stats());
    }

    test::EnvironmentGuard environment_;
    RunningBackend backend_;
    Judgeval client_{client_options(backend_.url())};
};

TEST_F(Evaluations, OfAnExampleArriveAsThePlatformTakesThem) {
    const Tracer tracer = client_.tracer.create();
    SpanIdentity root;
    {
        auto span = tracer.span("root");
        root = span.context().span_context();
        auto example = Example::create({{"input", "What is \"2+2\"?"},
                                        {"actual_output", std::string("4")},
                                        {"retrieval_context", std::vector<std::string>{"a", "b"}},
                                        {"input", "What is 2+2?"}});
        example.set("scores", std::map<std::string, double>{{"x", 0.5}});
        example.set("unwritable", Unwritable{});
        tracer.async_evaluate(client_.scorers.built_in.answer_relevancy({.threshold = 0.75}), example);
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    const auto requests = received();
    ASSERT_EQ(requests.size(), 1U);
    const std::string project_id = backend_.store().projects().at(0).project_id;
    EXPECT_EQ(requests[0].kind, "example_evaluation");
    EXPECT_EQ(requests[0].path, "/v1/projects/" + project_id + "/eval-queue/examples");
    EXPECT_THAT(requests[0].body, Not(HasSubstr("2+2\\\""))) << "a value that another one replaced";
    json run = json::parse(requests[0].body);
    EXPECT_THAT(take_text(run, "created_at"), MatchesRegex(kTime));
    json& example = run["examples"][0];
    EXPECT_THAT(take_text(example, "example_id"), MatchesRegex(kUuid));
    EXPECT_THAT(take_text(example, "created_at"), MatchesRegex(kTime));
    const json wanted = {{"project_id", project_id},
                         {"eval_name", "async_evaluate_" + root.span_id.to_hex()},
                         {"trace_id", root.trace_id.to_hex()},
                         {"trace_span_id", root.span_id.to_hex()},
                         {"examples",
                          {{{"name", nullptr},
                            {"input", "What is 2+2?"},
                            {"actual_output", "4"},
                            {"retrieval_context", {"a", "b"}},
                            {"scores", {{"x", 0.5}}}}}},
                         {"judgment_scorers",
                          {{{"score_type", "Answer Relevancy"},
                            {"name", "Answer Relevancy"},
                            {"threshold", 0.75},
                            {"required_params", {"input", "actual_output"}},
                            {"kwargs", json::object()},
                            {"result_type", "numeric"}}}},
                         {"custom_scorers", json::array()}};
    EXPECT_EQ(run, wanted) << json::diff(wanted, run).dump();
    EXPECT_EQ(tracer.stats().platform_requests_delivered, 1U);
    expect_balanced(tracer.stats());
}

TEST_F(Evaluations, OfATraceStandOnTheSpan) {
    const Tracer tracer = client_.tracer.create();
    TraceId trace_id;
    SpanId span_id;
    {
        auto span = tracer.span("root");
        trace_id = span.context().span_context().trace_id;
        span_id = span.context().span_context().span_id;
        tracer.async_trace_evaluate(client_.scorers.built_in.faithfulness({.strict_mode = true}));
        span.emit_partial();
        ASSERT_TRUE(tracer.force_flush(kPatience));
        EXPECT_EQ(text_of(find_span(backend_, trace_id, "root"), "judgment.pending_trace_eval"), "<no text>");
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    json run = json::parse(text_of(find_span(backend_, trace_id, "root"), "judgment.pending_trace_eval"));
    EXPECT_THAT(take_text(run, "created_at"), MatchesRegex(kTime));
    const json wanted = {
        {"project_id", backend_.store().projects().at(0).project_id},
        {"eval_name", "async_trace_evaluate_" + span_id.to_hex()},
        {"trace_and_span_ids", json::array({json::array({trace_id.to_hex(), span_id.to_hex()})})},
        {"judgment_scorers",
         {{{"score_type", "Faithfulness"},
           {"name", "Faithfulness"},
           {"threshold", 1.0},
           {"required_params", {"context", "actual_output"}},
           {"kwargs", json::object()},
           {"result_type", "numeric"}}}},
        {"custom_scorers", json::array()},
        {"is_offline", false},
        {"is_behavior", false}};
    EXPECT_EQ(run, wanted) << json::diff(wanted, run).dump();
    EXPECT_TRUE(received().empty()) << "it is not posted";
    expect_balanced(tracer.stats());
}

TEST_F(Evaluations, OfATraceWhereThereAreNoProjectsAreCountedAndSaidOnce) {
    test::LogLines log;
    const Judgeval client(client_options(backend_.url(), log.handler()));
    const Tracer tracer = client.tracer.create(test::each_span_once({.exporter = FileExporter{"/dev/null"}}));
    for (int i = 0; i < 3; ++i) {
        auto span = tracer.span("root");
        tracer.async_trace_evaluate(client.scorers.built_in.faithfulness());
    }
    EXPECT_EQ(tracer.stats().platform_requests_dropped, 3U);
    EXPECT_THAT(log.take(), ElementsAre(HasSubstr("async_trace_evaluate() is ignored")));
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_balanced(tracer.stats());
}

TEST_F(Evaluations, OfATraceThatDoNotFitTheLimitOfAValueAreCounted) {
    const Tracer tracer = client_.tracer.create({.limits = {.attribute_value_bytes = 300}});
    TraceId trace_id;
    {
        auto span = tracer.span("root");
        trace_id = span.context().span_context().trace_id;
        tracer.async_trace_evaluate(client_.scorers.built_in.faithfulness());
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_EQ(text_of(find_span(backend_, trace_id, "root"), "judgment.pending_trace_eval"), "<no text>");
    EXPECT_EQ(tracer.stats().platform_requests_dropped, 1U);
    expect_balanced(tracer.stats());
}

TEST_F(Evaluations, AreOffWhenTheEnvironmentOrAnOptionSaysSo) {
    const auto evaluate = [this](const Tracer& tracer) {
        auto span = tracer.span("root");
        tracer.async_evaluate(client_.scorers.built_in.faithfulness(), Example::create({{"input", "x"}}));
        tracer.async_trace_evaluate(client_.scorers.built_in.faithfulness());
    };
    {
        TracerOptions options;
        options.enable_evaluation = false;
        const Tracer tracer = client_.tracer.create(options);
        evaluate(tracer);
        expect_nothing(tracer);
    }
    for (const char* const variable : {"JUDGMENT_EVALUATIONS", "JUDGMENT_ENABLE_EVALUATIONS"}) {
        environment_.set(variable, "false");
        const Tracer tracer = client_.tracer.create();
        evaluate(tracer);
        expect_nothing(tracer);
        environment_.unset(variable);
    }
}

TEST_F(Evaluations, WithoutASampledSpanAreNothing) {
    const Tracer tracer = client_.tracer.create();
    tracer.async_evaluate(client_.scorers.built_in.faithfulness(), Example());
    tracer.async_trace_evaluate(client_.scorers.built_in.faithfulness());
    expect_nothing(tracer);
    TracerOptions unsampled;
    unsampled.sampler = Sampler::always_off();
    const Tracer off = client_.tracer.create(unsampled);
    {
        auto span = off.span("span");
        off.async_evaluate(client_.scorers.built_in.faithfulness(), Example());
        off.async_trace_evaluate(client_.scorers.built_in.faithfulness());
    }
    expect_nothing(off);
}

TEST(Scorer, HasTheThresholdThatItsOptionsSay) {
    const BuiltInScorers built_in;
    EXPECT_EQ(built_in.faithfulness().threshold, 0.5);
    EXPECT_EQ(built_in.faithfulness({.threshold = 0.9}).threshold, 0.9);
    EXPECT_EQ(built_in.faithfulness({.threshold = 0.9, .strict_mode = true}).threshold, 1.0);
    EXPECT_EQ(built_in.faithfulness({.threshold = 7}).threshold, 1.0);
    EXPECT_EQ(built_in.faithfulness({.threshold = -7}).threshold, 0.0);
    EXPECT_EQ(built_in.faithfulness({.threshold = std::numeric_limits<double>::quiet_NaN()}).threshold, 0.5);
    EXPECT_EQ(built_in.answer_correctness({.name = "mine"}).name, "mine");
    EXPECT_EQ(built_in.answer_correctness().score_type, "Answer Correctness");
}

}  // namespace
}  // namespace judgeval::end_to_end
