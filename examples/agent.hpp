// Agent: what the agent server does for a question, traced.
//
// Its answers come from a small table, where a real agent would ask a model and the world: what matters here
// is how such a run is recorded. One Agent serves any number of threads.
#pragma once

#include <judgeval/judgeval.hpp>
#include <string>

class Agent {
  public:
    explicit Agent(judgeval::Tracer tracer);

    /// Runs the agent. Never throws for a question it cannot answer; it says so, and its trace says why.
    [[nodiscard]] std::string answer(const std::string& question) const;

  private:
    [[nodiscard]] std::string ask_model(const std::string& instruction, const std::string& text) const;
    [[nodiscard]] std::string search_knowledge(const std::string& question) const;
    [[nodiscard]] std::string get_weather(const std::string& place) const;

    judgeval::Tracer tracer_;
};
