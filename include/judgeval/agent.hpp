// The options of Tracer::agent, and the scope that each call of an agent runs in.
#pragma once

#include <string>

#include "judgeval/span.hpp"

namespace judgeval {

struct AgentOptions {
    std::string class_name{};     ///< judgment.agent_class_name
    std::string instance_name{};  ///< judgment.agent_instance_name: tells agents of one class apart
};

namespace detail {
inline namespace JUDGEVAL_MODE {

class AgentScope {
  public:
    AgentScope(const TracerState& tracer, const AgentOptions& options) noexcept {
        if constexpr (kCompiledIn) {
            // relaxed: a switch, see TracerState
            if (!tracer.is_recording.load(std::memory_order_relaxed)) return;
            enter_agent(node_, options.class_name, options.instance_name);
            is_entered_ = true;
        }
    }
    ~AgentScope() {
        if constexpr (kCompiledIn) {
            if (is_entered_) leave_context(node_);
        }
    }
    AgentScope(const AgentScope&) = delete;
    AgentScope& operator=(const AgentScope&) = delete;

  private:
    ContextNode node_;
    bool is_entered_ = false;
};

}  // namespace JUDGEVAL_MODE
}  // namespace detail
}  // namespace judgeval
