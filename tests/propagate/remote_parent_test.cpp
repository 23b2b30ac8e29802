// What becomes of a trace on its way through services: whose child a span is, what it inherits, and what goes
// on to the next service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "encode/json_view.hpp"
#include "judgeval/judgeval.hpp"
#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

using Headers = std::map<std::string, std::string>;

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kParent = "b7ad6b7169203331";

Headers caller(const std::string& flags) {
    return {{"traceparent", "00-" + kTrace + "-" + kParent + "-" + flags}};
}

class RemoteParent : public testing::Test {
  protected:
    /// The spans by name.
    std::map<std::string, encode::Span> take() {
        std::map<std::string, encode::Span> spans;
        for (auto& span : recorder_.take()) spans[span.name] = span;
        return spans;
    }
    /// What a request that is made here and now would carry.
    static Headers outgoing() {
        Headers headers;
        inject(headers);
        return headers;
    }

    Recorder recorder_;
    const Tracer& tracer_ = recorder_.tracer;
};

TEST_F(RemoteParent, IsTheParentOfTheFirstSpanHere) {
    Headers next;
    {
        const ContextScope scope = continue_trace(caller("01"));
        const auto request = tracer_.span("request");
        const auto work = tracer_.span("work");
        next = outgoing();
    }
    auto spans = take();
    ASSERT_EQ(spans.size(), 2U);
    const encode::Span& request = spans["request"];
    const encode::Span& work = spans["work"];
    EXPECT_EQ(encode::to_hex(request.trace_id), kTrace);
    EXPECT_EQ(encode::to_hex(request.parent_span_id), kParent);
    EXPECT_EQ(request.flags, 0x301U) << "its parent is known to be remote";
    EXPECT_EQ(work.trace_id, request.trace_id);
    EXPECT_EQ(work.parent_span_id, request.span_id);
    EXPECT_EQ(work.flags, 0x101U) << "its parent is known to be local";
    EXPECT_EQ(next, (Headers{{"traceparent", "00-" + kTrace + "-" + encode::to_hex(work.span_id) + "-01"}}));
}

TEST_F(RemoteParent, OnAnyThreadAndForDetachedSpans) {
    const Context context = extract(caller("01"));
    std::thread([&] {
        const ContextScope scope(context);
        tracer_.span("thread").end();
    }).join();
    tracer_.start_span("detached", {}, context).end();
    auto spans = take();
    for (const char* const name : {"thread", "detached"}) {
        EXPECT_EQ(encode::to_hex(spans[name].parent_span_id), kParent) << name;
        EXPECT_EQ(spans[name].flags, 0x301U) << name;
    }
}

TEST_F(RemoteParent, ItsFlagsGoOn) {
    {
        const ContextScope scope = continue_trace(caller("03"));
        const auto request = tracer_.span("request");
        EXPECT_THAT(outgoing().at("traceparent"), testing::EndsWith("-03"));
        tracer_.span("work").end();
    }
    auto spans = take();
    EXPECT_EQ(spans["request"].flags, 0x303U);
    EXPECT_EQ(spans["work"].flags, 0x103U);
}

TEST_F(RemoteParent, ThatIsNotSampledIsPassedOnAsItIs) {
    Headers headers = caller("02");
    headers["tracestate"] = "rojo=1,congo=2";
    headers["baggage"] = "user=ann;p=1,judgment.session_id=s";
    {
        const ContextScope scope = continue_trace(headers);
        const auto request = tracer_.span("request");
        EXPECT_EQ(outgoing(), headers);
    }
    EXPECT_TRUE(take().empty());
}

TEST_F(RemoteParent, ThatIsMalformedIsNone) {
    {
        const auto outer = tracer_.span("outer");
        const ContextScope scope =
            continue_trace(Headers{{"traceparent", "00-" + kTrace + "-" + kParent + "-0"}});
        tracer_.span("request").end();
    }
    auto spans = take();
    EXPECT_TRUE(spans["request"].is_root());
    EXPECT_EQ(spans["request"].flags, 0x101U);
    EXPECT_NE(encode::to_hex(spans["request"].trace_id), kTrace);
    EXPECT_NE(spans["request"].trace_id, spans["outer"].trace_id);
}

TEST_F(RemoteParent, ItsTracestateReachesEverySpanBelowAndTheNextService) {
    Headers headers = caller("01");
    headers["tracestate"] = "rojo=1 , congo=2,";
    {
        const ContextScope scope = continue_trace(headers);
        const auto request = tracer_.span("request");
        const auto work = tracer_.span("work");
        tracer_.set_session_id("s");
        tracer_.span("inner").end();
        std::thread(tracer_.bind([&] { tracer_.span("thread").end(); })).join();
        EXPECT_EQ(outgoing().at("tracestate"), "rojo=1,congo=2");
    }
    {
        const auto other = tracer_.span("other");
        other.add_link(extract(headers).span_context());
        EXPECT_EQ(outgoing().count("tracestate"), 0U);
    }
    auto spans = take();
    for (const char* const name : {"request", "work", "inner", "thread"}) {
        EXPECT_EQ(spans[name].trace_state, "rojo=1,congo=2") << name;
    }
    EXPECT_EQ(spans["other"].trace_state, "");
    ASSERT_EQ(spans["other"].links.size(), 1U);
    EXPECT_EQ(spans["other"].links[0].trace_state, "rojo=1,congo=2");
}

