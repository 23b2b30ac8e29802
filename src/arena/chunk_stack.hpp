// A lock-free stack of chunk numbers: the pool's free lists (Treiber, "Coping with Parallelism", 1986).
//
// Last in, first out: the chunk that was freed last is taken first, while its addresses are still in the
// processor's caches. Any thread pushes and pops. The links live outside of the chunks, so that a chunk whose
// memory was never touched can be in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace judgeval::detail {

/// A chunk is on one stack at most, so several stacks share one set of links.
using ChunkLinks = std::vector<std::atomic<std::uint32_t>>;

class ChunkStack {
  public:
    void push(ChunkLinks& links, std::uint32_t chunk) noexcept {
        // relaxed: a guess, which the exchange checks
        std::uint64_t top = top_.load(std::memory_order_relaxed);
        do {
            links[chunk].store(number(top), std::memory_order_relaxed);  // relaxed: published by the exchange
        } while (!top_.compare_exchange_weak(top, above(top, chunk + 1),
                                             // release: whoever pops the chunk sees what was done to it
                                             std::memory_order_release, std::memory_order_relaxed));
    }

    [[nodiscard]] bool pop(ChunkLinks& links, std::uint32_t& chunk) noexcept {
        // acquire: the link behind the top was written before the top
        std::uint64_t top = top_.load(std::memory_order_acquire);
        for (;;) {
            if (number(top) == 0) return false;
            // relaxed: may be stale by now; then the version differs and the exchange fails
            const std::uint32_t next = links[number(top) - 1].load(std::memory_order_relaxed);
            // acquire: see push(), and for the next round
            if (top_.compare_exchange_weak(top, above(top, next), std::memory_order_acquire)) {
                chunk = number(top) - 1;
                return true;
            }
        }
    }

  private:
    /// Version << 32 | number of the top chunk + 1, or 0 for none. The version tells a top that left and came
    /// back from one that stayed.
    static std::uint32_t number(std::uint64_t top) noexcept { return static_cast<std::uint32_t>(top); }
    static std::uint64_t above(std::uint64_t top, std::uint32_t number) noexcept {
        return ((top >> 32U) + 1) << 32U | number;
    }

    std::atomic<std::uint64_t> top_{0};
};

}  // namespace judgeval::detail
