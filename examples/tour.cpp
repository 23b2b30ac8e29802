// A tour of the tracing API, in the order of docs/tracing.md, whose snippets are taken from here: each
// section is a function, and all of them run.
//
// Set JUDGMENT_API_KEY, JUDGMENT_ORG_ID and JUDGMENT_API_URL; without them it runs just the same and sends
// nothing.
#include <chrono>
#include <iostream>
#include <judgeval/judgeval.hpp>
#include <map>
#include <string>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;

namespace {

std::string complete(const std::string& prompt) { return "An answer to: " + prompt; }

void trace_your_agent(const judgeval::Tracer& tracer) {
    auto format_task = tracer.observe([](std::string question) { return "Please answer: " + question; },
                                      {.name = "format_task", .type = "tool", .args = {"question"}});
    auto run_agent = tracer.observe(
        [&](std::string question) {
            const std::string task = format_task(question);
            auto span = tracer.span("answer_question", {.type = "tool"});
            return complete(task);
        },
        {.name = "run_agent", .type = "function", .args = {"question"}});
    std::cout << run_agent("What is the capital of the United States?") << '\n';
}

void sessions(const judgeval::Tracer& tracer) {
    auto chat_turn = tracer.observe(
        [&](std::string user_message) {
            tracer.set_session_id("session-42");  // this span, and all that start below it
            tracer.set_customer_id("customer-7");
            tracer.set_customer_user_id("user-1");
            tracer.set_propagating_attribute("tenant", "north");
            auto span = tracer.span("retrieve", {.type = "tool"});  // carries all four
            return complete(user_message);
        },
        {.name = "chat_turn", .type = "function"});
    chat_turn("Hello! What's the weather like?");
    chat_turn("Can you recommend a restaurant nearby?");

    // The same for whatever starts in a scope, whether or not a span is current:
    const auto scope =
        tracer.scoped_context({.session_id = "session-43", .attributes = {{"tenant", "south"}}});
    tracer.span("in the scope").end();
}

void project_routing(const judgeval::Tracer& tracer) {
    const std::string environment = "staging";  // or "production"
    auto handle_request = tracer.observe(
        [&](std::string query) {
            tracer.override_project(environment + " - my_agent");  // this trace goes there
            return complete(query);
        },
        {.name = "handle_request", .type = "function"});
    handle_request("What is the capital of France?");
}

void attributes(const judgeval::Tracer& tracer) {
    auto span = tracer.span("process_order", {.type = "function"});
    tracer.set_input("order_123");
    tracer.set_attribute("text_length", 19);
    tracer.set_attributes({{"order_id", "order_123"}, {"order_total", 99.99}, {"currency", "USD"}});
    tracer.set_state_before(std::map<std::string, int>{{"stock", 3}});
    tracer.set_state_after(std::map<std::string, int>{{"stock", 2}});
    tracer.set_output(std::map<std::string, std::string>{{"status", "processed"}});
}

void tags(const judgeval::Tracer& tracer) {
    auto span = tracer.span("handle_request", {.type = "function"});
    tracer.tag("beta");
    tracer.tag({"north", "retried"});
}

void evaluations(const judgeval::Judgeval& client, const judgeval::Tracer& tracer) {
    const judgeval::Scorer polite = client.scorers.prompt_scorer.get("Politeness");  // once, at set-up
    auto answer_user = tracer.observe(
        [&](std::string question) {
            const std::string answer = complete(question);
            tracer.async_evaluate(
                client.scorers.built_in.answer_relevancy({.threshold = 0.8}),
                judgeval::Example::create({{"input", question}, {"actual_output", answer}}));
            tracer.async_trace_evaluate(polite);  // of the whole trace, once that is complete
            return answer;
        },
        {.name = "answer_user", .type = "function"});
    answer_user("What is the capital of France?");
}

void offline_tracer(const judgeval::Judgeval& client) {
    auto offline = client.tracer.create_offline({{"input", "What is 2+2?"}, {"expected_output", "4"}});
    auto solve = offline.observe([] { return 4; }, {.name = "solve", .type = "function"});
    solve();
    offline.force_flush();
    for (const judgeval::Example& example : offline.take_examples()) {
        std::cout << example.to_json() << '\n';  // its offline_trace_id names the trace
    }
}

void agents(const judgeval::Tracer& tracer) {
    auto plan = tracer.agent(
        tracer.observe([](std::string goal) { return complete(goal); }, {.name = "plan", .type = "agent"}),
        {.class_name = "Planner", .instance_name = "first"});
    plan("book a table");
}

void linked_traces(const judgeval::Tracer& tracer) {
    auto request = tracer.span("request", {.type = "function"});
    {
        const auto reindex = tracer.start_linked_trace("reindex", {.type = "tool"});
        tracer.span("step").end();  // in the new trace
    }
    // Or for each call of a function:
    auto refresh = tracer.observe([] { return 1; }, {.name = "refresh", .fork = true});
    refresh();
}

void long_runs(const judgeval::Tracer& tracer) {
    auto span = tracer.span("nightly", {.type = "agent"});
    span.set_input("everything");
    span.emit_partial();  // visible from now on; its end replaces what is seen
}

void distributed(const judgeval::Tracer& tracer) {
    std::map<std::string, std::string> headers;
    {
        auto span = tracer.span("call_external_service", {.type = "function"});
        judgeval::inject(headers);  // traceparent, tracestate, baggage
    }
    // In the other process:
    const auto trace = judgeval::continue_trace(headers);
    auto span = tracer.span("process_request", {.type = "function"});
}

void sampling(const judgeval::Judgeval& client) {
    judgeval::TracerOptions options;
    options.sampler =
        judgeval::Sampler::parent_based(judgeval::Sampler::rate_limiting(100));  // traces a second
    options.sampler = judgeval::Sampler::function(
        [](const judgeval::TraceId&, std::string_view name, const judgeval::SpanIdentity* /*remote_parent*/) {
            return name != "health_check";
        });
    auto tracer = client.tracer.create(options);
    tracer.span("health_check").end();

    judgeval::TracerOptions failures;  // only what goes wrong
    failures.sampler = judgeval::Sampler::keep_on_error(judgeval::Sampler::always_off());
    client.tracer.create(failures).span("succeeds").end();
}

void threads(const judgeval::Tracer& tracer) {
    auto request = tracer.span("request", {.type = "function"});
    std::thread worker(tracer.bind([&tracer] { tracer.span("work").end(); }));  // a child of the request
    worker.join();
}

void monitoring(const judgeval::Tracer& tracer) {
    tracer.set_monitoring(false);  // from here on a span is a load and a branch
    tracer.span("not recorded").end();
    tracer.set_monitoring(true);
}

}  // namespace

int main() {
    judgeval::Judgeval client({.project_name = "default_project"});
    auto tracer =
        client.tracer.create({.resource_attributes = {{"service.name", "tour"}, {"service.version", "1.0"}},
                              .environment = "staging"});
    trace_your_agent(tracer);
    sessions(tracer);
    project_routing(tracer);
    attributes(tracer);
    tags(tracer);
    evaluations(client, tracer);
    offline_tracer(client);
    agents(tracer);
    linked_traces(tracer);
    long_runs(tracer);
    distributed(tracer);
    sampling(client);
    threads(tracer);
    monitoring(tracer);

    const bool everything_left = tracer.shutdown(10s);
    const judgeval::Stats stats = tracer.stats();
    std::cout << "spans: " << stats.started << " started, " << stats.exported << " exported ("
              << stats.partial_emissions << " while they were open), " << stats.dropped_total()
              << " dropped, " << stats.in_flight << " in flight\n";
    return everything_left && stats.dropped_total() == 0 ? 0 : 1;
}
