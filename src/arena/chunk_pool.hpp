// The chunk pool: the one memory budget, cut into chunks.
//
// Address space for the whole budget is reserved at once, memory comes into use chunk by chunk. Any thread
// takes and gives back chunks without a lock; only a thread that the blocking policy tells to wait takes one.
// The exporter makes fresh chunks resident ahead of need and returns memory when the process has gone quiet.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "arena/chunk.hpp"
#include "arena/chunk_stack.hpp"

namespace judgeval::detail {

class ChunkPool {
  public:
    /// Who asks: a thread that traces must leave `reserved` chunks to the exporter, or no batch could be
    /// compressed to free memory again.
    enum class For { kSpans, kExport };

    /// Throws std::bad_alloc when the address space cannot be reserved.
    ChunkPool(std::size_t budget_bytes, std::size_t reserved_chunks);
    ~ChunkPool();
    ChunkPool(const ChunkPool&) = delete;
    ChunkPool& operator=(const ChunkPool&) = delete;

    /// An empty chunk, or null when the budget is used up.
    [[nodiscard]] Chunk* acquire(For purpose) noexcept;

    /// Gives a chunk back. Wakes threads that wait for memory once enough of it is free to be worth it.
    void release(Chunk* chunk) noexcept;
    void release_chain(Chunk* chunk) noexcept;

    /// Waits until a thread that traces could acquire a chunk, at most until `deadline`. False when the time
    /// ran out or the pool was closed.
    bool wait_until_free(std::chrono::steady_clock::time_point deadline) noexcept;

    /// The exporter has nothing to do: whoever waits should look again, however little is free.
    void wake_waiters() noexcept;
    /// Nobody waits any more, now or later.
    void close() noexcept;

    /// Makes sure that a few free chunks are resident, more the faster they are used up. Called by the
    /// exporter.
    void prefault() noexcept;
    /// Gives the memory of free chunks back to the system, but for a few. Called by the exporter when idle.
    void trim() noexcept;
    /// In a forked child: gives up the memory (the parent's copy is not touched). Nothing else may be called
    /// then.
    void abandon() noexcept;

    [[nodiscard]] std::size_t total() const noexcept { return total_; }
    [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }
    /// relaxed: a hint for decisions that tolerate being a chunk off
    [[nodiscard]] std::size_t free() const noexcept {
        const auto count = free_.load(std::memory_order_relaxed);
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }

  private:
    [[nodiscard]] Chunk* chunk_at(std::uint32_t number) const noexcept {
        return reinterpret_cast<Chunk*>(region_ + number * kChunkBytes);
    }
    [[nodiscard]] std::uint32_t number_of(const Chunk* chunk) const noexcept {
        return static_cast<std::uint32_t>(
            static_cast<std::size_t>(reinterpret_cast<const unsigned char*>(chunk) - region_) / kChunkBytes);
    }
    [[nodiscard]] bool waiters_should_go_on() const noexcept;

    const std::size_t total_;
    const std::size_t reserved_;
    unsigned char* region_ = nullptr;

    ChunkLinks links_;
    alignas(kCacheLine) ChunkStack resident_;  ///< free chunks whose memory was touched
    ChunkStack untouched_;
    alignas(kCacheLine) std::atomic<std::int64_t> free_;
    std::atomic<std::int64_t> resident_free_{0};
    std::int64_t ahead_;           ///< how many resident chunks prefault() wants; the exporter's
    bool has_prefaulted_ = false;  ///< the exporter's
    alignas(kCacheLine) std::atomic<std::uint32_t> waiters_{0};
    std::atomic<bool> closed_{false};
    std::mutex mutex_;  ///< of the waiters only
    std::condition_variable freed_;
};

}  // namespace judgeval::detail
