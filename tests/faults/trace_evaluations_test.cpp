// What becomes of trace evaluations that are asked for before it is known by which id the platform knows
// their project: they wait with their spans, and name it in the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <judgeval/judgeval.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client.hpp"
#include "faults/faulty_backend.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using How = Fault::How;
using test::kPatience;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kEvaluation = "judgment.pending_trace_eval";
constexpr const char* kOverride = "judgment.project_id_override";

std::vector<std::string> texts_of(const encode::Span& span, std::string_view key) {
    std::vector<std::string> values;
    for (const auto& attribute : span.attributes) {
        if (attribute.key != key) continue;
        const auto* const text = std::get_if<std::string>(&attribute.value.value);
        values.push_back(text != nullptr ? *text : "no text");
    }
    return values;
}

encode::Span span_of(const FaultyBackend& backend, const std::string& name) {
    for (const auto& span : backend.kept_spans()) {
        if (span.name == name) return span;
    }
    ADD_FAILURE() << "no span " << name;
    return {};
}

/// The span's one evaluation names the project, and is otherwise whole.
void expect_evaluated_in(const encode::Span& span, const std::string& project_id) {
    const auto texts = texts_of(span, kEvaluation);
    ASSERT_EQ(texts.size(), 1U);
    json run = json::parse(texts[0], nullptr, false);
    ASSERT_TRUE(run.is_object()) << texts[0];
    std::string id;
    for (const char byte : span.span_id) {
        constexpr const char* kDigits = "0123456789abcdef";
        id += kDigits[static_cast<unsigned char>(byte) >> 4U];
        id += kDigits[static_cast<unsigned char>(byte) & 15U];
    }
    EXPECT_EQ(run["project_id"], project_id);
    EXPECT_EQ(run["eval_name"], "async_trace_evaluate_" + id);
    EXPECT_EQ(run["judgment_scorers"][0]["name"], "Faithfulness");
    EXPECT_TRUE(run.contains("created_at"));
}

/// The spans share the evaluations' fate, and nothing was left out.
void expect_delivered(const Tracer& tracer, std::uint64_t spans) {
    const Stats stats = tracer.stats();
    test::expect_balanced(stats);
    EXPECT_EQ(stats.exported, spans);
    EXPECT_EQ(stats.dropped_total(), 0U);
    EXPECT_EQ(stats.dropped_attributes, 0U);
    EXPECT_EQ(stats.platform_requests_dropped, 0U);
}

Fault held(const std::string& project_id) {
    return {.how = How::kIsHeld, .body = json{{"project_id", project_id}}.dump()};
}

class TraceEvaluation : public testing::TestWithParam<Encoding> {
  protected:
    /// The first thing that a tracer is used for.
    Tracer make_tracer(const FaultyBackend& backend, PipelineOptions pipeline = {}) {
        pipeline.encoding = GetParam();
        return test::make_tracer(backend.url(), {.pipeline = pipeline}, log_.handler());
    }
    void evaluate(const Tracer& tracer) const { tracer.async_trace_evaluate(built_in_.faithfulness()); }

    test::LogLines log_;
    BuiltInScorers built_in_;
};

