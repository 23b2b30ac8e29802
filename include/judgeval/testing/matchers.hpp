// GoogleTest matchers for captured spans. Needs GoogleMock (Debian: libgmock-dev), which judgeval::testing
// itself does not.
//
//     EXPECT_THAT(capture.spans(), Contains(AllOf(HasName("search"), HasType("tool"), IsChildOf(root))));
//
// Where a matcher takes another one, a plain value stands for equality.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>

#include "judgeval/testing.hpp"

namespace judgeval::testing {

namespace detail {

/// As what a plain value is recorded.
template <typename Value>
using Recorded = std::conditional_t<
    std::same_as<Value, bool>, bool,
    std::conditional_t<std::integral<Value>, std::int64_t,
                       std::conditional_t<std::floating_point<Value>, double, std::string>>>;

template <typename Type>
class AttributeMatcher {
  public:
    using is_gtest_matcher = void;

    AttributeMatcher(std::string key, ::testing::Matcher<const Type&> matcher)
        : key_(std::move(key)), matcher_(std::move(matcher)) {}

    bool MatchAndExplain(const CapturedSpan& span, ::testing::MatchResultListener* listener) const {
        const CapturedValue* const found = span.attribute(key_);
        if (found == nullptr) {
            *listener << "which has no attribute " << key_;
            return false;
        }
        *listener << "whose attribute " << key_ << " is " << ::testing::PrintToString(*found);
        const Type* const value = std::get_if<Type>(&found->value);
        if (value == nullptr) {
            *listener << ", of another type";
            return false;
        }
        return matcher_.MatchAndExplain(*value, listener);
    }
    void DescribeTo(std::ostream* out) const {
        *out << "has an attribute " << key_ << " that ";
        matcher_.DescribeTo(out);
    }
    void DescribeNegationTo(std::ostream* out) const {
        *out << "has no attribute " << key_ << " that ";
        matcher_.DescribeTo(out);
    }

  private:
    std::string key_;
    ::testing::Matcher<const Type&> matcher_;
};

}  // namespace detail

/// HasAttribute("user_id", 42), HasAttribute("question", "why?").
template <typename Value>
requires(std::is_arithmetic_v<Value> || std::convertible_to<const Value&, std::string>)
    [[nodiscard]] ::testing::Matcher<const CapturedSpan&> HasAttribute(const std::string& key,
                                                                       const Value& value) {
    using Type = detail::Recorded<Value>;
    return detail::AttributeMatcher<Type>(key, ::testing::Eq(static_cast<Type>(value)));
}

/// HasAttribute<std::string>("question", HasSubstr("why")). Type: std::string, bool, std::int64_t, double, or
/// std::vector<CapturedValue> for an array.
template <typename Type, typename Matcher>
[[nodiscard]] ::testing::Matcher<const CapturedSpan&> HasAttribute(const std::string& key,
                                                                   const Matcher& matcher) {
    return detail::AttributeMatcher<Type>(key, ::testing::SafeMatcherCast<const Type&>(matcher));
}

MATCHER_P(HasName, matcher, "has a name that " + ::testing::DescribeMatcher<std::string>(matcher, negation)) {
    return ::testing::ExplainMatchResult(matcher, arg.name, result_listener);
}

/// The type given to tracer.span(): "function", "tool", "llm", …
template <typename Matcher>
[[nodiscard]] auto HasType(const Matcher& matcher) {
    return HasAttribute<std::string>("judgment.span_kind", matcher);
}

/// What set_input and set_output recorded: a string as it is, anything else as JSON.
template <typename Matcher>
[[nodiscard]] auto HasInput(const Matcher& matcher) {
    return HasAttribute<std::string>("judgment.input", matcher);
}
template <typename Matcher>
[[nodiscard]] auto HasOutput(const Matcher& matcher) {
    return HasAttribute<std::string>("judgment.output", matcher);
}

MATCHER_P(HasStatus, code,
          std::string(negation ? "has not " : "has ") + "the status " +
              std::to_string(static_cast<int>(code))) {
    *result_listener << "whose status is " << static_cast<int>(arg.status) << " \"" << arg.status_message
                     << "\"";
    return arg.status == code;
}

MATCHER_P(HasStatusMessage, matcher,
          "has a status message that " + ::testing::DescribeMatcher<std::string>(matcher, negation)) {
    return ::testing::ExplainMatchResult(matcher, arg.status_message, result_listener);
}

/// An event whose name matches; "exception" for one that was recorded.
MATCHER_P(HasEvent, matcher,
          "has an event whose name " + ::testing::DescribeMatcher<std::string>(matcher, negation)) {
    return std::any_of(arg.events.begin(), arg.events.end(), [this](const CapturedEvent& event) {
        return ::testing::Matches(::testing::SafeMatcherCast<const std::string&>(matcher))(event.name);
    });
}

MATCHER_P(Lasts, matcher,
          "has a duration that " + ::testing::DescribeMatcher<std::chrono::nanoseconds>(matcher, negation)) {
    return ::testing::ExplainMatchResult(matcher, arg.duration(), result_listener);
}

MATCHER(IsRoot, negation ? "is below another span" : "is a root") { return arg.is_root(); }

/// `parent` is a CapturedSpan, or a SpanContext (tracer.current_context().span_context()).
MATCHER_P(IsChildOf, parent,
          std::string(negation ? "is not" : "is") + " right below span " + parent.span_id.to_hex()) {
    *result_listener << "whose parent is " << arg.parent_span_id.to_hex();
    return arg.parent_span_id == parent.span_id && arg.trace_id == parent.trace_id;
}

}  // namespace judgeval::testing
