// The arena's slow paths: changing chunks, records larger than a chunk, leaving. Run by the owner thread.
#include "arena/thread_arena.hpp"

#include <algorithm>
#include <cstring>

#include "arena/pipeline.hpp"
#include "record/span_bytes.hpp"

namespace judgeval::detail {

namespace {

/// Copies the two pieces of a record, as one sequence of bytes, into `to`.
class PieceReader {
  public:
    PieceReader(const unsigned char* head, std::size_t head_size, const unsigned char* body,
                std::size_t body_size)
        : pieces_{{head, head_size}, {body, body_size}} {}

    std::size_t read(unsigned char* to, std::size_t most) noexcept {
        std::size_t total = 0;
        for (auto& [from, left] : pieces_) {
            const std::size_t count = std::min(left, most - total);
            if (count != 0) std::memcpy(to + total, from, count);
            from += count;
            left -= count;
            total += count;
        }
        return total;
    }

  private:
    struct Piece {
        const unsigned char* from;
        std::size_t left;
    };
    Piece pieces_[2];
};

}  // namespace

ThreadArena::ThreadArena(Pipeline& pipeline) : pipeline_(&pipeline), token_(pipeline.full_) {}

void ThreadArena::hand_in() noexcept {
    if (chunk_ == nullptr) return;
    // Into the queue first, then out of `current`: a flush that reads `current` and drains the queue after it
    // finds the chunk at least once.
    enqueue(chunk_);
    // release: the exporter that does not find the chunk here any more finds it in the queue
    current_.store(nullptr, std::memory_order_release);
    chunk_ = nullptr;
}

void ThreadArena::enqueue(Chunk* chunk) noexcept {
    // The queue has blocks for every chunk of the pool from its start. Should it need one more and get no
    // memory, the chunk's spans stay counted as recorded and become DropReason::kShutdown in the end.
    static_cast<void>(pipeline_->full_.enqueue(token_, chunk));
}

Chunk* ThreadArena::acquire_chunk() noexcept {
    ChunkPool& pool = pipeline_->pool_;
    Chunk* chunk = pool.acquire(ChunkPool::For::kSpans);
    if (chunk == nullptr && pipeline_->settings_.when_full == WhenFull::kBlock) {
        const auto deadline = std::chrono::steady_clock::now() + pipeline_->settings_.max_block;
        do {
            pipeline_->request_wake();
            if (!pool.wait_until_free(deadline)) break;
            chunk = pool.acquire(ChunkPool::For::kSpans);
        } while (chunk == nullptr);
    }
    pipeline_->update_pressure();
    pipeline_->wake_if_filling();
    return chunk;
}

bool ThreadArena::append_slow(const unsigned char* head, std::size_t head_size, const unsigned char* body,
                              std::size_t body_size) noexcept {
    const std::size_t size = head_size + body_size;
    if (size > kChunkData - kCopySlack) return append_chain(head, head_size, body, body_size);
    hand_in();
    Chunk* const chunk = acquire_chunk();
    if (chunk == nullptr) return false;
    for (std::size_t ahead = 0; ahead < kWriteAhead + size; ahead += kCacheLine) {
        __builtin_prefetch(chunk->data + ahead, 1);
    }
    PieceReader(head, head_size, body, body_size).read(chunk->data, size);
    chunk_ = chunk;
    // release: the exporter that finds this chunk here finds the one before it in the queue
    current_.store(chunk, std::memory_order_release);
    commit(size);
    return true;
}

bool ThreadArena::append_chain(const unsigned char* head, std::size_t head_size, const unsigned char* body,
                               std::size_t body_size) noexcept {
    PieceReader pieces(head, head_size, body, body_size);
    Chunk* first = nullptr;
    Chunk** link = &first;
    for (std::size_t left = head_size + body_size; left != 0;) {
        Chunk* const chunk = acquire_chunk();
        if (chunk == nullptr) {
            pipeline_->pool_.release_chain(first);
            return false;
        }
        chunk->size = static_cast<std::uint32_t>(pieces.read(chunk->data, kChunkData));
        left -= chunk->size;
        *link = chunk;
        link = &chunk->next;
    }
    // One span; its bytes are in the chain's sizes. release: the exporter may see it before it is in the
    // queue, where another thread still names the chunk as its own (see ChunkPool::release).
    first->published.store(Chunk::pack(1, first->size), std::memory_order_release);
    enqueue(first);
    return true;
}

}  // namespace judgeval::detail
