// The test that docs/testing.md shows, with its line breaks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/traced_agent.hpp"

// clang-format off
#include <judgeval/testing/matchers.hpp>  // judgeval/testing.hpp alone needs no GoogleTest

using namespace judgeval::testing;
using ::testing::AllOf, ::testing::Contains;

TEST(Agent, SearchesBeforeItAnswers) {
    SpanCapture capture;       // the pipeline that ships, but for the network; no credentials
    FakeClock clock;           // spans and events of every thread get its time, until it goes
    const FixedIds ids;        // and the same ids in every run, on this thread

    Agent(capture.tracer()).answer("why?");

    const CapturedSpans spans = capture.spans();  // everything that ended
    const CapturedSpan& root = spans.find("answer");
    EXPECT_THAT(root, AllOf(IsRoot(), HasInput(R"({"question":"why?"})"), HasStatus(judgeval::StatusCode::kUnset)));
    EXPECT_THAT(spans, Contains(AllOf(HasName("search"), HasType("tool"), IsChildOf(root), HasAttribute("results", 3))));
}
// clang-format on
