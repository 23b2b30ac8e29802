// The matchers: what each takes and refuses, and what a failed expectation shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <judgeval/testing/matchers.hpp>
#include <stdexcept>
#include <string>

#include "client.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;
using namespace judgeval::testing;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class Matchers : public ::testing::Test {
  protected:
    void SetUp() override {
        FakeClock clock;
        {
            auto root = capture_.tracer().span("root", {.type = "agent"});
            root_ = capture_.tracer().current_context().span_context();
            auto child = capture_.tracer().span("child", {.type = "tool"});
            child.set_attribute("count", 42);
            child.set_attribute("ratio", 0.25);
            child.set_attribute("ready", true);
            child.set_attribute("question", "what is it?");
            child.set_input("in");
            child.set_output(std::vector<int>{1});
            child.record_exception(std::runtime_error("out of luck"));
            child.set_status(StatusCode::kError, "it broke");
            clock.advance(3ms);
        }
        expect_balanced(capture_.tracer().stats());
    }
    [[nodiscard]] CapturedSpan root() const { return capture_.spans().find("root"); }
    [[nodiscard]] CapturedSpan child() const { return capture_.spans().find("child"); }

    SpanCapture capture_;
    SpanContext root_;
};

TEST_F(Matchers, TakeWhatIsThere) {
    EXPECT_THAT(root(), AllOf(HasName("root"), IsRoot(), HasType("agent"), HasStatus(StatusCode::kUnset)));
    EXPECT_THAT(child(), AllOf(HasName(StartsWith("chi")), HasType(HasSubstr("too")), IsChildOf(root()),
                               IsChildOf(root_), Lasts(3ms)));
    EXPECT_THAT(child(), AllOf(HasAttribute("count", 42), HasAttribute("ratio", 0.25),
                               HasAttribute("ready", true), HasAttribute("question", "what is it?"),
                               HasAttribute("question", std::string("what is it?"))));
    EXPECT_THAT(child(), AllOf(HasAttribute<std::int64_t>("count", Gt(41)),
                               HasAttribute<std::string>("question", AnyOf("why?", HasSubstr("what")))));
    EXPECT_THAT(child(),
                AllOf(HasInput("in"), HasOutput("[1]"), HasEvent("exception"), HasEvent(StartsWith("exc")),
                      HasStatus(StatusCode::kError), HasStatusMessage(HasSubstr("broke"))));
    EXPECT_THAT(capture_.spans(), UnorderedElementsAre(HasName("child"), HasName("root")));
    EXPECT_THAT(capture_.spans(), AllOf(SizeIs(2), Contains(IsRoot()).Times(1)));
}

TEST_F(Matchers, RefuseWhatIsNot) {
    EXPECT_THAT(child(), Not(HasName("root")));
    EXPECT_THAT(child(), Not(IsRoot()));
    EXPECT_THAT(child(), Not(HasType("agent")));
    EXPECT_THAT(root(), Not(IsChildOf(child())));
    EXPECT_THAT(child(), Not(IsChildOf(child())));
    EXPECT_THAT(child(), Not(HasAttribute("count", 41)));
    EXPECT_THAT(child(), Not(HasAttribute("count", 42.0))) << "another type";
    EXPECT_THAT(child(), Not(HasAttribute("ready", 1))) << "another type";
    EXPECT_THAT(child(), Not(HasAttribute("nothing", 1)));
    EXPECT_THAT(child(), Not(HasAttribute<std::int64_t>("count", Gt(42))));
    EXPECT_THAT(child(), Not(HasEvent("other")));
    EXPECT_THAT(child(), Not(HasStatus(StatusCode::kOk)));
    EXPECT_THAT(child(), Not(HasStatusMessage("")));
    EXPECT_THAT(child(), Not(Lasts(Gt(3ms))));
}

/// What GoogleTest would say.
template <typename Value, typename Matcher>
std::string explanation(const Value& value, const Matcher& matcher) {
    ::testing::StringMatchResultListener listener;
    ::testing::ExplainMatchResult(matcher, value, &listener);
    return ::testing::DescribeMatcher<const Value&>(matcher) + " | " + listener.str();
}

TEST_F(Matchers, SayWhatTheyFound) {
    EXPECT_EQ(explanation(child(), HasAttribute("count", 41)),
              "has an attribute count that is equal to 41 | whose attribute count is 42");
    EXPECT_EQ(
        explanation(child(), HasAttribute("count", "42")),
        "has an attribute count that is equal to \"42\" | whose attribute count is 42, of another type");
    EXPECT_THAT(explanation(child(), HasAttribute("nothing", 1)),
                HasSubstr("which has no attribute nothing"));
    EXPECT_THAT(explanation(child(), HasStatus(StatusCode::kOk)),
                HasSubstr("whose status is 2 \"it broke\""));
    EXPECT_THAT(explanation(root(), IsChildOf(child())), HasSubstr(child().span_id.to_hex()));
}

TEST_F(Matchers, TreesAreShownWhenAnExpectationFails) {
    const std::string shown = ::testing::PrintToString(capture_.spans());
    EXPECT_THAT(shown, HasSubstr("\nroot  agent  3.00 ms\n└─ child  tool  3.00 ms  ✗ error: it broke\n"));
    EXPECT_THAT(
        shown, HasSubstr("trace " + root_.trace_id.to_hex() + " · captured · 2 spans · 3.00 ms · 1 error\n"));
    EXPECT_THAT(::testing::PrintToString(child()),
                AllOf(HasSubstr("\"child\""), HasSubstr("question \"what is it?\""),
                      HasSubstr("event \"exception\"")));
    EXPECT_THAT(::testing::PrintToString(CapturedSpans({})), HasSubstr("no spans"));
}

}  // namespace
}  // namespace judgeval::test
