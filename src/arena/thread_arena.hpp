// A thread's arena: where its finished spans are written, one chunk after another.
//
// The owner thread is its only writer. The exporter reads `current` and what that chunk has published. When
// the thread exits, its last chunk goes through the queue like a full one and the arena waits for its next
// owner, counters and all.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "arena/chunk.hpp"
#include "arena/chunk_pool.hpp"
#include "arena/counters.hpp"
#include "judgeval/detail/open_span.hpp"

namespace judgeval::detail {

class Pipeline;

/// How far ahead of its writing a thread asks for cache lines.
inline constexpr std::size_t kWriteAhead = 1024;

class alignas(kCacheLine) ThreadArena {
  public:
    explicit ThreadArena(Pipeline& pipeline);
    ThreadArena(const ThreadArena&) = delete;
    ThreadArena& operator=(const ThreadArena&) = delete;

    /// Where a record of at most `size` bytes may be written, or null when there is no room for it behind
    /// what is published.
    [[nodiscard]] unsigned char* room_for(std::size_t size) const noexcept {
        if (chunk_ == nullptr) return nullptr;
        const std::uint32_t used = Chunk::bytes_of(published());
        return used + size <= kChunkData - kCopySlack ? chunk_->data + used : nullptr;
    }

    /// Publishes a record of `size` bytes that was written there.
    void commit(std::size_t size) noexcept {
        // release: the exporter that sees the count sees the bytes
        chunk_->published.store(published() + Chunk::pack(1, static_cast<std::uint32_t>(size)),
                                std::memory_order_release);
    }

    /// The same for a record in two pieces that has no room: takes a new chunk, or several for a record
    /// larger than one, waits if the policy says so. False when there is no memory.
    [[nodiscard]] bool append_slow(const unsigned char* head, std::size_t head_size,
                                   const unsigned char* body, std::size_t body_size) noexcept;

    /// Hands in the current chunk: it is full, or the owner is about to leave.
    void hand_in() noexcept;

    /// The chunk the owner is filling, for a flush. acquire, pairs with the releases in append_slow() and
    /// hand_in(): the chunks that stood here before are in the queue.
    [[nodiscard]] Chunk* current() const noexcept { return current_.load(std::memory_order_acquire); }

    [[nodiscard]] Pipeline* pipeline() const noexcept { return pipeline_; }

    ThreadCounters counters;

  private:
    friend class Pipeline;
    void enqueue(Chunk* chunk) noexcept;
    [[nodiscard]] Chunk* acquire_chunk() noexcept;
    [[nodiscard]] bool append_chain(const unsigned char* head, std::size_t head_size,
                                    const unsigned char* body, std::size_t body_size) noexcept;

    /// relaxed: what its only writer wrote itself
    [[nodiscard]] std::uint64_t published() const noexcept {
        return chunk_->published.load(std::memory_order_relaxed);
    }

    Chunk* chunk_ = nullptr;
    Pipeline* pipeline_;  ///< null once it ended; changes under ThreadArenas::lifetime_mutex()
    moodycamel::ProducerToken token_;
    alignas(kCacheLine) std::atomic<Chunk*> current_{nullptr};
    bool has_owner_ = true;  ///< under the pipeline's registry mutex
};

}  // namespace judgeval::detail