TEST_F(RemoteParent, ItsBaggageBecomesAttributesOfEverySpanBelow) {
    Headers headers = caller("01");
    headers["baggage"] =
        "judgment.session_id=session%201,judgment.customer_id=c,judgment.customer_user_id=u,user=Am%C3%A9lie;"
        "p=1,"
        "judgment.project_id_override=stolen,judgment.future=f,broken,empty=";
    Headers next;
    {
        const ContextScope scope = continue_trace(headers);
        const auto request = tracer_.span("request");
        const auto work = tracer_.span("work");
        next = outgoing();
    }
    auto spans = take();
    for (const char* const name : {"request", "work"}) {
        const auto& attributes = spans[name].attributes;
        EXPECT_EQ(text_of(attributes, "judgment.session_id"), "session 1") << name;
        EXPECT_EQ(text_of(attributes, "judgment.customer_id"), "c") << name;
        EXPECT_EQ(text_of(attributes, "judgment.customer_user_id"), "u") << name;
        EXPECT_EQ(text_of(attributes, "user"), "Am\xC3\xA9lie") << name;
        EXPECT_FALSE(has_attribute(attributes, "judgment.project_id_override")) << name;
        EXPECT_FALSE(has_attribute(attributes, "judgment.future")) << name;
    }
    EXPECT_EQ(next.at("baggage"),
              "judgment.session_id=session%201,judgment.customer_id=c,judgment.customer_user_id=u,user=Am%C3%"
              "A9lie;p=1,"
              "judgment.project_id_override=stolen,judgment.future=f,empty=");
}

TEST_F(RemoteParent, WhatIsSetHereTravelsToo) {
    Headers headers = caller("01");
    headers["baggage"] = "judgment.session_id=theirs,user=ann";
    {
        const ContextScope scope = continue_trace(headers);
        const auto request = tracer_.span("request");
        tracer_.set_session_id("ours/1");
        tracer_.set_customer_id("c");
        tracer_.set_customer_user_id("u");
        tracer_.set_propagating_attribute("tier", "gold, \"24 k\"");
        EXPECT_EQ(outgoing().at("baggage"),
                  "judgment.session_id=ours/1,user=ann,judgment.customer_id=c,judgment.customer_user_id=u,"
                  "tier=gold%2C%20%2224%20k%22");
        // The next service, on a thread of its own.
        std::thread([this, next = outgoing()] {
            const ContextScope next_scope = continue_trace(next);
            tracer_.span("next").end();
        }).join();
    }
    auto spans = take();
    EXPECT_EQ(spans["next"].parent_span_id, spans["request"].span_id);
    EXPECT_EQ(text_of(spans["next"].attributes, "judgment.session_id"), "ours/1");
    EXPECT_EQ(text_of(spans["next"].attributes, "tier"), "gold, \"24 k\"");
    EXPECT_EQ(text_of(spans["next"].attributes, "user"), "ann");
}

TEST_F(RemoteParent, BaggageWithoutACallerGoesOnWithAFreshTrace) {
    {
        const ContextScope scope =
            continue_trace(Headers{{"baggage", "judgment.session_id=s"}, {"tracestate", "a=1"}});
        const auto request = tracer_.span("request");
        EXPECT_EQ(outgoing().at("baggage"), "judgment.session_id=s");
        EXPECT_EQ(outgoing().count("tracestate"), 0U);
    }
    auto spans = take();
    EXPECT_TRUE(spans["request"].is_root());
    EXPECT_EQ(text_of(spans["request"].attributes, "judgment.session_id"), "s");
}

TEST_F(RemoteParent, BaggageAtItsCapsGoesThroughWhole) {
    std::string many = "0=v";
    for (int i = 1; i < 180; ++i) many.append(",").append(std::to_string(i)).append("=v");
    const std::string long_pair = std::string("a=") + std::string(4094, 'x');
    const std::string long_baggage = long_pair + ",b=" + std::string(4093, 'y');
    ASSERT_EQ(long_baggage.size(), 8192U);
    for (const std::string& baggage : {many, long_pair, long_baggage}) {
        Headers headers = caller("01");
        headers["baggage"] = baggage;
        const ContextScope scope = continue_trace(headers);
        const auto request = tracer_.span("request");
        EXPECT_EQ(outgoing(), (Headers{{"baggage", baggage}, {"traceparent", outgoing().at("traceparent")}}));
        headers["baggage"] += ",over=1";
        const ContextScope over = continue_trace(headers);
        if (baggage != long_pair) {
            EXPECT_EQ(outgoing().at("baggage"), baggage);
        }
    }
}

}  // namespace
}  // namespace judgeval::test
