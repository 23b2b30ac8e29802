// Which span is whose child: nesting, other threads, and spans that end in an unexpected order.
#include "judgeval/context.hpp"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

class ContextTest : public testing::Test {
  protected:
    /// The spans by name.
    std::map<std::string, encode::Span> take() {
        std::map<std::string, encode::Span> spans;
        for (auto& span : recorder_.take()) spans[span.name] = span;
        return spans;
    }
    static void expect_child(const encode::Span& child, const encode::Span& parent) {
        EXPECT_EQ(child.trace_id, parent.trace_id) << child.name;
        EXPECT_EQ(child.parent_span_id, parent.span_id) << child.name;
    }

    Recorder recorder_;
    const Tracer& tracer_ = recorder_.tracer;
};

TEST_F(ContextTest, ScopesNest) {
    EXPECT_FALSE(tracer_.current_context().is_valid());
    {
        auto a = tracer_.span("a");
        EXPECT_EQ(tracer_.current_context().span_context().span_id, a.context().span_context().span_id);
        { auto b = tracer_.span("b"); }
        auto c = tracer_.span("c");
        auto d = tracer_.span("d");
    }
    EXPECT_FALSE(tracer_.current_context().is_valid());
    { auto e = tracer_.span("e"); }
    const auto spans = take();
    EXPECT_TRUE(spans.at("a").is_root());
    expect_child(spans.at("b"), spans.at("a"));
    expect_child(spans.at("c"), spans.at("a"));
    expect_child(spans.at("d"), spans.at("c"));
    EXPECT_TRUE(spans.at("e").is_root());
    EXPECT_NE(spans.at("e").trace_id, spans.at("a").trace_id);
}

TEST_F(ContextTest, DetachedSpansAreNobodysParentByThemselves) {
    {
        auto a = tracer_.span("a");
        auto job = tracer_.start_span("job");
        auto b = tracer_.span("b");
        const ContextScope scope(job.context());
        auto c = tracer_.span("c");
        auto explicit_child = tracer_.start_span("explicit", {}, a.context());
        auto root = tracer_.start_span("root", {}, Context());
    }
    const auto spans = take();
    expect_child(spans.at("job"), spans.at("a"));
    expect_child(spans.at("b"), spans.at("a"));
    expect_child(spans.at("c"), spans.at("job"));
    expect_child(spans.at("explicit"), spans.at("a"));
    EXPECT_TRUE(spans.at("root").is_root());
}

TEST_F(ContextTest, AnInvalidContextMakesARoot) {
    {
        auto a = tracer_.span("a");
        {
            const ContextScope scope{Context()};
            EXPECT_FALSE(tracer_.current_context().is_valid());
            auto b = tracer_.span("b");
            tracer_.set_attribute("on", "b");
        }
        tracer_.set_attribute("on", "a");
    }
    const auto spans = take();
    EXPECT_TRUE(spans.at("b").is_root());
    EXPECT_NE(spans.at("b").trace_id, spans.at("a").trace_id);
    EXPECT_EQ(text_of(spans.at("a").attributes, "on"), "a");
    EXPECT_EQ(text_of(spans.at("b").attributes, "on"), "b");
}

TEST_F(ContextTest, AScopeDoesNotLendTheSpanItself) {
    {
        auto job = tracer_.start_span("job");
        const ContextScope scope(job.context());
        tracer_.set_attribute("lost", 1);
        job.set_attribute("kept", 1);
    }
    const auto spans = take();
    EXPECT_FALSE(has_attribute(spans.at("job").attributes, "lost"));
    EXPECT_TRUE(has_attribute(spans.at("job").attributes, "kept"));
}

TEST_F(ContextTest, BindCarriesTheContextToAnotherThread) {
    {
        auto request = tracer_.span("request");
        auto task = tracer_.bind([this](int number) {
            auto span = tracer_.span("task");
            return number + 1;
        });
        auto result = std::async(std::launch::async, std::move(task), 1);
        EXPECT_EQ(result.get(), 2);
        std::thread([this] { auto span = tracer_.span("unbound"); }).join();
    }
    auto outside = tracer_.bind([this] { auto span = tracer_.span("outside"); });
    {
        auto elsewhere = tracer_.span("elsewhere");
        outside();  // bound outside of any span
    }
    const auto spans = take();
    expect_child(spans.at("task"), spans.at("request"));
    EXPECT_TRUE(spans.at("unbound").is_root());
    EXPECT_TRUE(spans.at("outside").is_root());
}

