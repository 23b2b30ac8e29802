// See agent.hpp. Each function below is one span, recorded in one of the three ways there are: a scoped span
// with attributes, a scoped span with input and output, and JUDGEVAL_OBSERVE.
#include "agent.hpp"

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct Message {
    std::string role;
    std::string content;
};

struct ChatRequest {
    std::string model;
    double temperature = 0;
    std::vector<Message> messages;
};

bool mentions(const std::string& text, std::string_view word) { return text.find(word) != std::string::npos; }

/// About what a tokenizer would say.
std::int64_t count_tokens(const std::string& text) { return static_cast<std::int64_t>(text.size() / 4 + 1); }

}  // namespace

// How the two become JSON when they are set as attributes.
template <>
struct judgeval::Serializer<Message> {
    static void write(judgeval::JsonWriter& json, const Message& message) {
        json.begin_object();
        json.key("role");
        json.string(message.role);
        json.key("content");
        json.string(message.content);
        json.end_object();
    }
};

template <>
struct judgeval::Serializer<ChatRequest> {
    static void write(judgeval::JsonWriter& json, const ChatRequest& request) {
        json.begin_object();
        json.key("model");
        json.string(request.model);
        json.key("temperature");
        json.number(request.temperature);
        json.key("messages");
        judgeval::Serializer<std::vector<Message>>::write(json, request.messages);
        json.end_object();
    }
};

Agent::Agent(judgeval::Tracer tracer) : tracer_(std::move(tracer)) {}

std::string Agent::answer(const std::string& question) const {
    const auto run = tracer_.span("answer", {.type = "agent"});
    run.set_input(question);

    const bool is_about_weather = ask_model("Name the tool for this question.", question) == "get_weather";
    std::string found;
    try {
        found = is_about_weather ? get_weather(question) : search_knowledge(question);
    } catch (const std::exception& error) {
        // The tool's span is marked as failed; the run goes on and says what was missing.
        run.add_event("tool failed", {{"reason", std::string(error.what())}});
        found = "nothing was found";
    }
    std::string answer = ask_model("Answer the question from what was found: " + found, question);
    run.set_output(answer);
    return answer;
}

std::string Agent::ask_model(const std::string& instruction, const std::string& text) const {
    const auto call = tracer_.span("OPENAI_API_CALL", {.type = "llm", .kind = judgeval::SpanKind::kClient});
    const ChatRequest request{"gpt-5.2", 0.2, {{"system", instruction}, {"user", text}}};
    call.set_attribute("gen_ai.system", "openai");
    call.set_attribute("gen_ai.request.model", request.model);
    call.set_attribute("gen_ai.request.temperature", request.temperature);
    call.set_attribute("gen_ai.prompt", request);

    // Here a program would call its provider.
    std::string completion;
    if (mentions(instruction, "Name the tool")) {
        completion = mentions(text, "weather") ? "get_weather" : "search_knowledge";
    } else {
        completion = "As far as I can tell, " + instruction.substr(instruction.find(": ") + 2) + ".";
    }

    constexpr double kInputPrice = 1.75e-6;  // dollars a token
    constexpr double kOutputPrice = 14e-6;
    const std::int64_t input_tokens = count_tokens(instruction) + count_tokens(text);
    const std::int64_t output_tokens = count_tokens(completion);
    call.set_attribute("gen_ai.completion", completion);
    call.set_attribute("gen_ai.response.finish_reasons", std::array<std::string_view, 1>{"stop"});
    call.set_attribute("gen_ai.usage.input_tokens", input_tokens);
    call.set_attribute("gen_ai.usage.output_tokens", output_tokens);
    call.set_attribute("judgment.llm.provider", "openai");
    call.set_attribute("judgment.llm.model", request.model);
    call.set_attribute("judgment.usage.non_cached_input_tokens", input_tokens);
    call.set_attribute("judgment.usage.output_tokens", output_tokens);
    call.set_attribute(
        "judgment.usage.total_cost_usd",
        static_cast<double>(input_tokens) * kInputPrice + static_cast<double>(output_tokens) * kOutputPrice);
    return completion;
}

std::string Agent::search_knowledge(const std::string& question) const {
    JUDGEVAL_OBSERVE(tracer_, "tool");
    tracer_.set_input(question);
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kKnowledge = {{
        {"France", "the capital of France is Paris"},
        {"Norway", "the capital of Norway is Oslo"},
        {"Danube", "the Danube is 2,850 km long"},
        {"Curaçao", "Curaçao's capital is Willemstad"},
    }};
    std::string found = "the knowledge base is silent on this";
    for (const auto& [word, fact] : kKnowledge) {
        if (mentions(question, word)) found = fact;
    }
    tracer_.set_output(found);
    return found;
}

std::string Agent::get_weather(const std::string& place) const {
    const auto call = tracer_.span("get_weather", {.type = "tool"});
    call.set_input(place);
    try {
        if (mentions(place, "Moon")) throw std::out_of_range("there is no weather station on the Moon");
        std::string weather = "it is sunny at 21 °C";
        call.set_output(weather);
        return weather;
    } catch (const std::exception& error) {
        call.record_exception(error);
        throw;
    }
}
