// What the programs of the life-cycle tests share: a tracer by the environment, and what they say about it.
#pragma once

#include <chrono>
#include <iostream>
#include <judgeval/judgeval.hpp>
#include <nlohmann/json.hpp>

#include "each_span_once.hpp"

namespace judgeval::life_cycle {

/// Longer than anything here takes.
inline constexpr std::chrono::seconds kPatience{100};

/// Sends to JUDGMENT_API_URL, waits for memory instead of giving spans up; for little memory, so that no
/// producer is far ahead of the backend.
inline Tracer make_tracer(PipelineOptions options = {}) {
    options.memory_budget_bytes = std::size_t{4} << 20U;
    options.when_full = WhenFull::kBlock;
    options.max_block = kPatience;
    options.request_timeout = kPatience;
    return Judgeval({.project_name = "life cycle"})
        .tracer.create(judgeval::test::each_span_once({.pipeline = options}));
}

/// A trace of two spans.
inline constexpr std::uint64_t kSpansOfTrace = 2;
inline void trace(const Tracer& tracer) {
    const auto outer = tracer.span("outer");
    const auto inner = tracer.span("inner");
}

/// One line, which the test reads.
inline void say(const nlohmann::json& what) { std::cout << what.dump() << std::endl; }

inline nlohmann::json view(const Stats& stats) {
    return {{"started", stats.started},
            {"exported", stats.exported},
            {"is_balanced", stats.started == stats.exported + stats.dropped_total() + stats.in_flight}};
}

}  // namespace judgeval::life_cycle
