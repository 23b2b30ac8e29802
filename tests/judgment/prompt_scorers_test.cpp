// Prompt scorers: fetched by name, kept by the client, and sent along with what they judge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <nlohmann/json.hpp>

#include "end_to_end/peer.hpp"
#include "judgment/environment_guard.hpp"

namespace judgeval::end_to_end {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class PromptScorer : public testing::Test {
  protected:
    [[nodiscard]] static local::LocalBackendOptions with_scorers() {
        local::LocalBackendOptions options;
        options.prompt_scorers = {
            {"plain", R"({"prompt": "Is it right?", "threshold": 0.7, "model": "", "options": null})"},
            {"tone & style/100%",
             R"({"prompt": "Is \"it\" kind?", "threshold": 3, "model": "gpt-5.2", "description": "Manners",
                 "options": {"yes": 1, "no": 0.0}})"}};
        return options;
    }

    test::EnvironmentGuard environment_;
    RunningBackend backend_{with_scorers()};
    test::LogLines log_;
    Judgeval client_{client_options(backend_.url(), log_.handler())};
};

TEST_F(PromptScorer, IsFetchedByItsName) {
    const Scorer plain = client_.scorers.prompt_scorer.get("plain");
    EXPECT_EQ(plain.score_type, "Prompt Scorer");
    EXPECT_EQ(plain.name, "plain");
    EXPECT_EQ(plain.prompt, "Is it right?");
    EXPECT_EQ(plain.threshold, 0.7);
    EXPECT_EQ(plain.model + plain.options + plain.description, "");
    const Scorer tone = client_.scorers.prompt_scorer.get("tone & style/100%");
    EXPECT_EQ(tone.name, "tone & style/100%");
    EXPECT_EQ(tone.prompt, "Is \"it\" kind?");
    EXPECT_EQ(tone.threshold, 1.0) << "beyond 1";
    EXPECT_EQ(tone.model, "gpt-5.2");
    EXPECT_EQ(tone.description, "Manners");
    EXPECT_EQ(json::parse(tone.options), (json{{"yes", 1}, {"no", 0.0}}));
    EXPECT_THAT(log_.take(), ElementsAre());
}

TEST_F(PromptScorer, IsKeptByItsClient) {
    ASSERT_EQ(client_.scorers.prompt_scorer.get("plain").prompt, "Is it right?");
    backend_.stop();
    EXPECT_EQ(client_.scorers.prompt_scorer.get("plain").prompt, "Is it right?");
    EXPECT_THAT(log_.take(), ElementsAre());
}

TEST_F(PromptScorer, GoesAlongWithTheExample) {
    const Scorer scorer = client_.scorers.prompt_scorer.get("tone & style/100%");
    const Tracer tracer = client_.tracer.create();
    {
        auto span = tracer.span("root");
        tracer.async_evaluate(scorer, Example::create({{"input", "Hello"}}));
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    const auto requests = backend_.store().platform_requests(10, 0);
    ASSERT_EQ(requests.size(), 1U);
    const json wanted = {{{"score_type", "Prompt Scorer"},
                          {"name", "tone & style/100%"},
                          {"threshold", 1.0},
                          {"kwargs",
                           {{"prompt", "Is \"it\" kind?"},
                            {"options", {{"yes", 1}, {"no", 0.0}}},
                            {"model", "gpt-5.2"},
                            {"description", "Manners"}}},
                          {"result_type", "numeric"}}};
    EXPECT_EQ(json::parse(requests[0].body)["judgment_scorers"], wanted);
    EXPECT_EQ(tracer.stats().platform_requests_delivered, 1U);
}

TEST_F(PromptScorer, HasFoundTheProjectForATraceEvaluation) {
    const Scorer scorer = client_.scorers.prompt_scorer.get("plain");
    const Tracer tracer = client_.tracer.create();
    TraceId trace_id;
    {
        auto span = tracer.span("first");
        trace_id = span.context().span_context().trace_id;
        tracer.async_trace_evaluate(scorer);
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    const json run =
        json::parse(text_of(find_span(backend_, trace_id, "first"), "judgment.pending_trace_eval"));
    EXPECT_EQ(run["judgment_scorers"][0]["kwargs"], (json{{"prompt", "Is it right?"}}));
    EXPECT_EQ(tracer.stats().platform_requests_dropped, 0U);
}

TEST_F(PromptScorer, ThatIsNotFoundIsLoggedAndItsEvaluationsAreDropped) {
    const Scorer scorer = client_.scorers.prompt_scorer.get("nobody's");
    EXPECT_EQ(scorer.score_type, "");
    EXPECT_THAT(log_.take(), ElementsAre(AllOf(HasSubstr("nobody's"), HasSubstr("none of that name"))));
    const Tracer tracer = client_.tracer.create();
    {
        auto span = tracer.span("root");
        tracer.async_evaluate(scorer, Example::create({{"input", "Hello"}}));
        tracer.async_trace_evaluate(scorer);
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_TRUE(backend_.store().platform_requests(10, 0).empty());
    EXPECT_EQ(tracer.stats().platform_requests_queued, 2U);
    EXPECT_EQ(tracer.stats().platform_requests_dropped, 2U);
    expect_balanced(tracer.stats());
}

TEST_F(PromptScorer, IsNotAskedForWhereEvaluationsAreOff) {
    backend_.stop();
    for (const char* const variable : {"JUDGMENT_EVALUATIONS", "JUDGMENT_MONITORING"}) {
        environment_.set(variable, "false");
        EXPECT_EQ(client_.scorers.prompt_scorer.get("plain").score_type, "");
        environment_.unset(variable);
    }
    EXPECT_THAT(log_.take(), ElementsAre());
}

TEST_F(PromptScorer, NeedsANameAndCredentials) {
    EXPECT_EQ(client_.scorers.prompt_scorer.get("").score_type, "");
    EXPECT_THAT(log_.take(), ElementsAre(HasSubstr("must not be empty")));
    const Judgeval nobody(
        {.project_name = "project", .api_url = backend_.url(), .log_handler = log_.handler()});
    EXPECT_EQ(nobody.scorers.prompt_scorer.get("plain").score_type, "");
    EXPECT_THAT(log_.take(), ElementsAre(HasSubstr("JUDGMENT_API_KEY")));
}

}  // namespace
}  // namespace judgeval::end_to_end