TEST_P(TraceEvaluation, ThatComesBeforeTheProjectIsFoundNamesIt) {
    // quotes and backslashes: an id that is as long as can be, as JSON
    const std::string project_id = std::string(64, '"') + std::string(64, '\\');
    FaultyBackend backend({.project_scripts = {{"project", {held(project_id)}}}, .keeps_spans = true});
    const Tracer tracer = make_tracer(backend);
    {
        auto span = tracer.span("first");
        span.set_attribute("before", "b");
        evaluate(tracer);
        span.set_attribute("behind", "c");
        { auto below = tracer.span("below"); }
    }
    {
        auto span = tracer.span("large");  // more than a chunk
        evaluate(tracer);
        evaluate(tracer);  // the last one counts
        span.set_attribute("text", std::string(100'000, 'x'));
    }
    backend.release();
    ASSERT_TRUE(tracer.force_flush(kPatience));
    const auto first = span_of(backend, "first");
    expect_evaluated_in(first, project_id);
    EXPECT_THAT(texts_of(first, "before"), ElementsAre("b"));
    EXPECT_THAT(texts_of(first, "behind"), ElementsAre("c"));
    EXPECT_THAT(texts_of(span_of(backend, "below"), kEvaluation), ElementsAre());
    expect_evaluated_in(span_of(backend, "large"), project_id);
    EXPECT_EQ(texts_of(span_of(backend, "large"), "text").at(0).size(), 100'000U);
    EXPECT_THAT(log_.take(), ElementsAre());
    expect_delivered(tracer, 3);
}

TEST_P(TraceEvaluation, GoesWhereItsTraceIsRoutedBeforeThatIsKnown) {
    FaultyBackend backend({.project_scripts = {{"project", {held("own")}}, {"elsewhere", {held("there")}}},
                           .keeps_spans = true});
    const Tracer tracer = make_tracer(backend);
    for (const char* const name : {"not known", "known"}) {
        auto root = tracer.span(name);
        tracer.override_project("elsewhere");
        evaluate(tracer);
        root.end();
        { auto span = tracer.span("own"); }
        backend.release();
        ASSERT_TRUE(tracer.force_flush(kPatience));
        expect_evaluated_in(span_of(backend, name), "there");
        EXPECT_THAT(texts_of(span_of(backend, name), kOverride), ElementsAre("there"));
    }
    EXPECT_THAT(texts_of(span_of(backend, "own"), kOverride), ElementsAre());
    EXPECT_THAT(log_.take(), ElementsAre());
    expect_delivered(tracer, 4);
}

TEST_P(TraceEvaluation, OfARefusedProjectStaysWithItsTraceInTheDefaultProject) {
    FaultyBackend backend({.project_scripts = {{"project", {held("own")}},
                                               {"nowhere", {{.status = 404, .body = "no such project"}}}},
                           .keeps_spans = true});
    const Tracer tracer = make_tracer(backend);
    for (int i = 0; i < 2; ++i) {
        auto root = tracer.span("routed");
        tracer.override_project("nowhere");
        evaluate(tracer);
        root.end();
        backend.release();
        ASSERT_TRUE(tracer.force_flush(kPatience));
    }
    const auto spans = backend.kept_spans();
    ASSERT_EQ(spans.size(), 2U);
    for (const auto& span : spans) {
        expect_evaluated_in(span, "own");
        EXPECT_THAT(texts_of(span, kOverride), ElementsAre());
    }
    EXPECT_THAT(log_.take(), ElementsAre(AllOf(HasSubstr("\"nowhere\""), HasSubstr("default project"))));
    expect_delivered(tracer, 2);
}

TEST_P(TraceEvaluation, OfAProjectThatIsNeverFoundIsLostAndCountedWithItsSpan) {
    FaultyBackend backend({.project_scripts = {{"project", {{.status = 404, .body = "no such project"}}}},
                           .keeps_spans = true});
    const Tracer tracer = make_tracer(backend);
    {
        auto span = tracer.span("first");
        evaluate(tracer);
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    const Stats stats = tracer.stats();
    test::expect_balanced(stats);
    EXPECT_EQ(stats.dropped_by(DropReason::kProjectUnresolved), 1U);
    EXPECT_TRUE(backend.kept_spans().empty());
    EXPECT_THAT(log_.take(), ElementsAre(HasSubstr("404 (no such project)")));
}

INSTANTIATE_TEST_SUITE_P(Each, TraceEvaluation, testing::Values(Encoding::kOtlp, Encoding::kFlatBuffers),
                         [](const auto& parameter) {
                             return parameter.param == Encoding::kOtlp ? "Otlp" : "FlatBuffers";
                         });

}  // namespace
}  // namespace judgeval::faults
