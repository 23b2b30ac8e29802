// observe: same signature, same result, and each call a span.
#include "judgeval/observe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

using namespace std::string_literals;

std::string greet(const std::string& name, int times) {
    std::string result;
    for (int i = 0; i < times; ++i) result += "hi " + name + ";";
    return result;
}

int noexcept_function(int number) noexcept { return number + 1; }

class Observe : public testing::Test {
  protected:
    Recorder recorder_;
    const Tracer& tracer_ = recorder_.tracer;
};

TEST_F(Observe, RecordsNameKindArgumentsAndResult) {
    auto format_task = tracer_.observe([](std::string question) { return "Please answer: " + question; },
                                       {.name = "format_task", .type = "tool", .args = {"question"}});
    EXPECT_EQ(format_task("why?"), "Please answer: why?");
    const auto span = recorder_.take_one();
    EXPECT_EQ(span.name, "format_task");
    EXPECT_EQ(text_of(span.attributes, "judgment.span_kind"), "tool");
    EXPECT_EQ(text_of(span.attributes, "judgment.input"), R"({"question":"why?"})");
    EXPECT_EQ(text_of(span.attributes, "judgment.output"), "Please answer: why?");
    EXPECT_EQ(span.status.code, encode::StatusCode::unset);
}

TEST_F(Observe, NamesArgumentsThatHaveNoName) {
    auto f = tracer_.observe([](int, const char*, std::vector<int>) { return 1.5; }, {.args = {"first"}});
    EXPECT_EQ(f(1, "two", {3}), 1.5);
    const auto span = recorder_.take_one();
    EXPECT_EQ(span.name, "function");
    EXPECT_EQ(text_of(span.attributes, "judgment.span_kind"), "span");
    EXPECT_EQ(text_of(span.attributes, "judgment.input"), R"({"first":1,"arg1":"two","arg2":[3]})");
    EXPECT_EQ(text_of(span.attributes, "judgment.output"), "1.5");
}

TEST_F(Observe, LeavesInputAndOutputOutWhenAsked) {
    auto f =
        tracer_.observe([](int number) { return number; }, {.record_input = false, .record_output = false});
    EXPECT_EQ(f(3), 3);
    const auto span = recorder_.take_one();
    EXPECT_FALSE(has_attribute(span.attributes, "judgment.input"));
    EXPECT_FALSE(has_attribute(span.attributes, "judgment.output"));
}

TEST_F(Observe, KeepsTheSignature) {
    auto lambda = tracer_.observe([](const std::string&, int) -> long { return 0; });
    static_assert(std::is_invocable_r_v<long, decltype(lambda), const char*, short>);
    static_assert(std::is_same_v<decltype(lambda("", 1)), long>);
    static_assert(!std::is_invocable_v<decltype(lambda), int>);
    static_assert(!std::is_invocable_v<decltype(lambda)>);
    auto braces = tracer_.observe([](std::vector<int> list) { return list.size(); });
    EXPECT_EQ(braces({1, 2, 3}), 3U);
    recorder_.take();
}

TEST_F(Observe, ReturnsNothingForVoid) {
    int calls = 0;
    auto f = tracer_.observe([&calls] { ++calls; });
    static_assert(std::is_void_v<decltype(f())>);
    f();
    EXPECT_EQ(calls, 1);
    const auto span = recorder_.take_one();
    EXPECT_EQ(text_of(span.attributes, "judgment.input"), "{}");
    EXPECT_FALSE(has_attribute(span.attributes, "judgment.output"));
}

TEST_F(Observe, PassesMoveOnlyValuesThrough) {
    auto f = tracer_.observe([](std::unique_ptr<int> number) {
        ++*number;
        return number;
    });
    EXPECT_EQ(*f(std::make_unique<int>(1)), 2);
    const auto span = recorder_.take_one();
    EXPECT_EQ(text_of(span.attributes, "judgment.input"), R"({"arg0":1})");
    EXPECT_EQ(text_of(span.attributes, "judgment.output"), "2");
}

TEST_F(Observe, ReturnsTheSameReference) {
    std::string text = "text";
    auto f = tracer_.observe([](std::string& reference) -> std::string& { return reference; });
    static_assert(std::is_same_v<decltype(f(text)), std::string&>);
    EXPECT_EQ(&f(text), &text);
    auto g = tracer_.observe([&text]() -> const std::string& { return text; });
    EXPECT_EQ(&g(), &text);
    auto h = tracer_.observe([](std::string&& value) -> std::string&& { return std::move(value); });
    std::string&& moved = h(std::move(text));
    EXPECT_EQ(&moved, &text);
    EXPECT_EQ(recorder_.take().size(), 3U);
}

struct Pinned {
    explicit Pinned(int n) : number(n) {}
    Pinned(const Pinned&) = delete;
    Pinned& operator=(const Pinned&) = delete;
    int number;
};

TEST_F(Observe, ReturnsWhatCannotBeMoved) {
    auto f = tracer_.observe([](int number) { return Pinned(number); });
    EXPECT_EQ(f(4).number, 4);
    auto generic = tracer_.observe([](auto number) { return Pinned(number); });
    EXPECT_EQ(generic(5).number, 5);
    const auto spans = recorder_.take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(text_of(spans[0].attributes, "judgment.input"), R"({"arg0":4})");
    EXPECT_FALSE(has_attribute(spans[0].attributes, "judgment.output"));
}

