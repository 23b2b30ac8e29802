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

    /// Room for one record of at most `size` bytes, or null when it has to take the slow path (append_slow).
    [[nodiscard]] unsigned char* reserve(std::size_t size) noexcept {
        return static_cast<std::size_t>(limit_ - cursor_) >= size ? cursor_ : nullptr;
    }

    /// Publishes the record that was written at reserve()'s address and ends at `end`.
    void commit(unsigned char* end) noexcept {
        cursor_ = end;
        ++spans_;
        // release: the exporter that sees the count sees the bytes
        chunk_->published.store(Chunk::pack(spans_, static_cast<std::uint32_t>(end - chunk_->data)),
                                std::memory_order_release);
    }

    /// The same for a record in up to three pieces, after reserve() said null: takes a new chunk, or several
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
    std::uint32_t spans_ = 0;
    Pipeline* pipeline_;  ///< null once it ended; changes under ThreadArenas::lifetime_mutex()
    moodycamel::ProducerToken token_;
    alignas(kCacheLine) std::atomic<Chunk*> current_{nullptr};
    bool has_owner_ = true;  ///< under the pipeline's registry mutex
};

}  // namespace judgeval::detail
