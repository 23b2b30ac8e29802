// Counters with one writer each: adding to one is a load and a store, and no other core is disturbed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "judgeval/stats.hpp"

namespace judgeval::detail {

/// Written by one thread at a time (the owner), read by any.
class Counter {
  public:
    void add(std::uint64_t count) noexcept {
        // No read-modify-write, and a relaxed load: there is no other writer. release, pairs with get():
        // whoever sees the count sees what was counted, and what was counted before it.
        value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_release);
    }
    /// acquire: see add()
    [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_acquire); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

using DropCounters = std::array<Counter, kDropReasonCount>;

/// What a thread that traces counts.
struct ThreadCounters {
    Counter started;
    Counter ended;  ///< recorded or dropped
    Counter partial_emissions;
    Counter unsampled_traces;
    Counter dropped_attributes;
    Counter truncated_values;
    DropCounters dropped;
};

}  // namespace judgeval::detail
