// The scenario with this library; scenario.py and scenario.mjs have the same, step by step.
//
// The platform's address and the credentials come from JUDGMENT_API_URL, JUDGMENT_API_KEY and
// JUDGMENT_ORG_ID. Ends with 0 when everything was delivered.
#include <chrono>
#include <iostream>
#include <judgeval/json.hpp>
#include <judgeval/judgeval.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

using Json = nlohmann::ordered_json;  // keeps the order of the keys
using judgeval::Tracer;

void nested_tools(const Tracer& tracer) {
    auto rank = tracer.observe([](const std::vector<double>&) { return 0.75; },
                               {.name = "rank", .type = "tool", .args = {"scores"}});
    auto search = tracer.observe(
        [&](const std::string&, int, bool, double, const Json&) {
            rank({0.5, 1.0, 0.1});
            return std::vector<std::string>{"Lisbon", "São Paulo"};
        },
        {.name = "search", .type = "tool", .args = {"query", "limit", "exact", "weight", "filters"}});
    auto count = tracer.observe([](const std::string& text) { return text.size(); },
                                {.name = "count", .type = "tool", .args = {"text"}});
    auto is_open = tracer.observe([] { return true; }, {.name = "is_open", .type = "tool"});
    auto notify =
        tracer.observe([](const std::string&) {}, {.name = "notify", .type = "tool", .args = {"message"}});
    auto profile = tracer.observe(
        [](const Json&) {
            return Json{{"name", "Ada"}, {"visits", 3}, {"tags", {"new", "paying"}}, {"address", nullptr}};
        },
        {.name = "profile", .type = "tool", .args = {"user"}});
    auto secret =
        tracer.observe([](const std::string&) { return std::string("token"); }, {.name = "secret",
                                                                                 .type = "tool",
                                                                                 .args = {"password"},
                                                                                 .record_input = false,
                                                                                 .record_output = false});
    auto run_agent = tracer.observe(
        [&](const std::string& question) {
            search("a city — \"quoted\", on\ttwo\nlines", 3, false, 1.0,
                   Json{{"country", "PT"}, {"ids", {1, 2}}});
            count("twelve chars");
            is_open();
            notify("hello");
            profile(Json{{"id", 17}});
            secret("hunter2");
            return "It is " + question;
        },
        {.name = "run_agent", .type = "function", .args = {"question"}});
    run_agent("where?");
}

void llm_call(const Tracer& tracer) {
    auto ask_model = tracer.observe(
        [&](const std::string&) {
            auto span = tracer.span("OPENAI_API_CALL", {.type = "llm"});
            span.set_attribute("gen_ai.prompt", R"({"model":"gpt-4o","messages":[]})");
            span.set_attribute("gen_ai.request.model", "gpt-4o");
            span.set_attribute("gen_ai.completion", "Lisbon");
            span.set_attribute("judgment.llm.provider", "openai");
            span.set_attribute("judgment.llm.model", "gpt-4o");
            span.set_attribute("judgment.usage.non_cached_input_tokens", 11);
            span.set_attribute("judgment.usage.output_tokens", 2);
            span.set_attribute("judgment.usage.total_cost_usd", 0.00125);
            return "Lisbon";
        },
        {.name = "ask_model", .type = "function", .args = {"prompt"}});
    ask_model("The capital of Portugal?");
}

void error(const Tracer& tracer) {
    auto divide =
        tracer.observe([](int, int) -> int { throw std::invalid_argument("cannot divide by zero"); },
                       {.name = "divide", .type = "tool", .args = {"dividend", "divisor"}});
    auto calculate = tracer.observe(
        [&](const std::string&) {
            try {
                divide(1, 0);
            } catch (const std::invalid_argument&) {
                return std::string("recovered");
            }
            return std::string("not reached");
        },
        {.name = "calculate", .type = "function", .args = {"text"}});
    calculate("1/0");
}

void attributes(const Tracer& tracer) {
    {
        auto span = tracer.span("process_order", {.type = "function"});
        tracer.set_input(Json{{"order", 123}});
        tracer.set_attribute("text", "text");
        tracer.set_attribute("integer", 19);
        tracer.set_attribute("real", 99.5);
        tracer.set_attribute("whole", 2.0);
        tracer.set_attribute("flag", true);
        tracer.set_attribute("list", std::vector<std::string>{"a", "b"});
        tracer.set_attribute("object", std::map<std::string, int>{{"a", 1}});
        tracer.set_attributes({{"currency", "USD"}, {"items", 2}});
        tracer.set_state_before(std::map<std::string, int>{{"stock", 3}});
        tracer.set_state_after(std::map<std::string, int>{{"stock", 2}});
        tracer.set_output(std::vector<std::string>{"packed", "sent"});
    }
    auto span = tracer.span("estimate", {.type = "tool"});
    tracer.set_input(3);
    tracer.set_output(4.5);
}

void session(const Tracer& tracer) {
    auto embed = tracer.observe([] { return "vector"; }, {.name = "embed", .type = "tool"});
    auto retrieve = tracer.observe([&](const std::string&) { return embed(); },
                                   {.name = "retrieve", .type = "tool", .args = {"query"}});
    auto handed_over = tracer.observe([] { return "done"; }, {.name = "handed_over", .type = "tool"});
    auto hand_over = tracer.observe(
        [&] {
            tracer.set_customer_id("customer-8");  // for what is below here only
            return handed_over();
        },
        {.name = "hand_over", .type = "tool"});
    auto chat_turn = tracer.observe(
        [&](const std::string& message) {
            tracer.set_session_id("session-42");
            tracer.set_customer_id("customer-7");
            tracer.set_customer_user_id("user-1");
            retrieve(message);
            hand_over();
            retrieve("once more");
            return "bye";
        },
        {.name = "chat_turn", .type = "function", .args = {"message"}});
    chat_turn("hello");
}

