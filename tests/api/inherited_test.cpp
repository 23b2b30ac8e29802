// What a span hands down: sessions, customers, propagating attributes and agents; on the span itself, on
// those below, across threads, and on nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

constexpr const char* kSession = "judgment.session_id";

class InheritedTest : public testing::Test {
  protected:
    /// The spans by name.
    std::map<std::string, encode::Span> take() {
        std::map<std::string, encode::Span> spans;
        for (auto& span : recorder_.take()) {
            EXPECT_TRUE(keys_are_unique(span.attributes)) << span.name;
            spans[span.name] = span;
        }
        return spans;
    }
    static std::string hex_of(const std::string& id) {
        return TraceId::hex(reinterpret_cast<const std::uint8_t*>(id.data()), id.size());
    }
    static std::string session_of(const encode::Span& span) {
        return has_attribute(span.attributes, kSession) ? text_of(span.attributes, kSession) : "";
    }

    Recorder recorder_;
    const Tracer& tracer_ = recorder_.tracer;
};

TEST_F(InheritedTest, ReachesTheSpanAndThoseStartedBelowItFromThenOn) {
    {
        auto root = tracer_.span("root");
        { auto before = tracer_.span("before"); }
        auto chat = tracer_.span("chat");
        auto early = tracer_.start_span("early");
        tracer_.set_session_id("s1");
        tracer_.set_customer_id("c1");
        chat.set_customer_user_id("u1");
        {
            auto tool = tracer_.span("tool");
            auto deep = tracer_.span("deep");
        }
        auto detached = tracer_.start_span("detached");
        chat.end();
        { auto after = tracer_.span("after"); }
    }
    const auto spans = take();
    for (const char* name : {"root", "before", "early", "after"})
        EXPECT_EQ(session_of(spans.at(name)), "") << name;
    for (const char* name : {"chat", "tool", "deep", "detached"}) {
        EXPECT_EQ(session_of(spans.at(name)), "s1") << name;
        EXPECT_EQ(text_of(spans.at(name).attributes, "judgment.customer_id"), "c1");
        EXPECT_EQ(text_of(spans.at(name).attributes, "judgment.customer_user_id"), "u1");
    }
}

TEST_F(InheritedTest, CrossesThreadsWithTheContext) {
    {
        auto root = tracer_.span("root");
        root.set_session_id("s1");
        std::thread(tracer_.bind([this] { auto bound = tracer_.span("bound"); })).join();
        std::thread([this, context = root.context()] {
            auto child = tracer_.start_span("child", {}, context);
            const ContextScope scope(child.context());
            auto grandchild = tracer_.span("grandchild");
        }).join();
    }
    std::optional<Context> kept;
    {
        auto gone = tracer_.span("gone");
        gone.set_session_id("s2");
        kept = gone.context();
    }
    std::thread([this, kept = *kept] { auto late = tracer_.start_span("late", {}, kept); }).join();
    const auto spans = take();
    for (const char* name : {"root", "bound", "child", "grandchild"})
        EXPECT_EQ(session_of(spans.at(name)), "s1");
    EXPECT_EQ(session_of(spans.at("late")), "s2");
}

TEST_F(InheritedTest, TheLastValueCountsAndAnEmptyOneTakesItAway) {
    {
        auto root = tracer_.span("root");
        tracer_.set_session_id("s1");
        {
            auto child = tracer_.span("child");
            child.set_session_id("s2");
            auto grandchild = tracer_.span("grandchild");
        }
        { auto sibling = tracer_.span("sibling"); }
        tracer_.set_session_id("");
        auto last = tracer_.span("last");
    }
    const auto spans = take();
    EXPECT_EQ(session_of(spans.at("child")), "s2");
    EXPECT_EQ(session_of(spans.at("grandchild")), "s2");
    EXPECT_EQ(session_of(spans.at("sibling")), "s1");
    EXPECT_EQ(session_of(spans.at("root")), "");
    EXPECT_EQ(session_of(spans.at("last")), "");
}