TEST_F(Observe, TakesConstAndMutableCallables) {
    const auto constant = tracer_.observe([](int number) { return number; });
    EXPECT_EQ(constant(1), 1);
    auto counting = tracer_.observe([count = 0]() mutable { return ++count; });
    EXPECT_EQ(counting(), 1);
    EXPECT_EQ(counting(), 2);
    static_assert(!std::is_invocable_v<const decltype(counting)>);
    EXPECT_EQ(recorder_.take().size(), 3U);
}

TEST_F(Observe, TakesGenericLambdasFunctionsAndMembers) {
    auto generic = tracer_.observe([](const auto& a, auto b) { return a + b; }, {.name = "generic"});
    EXPECT_EQ(generic(1, 2), 3);
    EXPECT_EQ(generic("x"s, "y"), "xy");
    const auto const_generic = tracer_.observe([](auto value) { return value; });
    EXPECT_EQ(const_generic('c'), 'c');
    auto function = tracer_.observe(&greet, {.name = "greet", .args = {"name", "times"}});
    EXPECT_EQ(function("Ada", 2), "hi Ada;hi Ada;");
    auto plain = tracer_.observe(noexcept_function);
    EXPECT_EQ(plain(1), 2);
    struct Agent {
        int answer = 42;
        int ask(int plus) const { return answer + plus; }
    } agent;
    auto member = tracer_.observe([&agent](int plus) { return agent.ask(plus); }, {.name = "ask"});
    EXPECT_EQ(member(1), 43);
    std::function<int(int)> held = [](int number) { return -number; };
    EXPECT_EQ(tracer_.observe(held)(3), -3);
    const auto spans = recorder_.take();
    ASSERT_EQ(spans.size(), 7U);
    EXPECT_EQ(text_of(spans[0].attributes, "judgment.input"), R"({"arg0":1,"arg1":2})");
    EXPECT_EQ(text_of(spans[1].attributes, "judgment.output"), "xy");
    EXPECT_EQ(text_of(spans[3].attributes, "judgment.input"), R"({"name":"Ada","times":2})");
}

TEST_F(Observe, RecordsExceptionsAndPassesThemOn) {
    auto f = tracer_.observe([](int) -> int { throw std::out_of_range("no such order"); }, {.name = "find"});
    EXPECT_THROW(f(1), std::out_of_range);
    auto g = tracer_.observe([] { throw 7; });
    EXPECT_THROW(g(), int);
    const auto spans = recorder_.take();
    ASSERT_EQ(spans.size(), 2U);
    ASSERT_EQ(spans[0].events.size(), 1U);
    EXPECT_EQ(text_of(spans[0].events[0].attributes, "exception.type"), "std::out_of_range");
    EXPECT_EQ(text_of(spans[0].events[0].attributes, "exception.message"), "no such order");
    EXPECT_EQ(spans[0].status.code, encode::StatusCode::error);
    EXPECT_EQ(spans[0].status.message, "no such order");
    EXPECT_EQ(text_of(spans[0].attributes, "judgment.input"), R"({"arg0":1})");
    EXPECT_FALSE(has_attribute(spans[0].attributes, "judgment.output"));
    EXPECT_EQ(spans[1].status.code, encode::StatusCode::error);
    EXPECT_FALSE(tracer_.current_context().is_valid());
}

TEST_F(Observe, NestsAndIsCurrentWhileItRuns) {
    auto inner = tracer_.observe([this] { tracer_.set_attribute("where", "inner"); }, {.name = "inner"});
    auto outer = tracer_.observe(
        [&] {
            inner();
            tracer_.set_attribute("where", "outer");
        },
        {.name = "outer"});
    outer();
    const auto spans = recorder_.take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0].parent_span_id, spans[1].span_id);
    EXPECT_EQ(text_of(spans[0].attributes, "where"), "inner");
    EXPECT_EQ(text_of(spans[1].attributes, "where"), "outer");
}

struct Fragile {};

TEST_F(Observe, SurvivesASerializerThatThrows) {
    auto f = tracer_.observe([](Fragile) { return 1; });
    EXPECT_EQ(f({}), 1);
    const auto span = recorder_.take_one();
    EXPECT_FALSE(has_attribute(span.attributes, "judgment.input"));
    EXPECT_EQ(text_of(span.attributes, "judgment.output"), "1");
    EXPECT_EQ(span.dropped_attributes_count, 1U);
}

TEST(ObserveOfNoTracer, JustCalls) {
    const Tracer tracer;
    EXPECT_EQ(tracer.observe([](int number) { return number; })(3), 3);
    EXPECT_THROW(tracer.observe([] { throw std::runtime_error("x"); })(), std::runtime_error);
}

}  // namespace
}  // namespace judgeval::test

template <>
struct judgeval::Serializer<judgeval::test::Fragile> {
    [[noreturn]] static void write(JsonWriter&, const test::Fragile&) { throw std::runtime_error("no"); }
};
