// What the test of docs/testing.md tests: an agent that searches before it answers.
#pragma once

#include <judgeval/judgeval.hpp>
#include <map>
#include <string>
#include <utility>

class Agent {
  public:
    explicit Agent(judgeval::Tracer tracer) : tracer_(std::move(tracer)) {}

    std::string answer(const std::string& question) {
        auto span = tracer_.span("answer", {.type = "agent"});
        span.set_input(std::map<std::string, std::string>{{"question", question}});
        return search(question) == 0 ? "I do not know." : "Because.";
    }

  private:
    int search(const std::string& question) {
        auto span = tracer_.span("search", {.type = "tool"});
        span.set_input(question);
        span.set_attribute("results", 3);
        return 3;
    }

    judgeval::Tracer tracer_;
};