TEST_F(InheritedTest, AnAttributeOfTheSpansOwnWinsWhicheverCameLast) {
    {
        auto root = tracer_.span("root");
        root.set_attribute("tenant", "own");
        root.set_propagating_attribute("tenant", "handed down");
        {
            auto own = tracer_.span("own");
            own.set_attribute("tenant", "its own");
            auto below = tracer_.span("below");
        }
    }
    const auto spans = take();
    EXPECT_EQ(text_of(spans.at("root").attributes, "tenant"), "handed down");
    EXPECT_EQ(text_of(spans.at("own").attributes, "tenant"), "its own");
    EXPECT_EQ(text_of(spans.at("below").attributes, "tenant"), "handed down");
}

TEST_F(InheritedTest, ReservedKeysAndWhatDoesNotFitAreLeftOutAndCounted) {
    {
        auto root = tracer_.span("root");
        root.set_propagating_attribute("judgment.span_kind", "forged");
        root.set_propagating_attribute("large", std::string(4096, 'x'));
        root.set_propagating_attribute("kept", "value");
        root.set_propagating_attribute("text", std::string("\xFF\xFE"));
    }
    const auto span = recorder_.take_one();
    EXPECT_EQ(text_of(span.attributes, "judgment.span_kind"), "span");
    EXPECT_FALSE(has_attribute(span.attributes, "large"));
    EXPECT_EQ(text_of(span.attributes, "kept"), "value");
    EXPECT_EQ(text_of(span.attributes, "text"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(span.dropped_attributes_count, 2U);
}

TEST_F(InheritedTest, AScopeSetsValuesForACurrentSpanAndWithoutOne) {
    {
        const auto scope = tracer_.scoped_context({.session_id = "s1", .attributes = {{"tenant", "a"}}});
        { auto first = tracer_.span("first"); }
        auto second = tracer_.span("second");
        {
            const auto inner = tracer_.scoped_context({.customer_id = "c1"});
            tracer_.set_attribute("through", "the scope");
            tracer_.set_session_id("s2");
            auto third = tracer_.span("third");
        }
        auto fourth = tracer_.span("fourth");
    }
    { auto outside = tracer_.span("outside"); }
    const auto spans = take();
    EXPECT_EQ(session_of(spans.at("first")), "s1");
    EXPECT_TRUE(spans.at("first").is_root());
    EXPECT_EQ(text_of(spans.at("first").attributes, "tenant"), "a");
    EXPECT_NE(spans.at("first").trace_id, spans.at("second").trace_id);
    EXPECT_EQ(text_of(spans.at("second").attributes, "through"), "the scope");
    EXPECT_EQ(text_of(spans.at("second").attributes, "judgment.customer_id"), "c1");
    EXPECT_EQ(session_of(spans.at("third")), "s2");
    EXPECT_EQ(text_of(spans.at("third").attributes, "judgment.customer_id"), "c1");
    EXPECT_EQ(spans.at("third").parent_span_id, spans.at("second").span_id);
    EXPECT_EQ(session_of(spans.at("fourth")), "s1");
    EXPECT_FALSE(has_attribute(spans.at("fourth").attributes, "judgment.customer_id"));
    EXPECT_EQ(session_of(spans.at("outside")), "");
}

TEST_F(InheritedTest, SpansThatEndOutOfOrderLeaveNothingDangling) {
    for (int i = 0; i < 3; ++i) {
        auto root = tracer_.span("root");
        root.set_session_id(std::string(1, 's').append(std::to_string(i)));
        auto child = tracer_.span("child");
        auto grandchild = tracer_.span("grandchild");
        root.set_session_id(
            std::string(1, 't').append(std::to_string(i)));  // the two above still borrow the first
        root.end();
        auto below = tracer_.span("below");
        child.end();
        auto last = tracer_.span("last");
        {
            const auto scope = tracer_.scoped_context({.customer_id = "c"});
            grandchild.end();
            tracer_.set_attribute("to nobody", 1);
            auto under_scope = tracer_.span("under_scope");
        }
        below.end();
        last.end();
        const auto spans = take();
        EXPECT_EQ(spans.size(), 6U);
        for (const char* name : {"child", "grandchild", "below", "last", "under_scope"}) {
            EXPECT_EQ(session_of(spans.at(name)), std::string(1, 's').append(std::to_string(i))) << name;
        }
        EXPECT_EQ(session_of(spans.at("root")), std::string(1, 't').append(std::to_string(i)));
    }
}

TEST_F(InheritedTest, ALargeInheritanceFitsSpansOfEverySize) {
    const std::string value(4000, 'v');
    {
        auto root = tracer_.span("root");
        root.set_propagating_attribute("one", value);
        root.set_propagating_attribute("two", value);
        for (int i = 0; i < 100; ++i) {
            auto child = tracer_.span("child");
            child.set_attribute("filling", std::string(static_cast<std::size_t>(i) * 100, 'f'));
        }
    }
    const auto spans = recorder_.take();
    ASSERT_EQ(spans.size(), 101U);
    for (const auto& span : spans) {
        EXPECT_EQ(text_of(span.attributes, "one"), value);
        EXPECT_EQ(text_of(span.attributes, "two"), value);
    }
}

TEST_F(InheritedTest, AnAgentHasAnIdItsParentsAndOneEntryPoint) {
    const auto work = tracer_.observe([this](const std::string& name) {
        auto step = tracer_.span(name);
        return 1;
    });
    auto inner = tracer_.agent(
        [this] {
            { auto entry = tracer_.span("inner entry"); }
            auto second = tracer_.span("inner second");
        },
        {.class_name = "Inner"});
    auto outer = tracer_.agent(
        [&](const std::string& name) {
            auto entry = tracer_.span("outer entry");
            work(name);
            inner();
        },
        {.class_name = "Planner", .instance_name = "first"});
    {
        auto root = tracer_.span("root");
        outer("step");
    }
    const auto spans = take();
    const auto id_of = [&](const char* name) {
        return text_of(spans.at(name).attributes, "judgment.agent_id");
    };
    const std::string outer_id = id_of("outer entry");
    EXPECT_EQ(outer_id.size(), 36U);
    EXPECT_EQ(outer_id[14], '4');
    EXPECT_EQ(id_of("step"), outer_id);
    EXPECT_EQ(id_of("function"), outer_id);
    EXPECT_NE(id_of("inner entry"), outer_id);
    EXPECT_EQ(id_of("inner second"), id_of("inner entry"));
    EXPECT_EQ(text_of(spans.at("inner second").attributes, "judgment.parent_agent_id"), outer_id);
    EXPECT_EQ(text_of(spans.at("inner entry").attributes, "judgment.agent_class_name"), "Inner");
    EXPECT_FALSE(has_attribute(spans.at("inner entry").attributes, "judgment.agent_instance_name"));
    EXPECT_EQ(text_of(spans.at("step").attributes, "judgment.agent_instance_name"), "first");
    EXPECT_FALSE(has_attribute(spans.at("outer entry").attributes, "judgment.parent_agent_id"));
    EXPECT_FALSE(has_attribute(spans.at("root").attributes, "judgment.agent_id"));
    for (const auto& [name, span] : spans) {
        EXPECT_EQ(has_attribute(span.attributes, "judgment.is_agent_entry_point"),
                  name == "inner entry" || name == "outer entry")
            << name;
    }
}

TEST_F(InheritedTest, ALinkedTraceAndItsInvocationNameEachOther) {
    {
        auto root = tracer_.span("root");
        root.set_session_id("s1");
        {
            const auto linked = tracer_.start_linked_trace("job", {.type = "tool"});
            linked.set_attribute("on", "the new root");
            auto step = tracer_.span("step");
        }
        auto after = tracer_.span("after");
    }
    auto spans = recorder_.take();
    ASSERT_EQ(spans.size(), 5U);  // step, the new root, the invocation, after, root
    const auto &step = spans[0], &job = spans[1], &invocation = spans[2], &after = spans[3], &root = spans[4];
    EXPECT_EQ(job.name, "job");
    EXPECT_TRUE(job.is_root());
    EXPECT_NE(job.trace_id, root.trace_id);
    EXPECT_EQ(step.parent_span_id, job.span_id);
    EXPECT_EQ(session_of(job), "s1");
    EXPECT_EQ(session_of(step), "s1");
    EXPECT_EQ(invocation.name, "job");
    EXPECT_EQ(invocation.parent_span_id, root.span_id);
    EXPECT_EQ(after.parent_span_id, root.span_id);
    EXPECT_EQ(text_of(job.attributes, "judgment.link.source_trace_id"), hex_of(root.trace_id));
    EXPECT_EQ(text_of(job.attributes, "judgment.link.source_span_id"), hex_of(invocation.span_id));
    EXPECT_EQ(text_of(invocation.attributes, "judgment.link.target_trace_id"), hex_of(job.trace_id));
    EXPECT_EQ(text_of(invocation.attributes, "judgment.link.target_span_id"), hex_of(job.span_id));
    ASSERT_EQ(job.links.size(), 1U);
    EXPECT_EQ(job.links[0].span_id, invocation.span_id);
    ASSERT_EQ(invocation.links.size(), 1U);
    EXPECT_EQ(invocation.links[0].trace_id, job.trace_id);
    EXPECT_EQ(text_of(job.attributes, "on"), "the new root");
    { const auto alone = tracer_.start_linked_trace("alone"); }
    EXPECT_TRUE(recorder_.take_one().links.empty());
}

TEST_F(InheritedTest, AForkedCallIsRecordedOnBothOfItsSpans) {
    const auto reindex = tracer_.observe(
        [](int shard) {
            if (shard < 0) throw std::runtime_error("no such shard");
            return shard * 2;
        },
        {.name = "reindex", .type = "tool", .args = {"shard"}, .fork = true});
    {
        auto root = tracer_.span("root");
        EXPECT_EQ(reindex(21), 42);
        EXPECT_THROW(reindex(-1), std::runtime_error);
    }
    const auto spans = recorder_.take();
    ASSERT_EQ(spans.size(), 5U);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(text_of(spans[static_cast<std::size_t>(i)].attributes, "judgment.input"), "{\"shard\":21}");
        EXPECT_EQ(text_of(spans[static_cast<std::size_t>(i)].attributes, "judgment.output"), "42");
        EXPECT_EQ(spans[static_cast<std::size_t>(i) + 2].status.message, "no such shard");
        EXPECT_EQ(spans[static_cast<std::size_t>(i) + 2].events.size(), 1U);
    }
    EXPECT_TRUE(spans[0].is_root());
    EXPECT_EQ(spans[1].parent_span_id, spans[4].span_id);
}

TEST(OpenEmission, AnOpenSpanIsSentAsItStandsAndAgainAtItsEnd) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("run");
        span.set_session_id("s1");
        span.set_attribute("judgment.pending_trace_eval", "{}");
        span.set_input("question");
        span.emit_partial();
        auto partial = recorder.take_one();
        EXPECT_EQ(partial.end_time_unix_nano, partial.start_time_unix_nano);
        EXPECT_EQ(value_of<std::int64_t>(partial.attributes, "judgment.update_id"), 0);
        EXPECT_EQ(text_of(partial.attributes, "judgment.input"), "question");
        EXPECT_EQ(text_of(partial.attributes, kSession), "s1");
        EXPECT_FALSE(has_attribute(partial.attributes, "judgment.pending_trace_eval"));
        span.set_output("answer");
    }
    const auto whole = recorder.take_one();
    EXPECT_EQ(value_of<std::int64_t>(whole.attributes, "judgment.update_id"), 1);
    EXPECT_EQ(text_of(whole.attributes, "judgment.pending_trace_eval"), "{}");
    EXPECT_EQ(text_of(whole.attributes, "judgment.output"), "answer");
    EXPECT_TRUE(keys_are_unique(whole.attributes));
    EXPECT_EQ(recorder.totals().started, 1U);
    EXPECT_EQ(recorder.totals().partial_emissions, 1U);
}