TEST_F(ContextTest, BindKeepsMoveOnlyCallablesAndReferences) {
    int target = 0;
    auto bound = tracer_.bind([held = std::make_unique<int>(5), &target](int plus) mutable -> int& {
        target = *held + plus;
        return target;
    });
    EXPECT_EQ(&bound(1), &target);
    EXPECT_EQ(target, 6);
}

TEST_F(ContextTest, ASpanMayMoveAndEndOnAnotherThread) {
    auto job = tracer_.start_span("job");
    job.set_attribute("here", 1);
    job.set_attribute("large", std::string(5000, 'x'));
    const SpanContext context = job.context().span_context();
    std::thread([moved = std::move(job)]() mutable {
        moved.set_attribute("there", 2);
        moved.end();
    }).join();
    EXPECT_FALSE(
        job.is_recording());  // NOLINT(bugprone-use-after-move): what a moved-from span does is stated
    job.set_attribute("nowhere", 3);
    const auto spans = take();
    EXPECT_EQ(spans.at("job").span_id, bytes_of(context.span_id));
    EXPECT_EQ(value_of<std::int64_t>(spans.at("job").attributes, "here"), 1);
    EXPECT_EQ(value_of<std::int64_t>(spans.at("job").attributes, "there"), 2);
    EXPECT_EQ(text_of(spans.at("job").attributes, "large").size(), 5000U);
    EXPECT_FALSE(has_attribute(spans.at("job").attributes, "nowhere"));
}

TEST_F(ContextTest, AssigningASpanEndsTheOneThatWasThere) {
    auto span = tracer_.start_span("first");
    span = tracer_.start_span("second");
    EXPECT_EQ(take().count("first"), 1U);
    span.end();
    EXPECT_EQ(take().count("second"), 1U);
}

TEST_F(ContextTest, ScopesMayEndOutOfOrder) {
    {
        auto a = tracer_.span("a");
        std::optional<ScopedSpan> b;
        const Text name = "b";  // a literal's own constructor runs at compile time, so not behind emplace
        b.emplace(recorder_.state(), name, SpanOptions{});
        auto c = tracer_.span("c");
        b->end();
        { auto d = tracer_.span("d"); }
        a.end();
        { auto e = tracer_.span("e"); }
        c.end();
        EXPECT_FALSE(tracer_.current_context().is_valid());
        auto f = tracer_.span("f");
    }
    const auto spans = take();
    expect_child(spans.at("b"), spans.at("a"));
    expect_child(spans.at("c"), spans.at("b"));
    expect_child(spans.at("d"), spans.at("c"));
    expect_child(spans.at("e"), spans.at("c"));
    EXPECT_TRUE(spans.at("f").is_root());
}

TEST_F(ContextTest, ContextsOfTwoTracersNestAndGoTheirOwnWay) {
    Recorder other;
    {
        auto a = tracer_.span("a");
        auto b = other.tracer.span("b");
        auto c = tracer_.span("c");
    }
    const auto mine = take();
    const auto theirs = other.take();
    ASSERT_EQ(mine.size(), 2U);
    ASSERT_EQ(theirs.size(), 1U);
    EXPECT_EQ(theirs[0].parent_span_id, mine.at("a").span_id);
    EXPECT_EQ(mine.at("c").parent_span_id, theirs[0].span_id);
}

TEST(Ids, AreWrittenInHexadecimal) {
    SpanContext context;
    EXPECT_FALSE(context.is_valid());
    context.trace_id.bytes = {0x00, 0x01, 0x0A, 0xFF};
    context.span_id.bytes[7] = 0xAB;
    EXPECT_EQ(context.trace_id.to_hex(), "00010aff000000000000000000000000");
    EXPECT_EQ(context.span_id.to_hex(), "00000000000000ab");
    EXPECT_TRUE(context.is_valid());
}

}  // namespace
}  // namespace judgeval::test
