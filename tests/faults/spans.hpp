// Some spans, and where the counters must say that they are.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <judgeval/judgeval.hpp>
#include <optional>
#include <utility>

namespace judgeval::faults {

inline constexpr std::uint64_t kSpans = 20;

inline void make_spans(const Tracer& tracer, std::uint64_t count = kSpans) {
    for (std::uint64_t i = 0; i < count; ++i) auto span = tracer.span("span");
}

/// Every started span is where it is said to be, and nowhere else.
inline void expect_counts(const Stats& stats, std::uint64_t exported,
                          std::optional<std::pair<DropReason, std::uint64_t>> dropped = std::nullopt) {
    const std::uint64_t lost = dropped ? dropped->second : 0;
    EXPECT_EQ(stats.started, exported + lost);
    EXPECT_EQ(stats.exported, exported);
    EXPECT_EQ(stats.dropped_total(), lost);
    if (dropped) {
        EXPECT_EQ(stats.dropped_by(dropped->first), lost);
    }
    EXPECT_EQ(stats.in_flight, 0U);
}

}  // namespace judgeval::faults