TEST(OpenEmission, AnLlmCallSendsWhatIsOpenAboveItOnce) {
    Recorder recorder({.emit_open_after = std::chrono::hours(1)});
    {
        auto root = recorder.tracer.span("root");
        auto agent = recorder.tracer.span("agent");
        { auto tool = recorder.tracer.span("tool", {.type = "tool"}); }
        EXPECT_EQ(recorder.take_one().name, "tool");
        {
            auto call = recorder.tracer.span("call", {.type = "llm"});
            const auto above = recorder.take();
            ASSERT_EQ(above.size(), 2U);
            EXPECT_EQ(above[0].name, "agent");
            EXPECT_EQ(above[1].name, "root");
        }
        EXPECT_EQ(recorder.take_one().name, "call");
        { auto call = recorder.tracer.span("call", {.type = std::string("llm")}); }
        EXPECT_EQ(recorder.take_one().name, "call");
    }
    EXPECT_EQ(recorder.take().size(), 2U);
}

void wait_for_a_later_time() {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(3)) {
    }
}

TEST(OpenEmission, WhatHasBeenOpenForLongIsSentWhenItsThreadNextTraces) {
    Recorder recorder({.emit_open_after = std::chrono::milliseconds(1)});
    {
        auto root = recorder.tracer.span("root");
        wait_for_a_later_time();
        auto child = recorder.tracer.span("child");
        EXPECT_EQ(recorder.take_one().name, "root");
        {
            auto grandchild = recorder.tracer.span("grandchild");
            wait_for_a_later_time();
        }
        const auto spans = recorder.take();
        ASSERT_EQ(spans.size(), 2U);
        EXPECT_EQ(spans[0].name, "grandchild");
        EXPECT_EQ(spans[1].name, "child");
        EXPECT_EQ(spans[1].end_time_unix_nano, spans[1].start_time_unix_nano);
    }
    EXPECT_EQ(recorder.take().size(), 2U);
}

