// Every call of the tracing API once, for a translation unit that is compiled with JUDGEVAL_DISABLE.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "judgeval/judgeval.hpp"

#if !defined(JUDGEVAL_DISABLE)
#error "this is about JUDGEVAL_DISABLE"
#endif

namespace judgeval::test {

/// A type that would be seen being serialized.
struct Watched {
    int* written;
};

inline int judgeval_observed_function(const Tracer& tracer) {
    JUDGEVAL_OBSERVE(tracer, "tool");
    return 5;
}

/// Traces with everything there is. Returns what went wrong, or nothing.
inline std::string make_every_call(const Tracer& tracer, int& serialized) {
    auto add = tracer.observe([](int a, int b) { return a + b; },
                              {.name = "add", .type = "tool", .args = {"a", "b"}});
    if (add(2, 3) != 5) return "observe changed a result";
    auto take = tracer.observe([](std::unique_ptr<int> number) { return number; });
    if (*take(std::make_unique<int>(7)) != 7) return "observe lost a move-only value";
    auto fail = tracer.observe([]() -> void { throw std::runtime_error("boom"); });
    try {
        fail();
        return "observe swallowed an exception";
    } catch (const std::runtime_error&) {
    }
    {
        auto span = tracer.span("span", {.type = "function"});
        span.set_attribute("key", 1);
        span.set_attribute("watched", Watched{&serialized});
        span.set_attributes({{"a", 1}, {"b", "x"}});
        span.set_input(Watched{&serialized});
        span.set_output("output");
        span.set_span_kind("tool");
        span.add_event("event", {{"a", 1}});
        span.add_link(SpanContext{});
        span.record_exception(std::runtime_error("x"));
        span.record_current_exception();
        span.set_status(StatusCode::kError, "x");
        span.update_name("other");
        tracer.set_attribute("current", 1);
        if (span.is_recording()) return "a span is recording";
        if (span.context().is_valid() || tracer.current_context().is_valid()) return "a context is valid";
        const ContextScope scope{Context()};
        span.end();
    }
    {
        const auto scope = tracer.scoped_context({.session_id = "s", .attributes = {{"a", "b"}}});
        const auto linked = tracer.start_linked_trace("linked");
        linked.set_session_id("s");
        tracer.set_customer_id("c");
        tracer.set_customer_user_id("u");
        tracer.set_propagating_attribute("a", "b");
        tracer.tag("a");
        tracer.tag({"a", "b"});
        auto example = Example::create({{"input", "text"}, {"watched", Watched{&serialized}}});
        example.set("watched", Watched{&serialized});
        if (!example.example_id().empty()) return "an example was given an id";
        tracer.async_evaluate(Scorers().built_in.faithfulness(), example);
        if (!Scorers().prompt_scorer.get("a").score_type.empty()) return "a scorer was fetched";
        tracer.async_trace_evaluate(Scorers().built_in.answer_relevancy({.strict_mode = true}));
        const OfflineTracer offline;
        offline.span("a").end();
        if (!offline.take_examples().empty()) return "there are offline examples";
        if (!example.field("input").empty() || !example.to_json().empty()) return "an example has a field";
        tracer.set_state_before(Watched{&serialized});
        tracer.set_state_after("text");
        linked.emit_partial();
        if (linked.is_recording() || linked.invocation() != nullptr) return "a linked trace is recording";
        auto agent = tracer.agent(tracer.observe([] { return 3; }, {.fork = true}), {.class_name = "c"});
        if (agent() != 3) return "agent changed a result";
    }
    auto job = tracer.start_span("job");
    auto moved = std::move(job);
    moved.end();
    std::map<std::string, std::string> headers;
    inject(headers);
    inject(headers, Context());
    if (!headers.empty()) return "something was injected";
    headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    if (extract(headers).is_valid()) return "something was extracted";
    {
        const ContextScope trace = continue_trace(headers);
        if (tracer.current_context().is_valid()) return "a trace was continued";
    }
    if (tracer.bind([] { return 9; })() != 9) return "bind changed a result";
    if (judgeval_observed_function(tracer) != 5) return "JUDGEVAL_OBSERVE changed a result";
    if (!tracer.force_flush() || !tracer.shutdown()) return "flush or shutdown failed";
    tracer.set_monitoring(true);
    if (tracer.stats().started != 0) return "something was counted";
    return {};
}

inline std::string make_client_and_every_call(int& serialized) {
    const Judgeval client(
        {.project_name = "p", .api_key = "k", .organization_id = "o", .api_url = "not a URL"});
    return make_every_call(client.tracer.create(), serialized);
}

}  // namespace judgeval::test

template <>
struct judgeval::Serializer<judgeval::test::Watched> {
    static void write(JsonWriter&, const test::Watched& watched) { ++*watched.written; }
};
