// A thread's arena: where its finished spans are written, one chunk after another.
//
// The owner thread is its only writer. The exporter reads `current` and what that chunk has published. When
// the thread exits, its last chunk goes through the queue like a full one and the arena waits for its next
// owner, counters and all.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "arena/chunk.hpp"
#include "arena/chunk_pool.hpp"
#include "arena/counters.hpp"

namespace judgeval::detail {

class Pipeline;

/// How far ahead of its writing a thread asks for cache lines.
inline constexpr std::size_t kWriteAhead = 1024;

class alignas(kCacheLine) ThreadArena {
  public:
    explicit ThreadArena(Pipeline& pipeline);
    ThreadArena(const ThreadArena&) = delete;
    ThreadArena& operator=(const ThreadArena&) = delete;

    /// Whether a record of `size` bytes fits behind what is published; it may be written at cursor() then.
    [[nodiscard]] bool has_room(std::size_t size) const noexcept {
        return static_cast<std::size_t>(limit_ - cursor_) >= size;
    }
    [[nodiscard]] unsigned char* cursor() const noexcept { return cursor_; }

    /// Publishes the record that was written at cursor() and ends at `end`.
    void commit(unsigned char* end) noexcept {
        published_ += Chunk::pack(1, static_cast<std::uint32_t>(end - cursor_));
        cursor_ = end;
        // release: the exporter that sees the count sees the bytes
        chunk_->published.store(published_, std::memory_order_release);
    }

    /// The same for a record in two pieces that has no room: takes a new chunk, or several
    /// for a record larger than one, waits if the policy says so. False when there is no memory.
    [[nodiscard]] bool append_slow(const unsigned char* head, std::size_t head_size,
                                   const unsigned char* body, std::size_t body_size) noexcept;

    /// Hands in the current chunk: it is full, or the owner is about to leave.
    void hand_in() noexcept;

    /// The chunk the owner is filling, for a flush. acquire: its first publication is seen with it.
    [[nodiscard]] Chunk* current() const noexcept { return current_.load(std::memory_order_acquire); }

    [[nodiscard]] Pipeline* pipeline() const noexcept { return pipeline_; }

    ThreadCounters counters;

  private:
    friend class Pipeline;
    [[nodiscard]] Chunk* acquire_chunk() noexcept;
    [[nodiscard]] bool append_chain(const unsigned char* head, std::size_t head_size,
                                    const unsigned char* body, std::size_t body_size) noexcept;

    unsigned char* cursor_ = nullptr;
    unsigned char* limit_ = nullptr;
    Chunk* chunk_ = nullptr;
    std::uint64_t published_ = 0;  ///< what chunk_ has published
    Pipeline* pipeline_;  ///< null once it ended; changes under ThreadArenas::lifetime_mutex()
    moodycamel::ProducerToken token_;
    alignas(kCacheLine) std::atomic<Chunk*> current_{nullptr};
    bool has_owner_ = true;  ///< under the pipeline's registry mutex
};

}  // namespace judgeval::detail