TEST(OpenEmission, ASpanThatStartsBelowMovesOutOfTheWay) {
    Recorder recorder({.emit_open_after = std::chrono::milliseconds(1)});
    { auto span = recorder.tracer.span("so that the thread has an arena"); }
    recorder.take();
    {
        auto root = recorder.tracer.span("root");
        { auto child = recorder.tracer.span("first"); }  // the root's bytes left the arena for it
        wait_for_a_later_time();
        auto child = recorder.tracer.span("second", {.type = "tool"});
        child.set_attribute("key", "value");
        const auto spans = recorder.take();
        EXPECT_EQ(spans.size(), 2U) << "the first child, and the root as it stands";
        EXPECT_EQ(std::count_if(spans.begin(), spans.end(), [](const auto& s) { return s.name == "root"; }),
                  1);
    }
    const auto spans = recorder.take();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(spans[0].name, "second");
    EXPECT_EQ(text_of(spans[0].attributes, "judgment.span_kind"), "tool");
    EXPECT_EQ(text_of(spans[0].attributes, "key"), "value");
    EXPECT_EQ(spans[1].name, "root");
}

TEST(OpenEmission, WhatIsOpenBelowAContextFromElsewhereIsSentToo) {
    Recorder recorder({.emit_open_after = std::chrono::milliseconds(1)});
    auto work = recorder.tracer.bind([&recorder] {
        auto job = recorder.tracer.span("job");
        wait_for_a_later_time();
        { auto step = recorder.tracer.span("step"); }
        const auto spans = recorder.take();
        ASSERT_EQ(spans.size(), 2U);
        EXPECT_EQ(spans[0].name, "job");
        EXPECT_EQ(spans[1].name, "step");
    });
    std::thread(work).join();
    EXPECT_EQ(recorder.take_one().name, "job");
}

TEST(OpenEmission, ByOptionAnObservedCallIsSentWhenItIsEntered) {
    Recorder recorder({.emit_open_after = std::chrono::milliseconds(0)});
    const auto call = recorder.tracer.observe(
        [&recorder](int value) {
            const auto partial = recorder.take_one();
            EXPECT_EQ(text_of(partial.attributes, "judgment.input"), "{\"value\":7}");
            EXPECT_EQ(value_of<std::int64_t>(partial.attributes, "judgment.update_id"), 0);
            return value;
        },
        {.args = {"value"}});
    call(7);
    EXPECT_EQ(value_of<std::int64_t>(recorder.take_one().attributes, "judgment.update_id"), 1);
}

}  // namespace
}  // namespace judgeval::test
