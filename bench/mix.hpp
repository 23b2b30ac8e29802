// The realistic mix: spans of about 230 bytes with varied values, and a 200-byte prompt in one of ten.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "judgeval/judgeval.hpp"

namespace judgeval::bench {

/// Records spans of the mix, one call each; the same seed gives the same values.
class Mix {
  public:
    explicit Mix(std::uint64_t seed) : state_(seed) {
        static constexpr std::string_view kWords[] = {"order",    "invoice", "weather",  "Berlin",
                                                      "customer", "refund",  "please",   "the",
                                                      "of",       "summary", "tomorrow", "agent"};
        for (int i = 0; i < 64; ++i) {
            std::string prompt;
            while (prompt.size() < 194) {
                prompt += kWords[next() % std::size(kWords)];
                prompt += ' ';
            }
            prompts_[i] = prompt;
        }
    }

    void record(const Tracer& tracer) {
        auto span = tracer.span("process_step", {.type = "tool"});
        const std::uint64_t value = next();
        span.set_attribute("user_id", value % 100000);
        span.set_attribute("score", static_cast<double>(value % 1000) / 7);
        span.set_attribute("cached", (value & 1024U) != 0);
        span.set_attribute("model", kModels[value % std::size(kModels)]);
        if (value % 10 == 0) span.set_attribute("prompt", prompts_[value / 10 % std::size(prompts_)]);
    }

  private:
    std::uint64_t next() noexcept {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return state_;
    }

    static constexpr std::string_view kModels[] = {"gpt-5.2", "claude-opus", "gemini-pro", "local-llm-8b"};
    std::uint64_t state_;
    std::string prompts_[64];
};

}  // namespace judgeval::bench