void propagating_attribute(const Tracer& tracer) {
    auto leaf = tracer.observe([] { return "leaf"; }, {.name = "leaf", .type = "tool"});
    auto tenant = tracer.observe(
        [&] {
            tracer.set_propagating_attribute("tenant", "north wing");
            tracer.set_propagating_attribute("judgment.reserved", "not taken");
            return leaf();
        },
        {.name = "tenant", .type = "function"});
    tenant();
}

void project_override(const Tracer& tracer, const judgeval::Judgeval& client) {
    auto routed_tool = tracer.observe(
        [&] {
            tracer.override_project("never asked for");  // not a root span: has no effect
            return "routed";
        },
        {.name = "routed_tool", .type = "tool"});
    auto routed = tracer.observe(
        [&] {
            tracer.override_project("conformance-other");
            tracer.tag("for the other project");
            tracer.async_evaluate(client.scorers.built_in.faithfulness(),
                                  judgeval::Example::create({{"context", "a page"}}));
            return routed_tool();
        },
        {.name = "routed", .type = "function"});
    routed();
}

void agents(const Tracer& tracer) {
    auto look_up = tracer.observe([](const std::string& what) { return what; },
                                  {.name = "look_up", .type = "tool", .args = {"what"}});
    auto criticise = tracer.agent(tracer.observe(
                                      [&](const std::string&) {
                                          look_up("taste");
                                          return "fine";
                                      },
                                      {.name = "criticise", .type = "agent", .record_input = false}),
                                  {.class_name = "Critic", .instance_name = "strict"});
    auto plan = tracer.agent(tracer.observe(
                                 [&](const std::string&) {
                                     look_up("calendar");
                                     criticise("a table");
                                     look_up("address");
                                     return "planned";
                                 },
                                 {.name = "plan", .type = "agent", .args = {"goal"}}),
                             {.class_name = "Planner", .instance_name = "first"});
    plan("book a table");
}

void evaluation(const Tracer& tracer, const judgeval::Judgeval& client) {
    // The others find the project before they start a span; here that is the exporter's work, and the
    // evaluation of a trace needs its id.
    tracer.force_flush(60s);
    const auto scorer = client.scorers.built_in.answer_relevancy({.threshold = 0.8});
    auto answer = tracer.observe(
        [&](const std::string& question) {
            tracer.async_evaluate(
                scorer, judgeval::Example::create({{"input", question},
                                                   {"actual_output", "Lisbon"},
                                                   {"retrieval_context", std::vector{"a page", "another"}}}));
            tracer.async_evaluate(client.scorers.prompt_scorer.get("Tone"),
                                  judgeval::Example::create({{"actual_output", "Lisbon"}}));
            tracer.async_trace_evaluate(scorer);
            return "Lisbon";
        },
        {.name = "answer", .type = "function", .args = {"question"}});
    answer("The capital of Portugal?");
}

void tags(const Tracer& tracer) {
    auto tagged = tracer.observe(
        [&] {
            tracer.tag("reviewed");
            tracer.tag({"important", "customer-facing"});
        },
        {.name = "tagged", .type = "function"});
    tagged();
}

void linked_trace(const Tracer& tracer) {
    auto reindex = tracer.observe([](const std::string&) { return "indexed"; },
                                  {.name = "reindex", .type = "tool", .args = {"folder"}, .fork = true});
    auto publish = tracer.observe([&] { return reindex("drafts"); }, {.name = "publish", .type = "function"});
    publish();
}

void remote_parent(const Tracer& tracer) {
    const std::map<std::string, std::string> headers{
        {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"tracestate", "vendor=t61rcWkgMzE,other=00f067aa0ba902b7"},
        {"baggage", "region=eu%20west,judgment.session_id=session-9"}};
    auto look_up = tracer.observe([](const std::string& what) { return what; },
                                  {.name = "look_up", .type = "tool", .args = {"what"}});
    auto handle_request = tracer.observe(
        [&](const std::string&) {
            std::map<std::string, std::string> outgoing;
            judgeval::inject(outgoing);
            tracer.set_attribute("outgoing.traceparent", outgoing["traceparent"]);
            tracer.set_attribute("outgoing.tracestate", outgoing["tracestate"]);
            tracer.set_attribute("outgoing.baggage", outgoing["baggage"]);
            look_up("stock");
            return "200";
        },
        {.name = "handle_request", .type = "function", .args = {"path"}});
    const auto scope = judgeval::continue_trace(headers);
    handle_request("/orders");
}

}  // namespace

int main() {
    judgeval::Judgeval client({.project_name = "conformance"});
    // Zero: an observed call is sent when it is entered and when it returns, as the other two do.
    const Tracer tracer =
        client.tracer.create({.resource_attributes = {{"service.version", "1.0"}, {"shard", 7}},
                              .environment = "staging",
                              .pipeline = {.emit_open_after = 0ms}});
    nested_tools(tracer);
    llm_call(tracer);
    error(tracer);
    attributes(tracer);
    session(tracer);
    propagating_attribute(tracer);
    project_override(tracer, client);
    agents(tracer);
    evaluation(tracer, client);
    tags(tracer);
    linked_trace(tracer);
    remote_parent(tracer);
    const bool delivered = tracer.shutdown(60s);
    const judgeval::Stats stats = tracer.stats();
    std::cout << stats.exported << " exported, " << stats.dropped_total() << " dropped, "
              << stats.platform_requests_delivered << " of " << stats.platform_requests_queued
              << " tags and evaluations delivered\n";
    return delivered && stats.dropped_total() == 0 && stats.platform_requests_dropped == 0 ? 0 : 1;
}
