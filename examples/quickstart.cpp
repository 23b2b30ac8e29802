// The quickstart: an agent of four functions, each of whose calls becomes a span.
//
// Reads JUDGMENT_API_KEY, JUDGMENT_ORG_ID and, for a backend of your own, JUDGMENT_API_URL from the
// environment:
//
//     judgeval-local &        # prints its address
//     JUDGMENT_API_URL=http://127.0.0.1:PORT JUDGMENT_API_KEY=any JUDGMENT_ORG_ID=any ./quickstart
//
// Without a key and an organization it warns, traces nothing, and answers all the same.
#include <chrono>
#include <iostream>
#include <judgeval/judgeval.hpp>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

/// Where a program would call its LLM provider; this one knows one answer and needs no network.
std::string complete(const std::string& prompt) {
    if (prompt.find("capital of the United States") != std::string::npos) {
        return "The capital of the United States is Washington, D.C.";
    }
    return "I do not know.";
}

}  // namespace

int main() {
    const judgeval::Judgeval client({.project_name = "default_project"});
    const auto tracer = client.tracer.create();

    const auto format_task = tracer.observe(
        [](const std::string& question) {
            std::this_thread::sleep_for(50ms);
            return "Please answer the following question: " + question;
        },
        {.name = "format_task", .type = "tool", .args = {"question"}});

    const auto openai_completion = tracer.observe(
        [&](const std::string& prompt) {
            tracer.set_attributes({{"gen_ai.system", "openai"}, {"gen_ai.request.model", "gpt-5.2"}});
            return complete(prompt);
        },
        {.name = "openai_completion", .type = "llm", .args = {"prompt"}});

    const auto answer_question = tracer.observe(
        [&](const std::string& prompt) {
            std::this_thread::sleep_for(30ms);
            return openai_completion(prompt);
        },
        {.name = "answer_question", .type = "tool", .args = {"prompt"}});

    const auto run_agent = tracer.observe(
        [&](const std::string& question) {
            const std::string task = format_task(question);
            return answer_question(task);
        },
        {.name = "run_agent", .type = "function", .args = {"question"}});

    std::cout << run_agent("What is the capital of the United States?") << '\n';

    const bool everything_left = tracer.shutdown(10s);
    const judgeval::Stats stats = tracer.stats();
    std::cout << "spans: " << stats.started << " started, " << stats.exported << " exported ("
              << stats.partial_emissions << " while they were open), " << stats.dropped_total()
              << " dropped, " << stats.in_flight << " in flight\n";
    return everything_left && stats.dropped_total() == 0 ? 0 : 1;
}
