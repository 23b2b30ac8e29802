// A chunk: the unit of memory between the traced threads and the exporter.
//
// While it is a thread's current chunk, that thread is the only writer of its data and of `published`; the
// exporter reads what was published. The second cache line is the exporter's, from the moment it first sees
// the chunk. Nothing position-dependent is stored in its data.
//
// A free chunk has zeros in both lines, as memory has that was never touched: it is emptied when it is freed,
// not when it is taken (see ChunkPool::release).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace judgeval::detail {

inline constexpr std::size_t kChunkBytes = std::size_t{32} << 10U;
inline constexpr std::size_t kCacheLine = 64;

struct Chunk {
    /// Spans << 32 | bytes: one store says both, so counts are exact for a chunk that is still being filled.
    alignas(kCacheLine) std::atomic<std::uint64_t> published;

    // --- the exporter's line ---
    alignas(kCacheLine) std::uint32_t collected_spans;  ///< handed to a batch already
    std::uint32_t collected_bytes;
    /// Who still reads it beside the first: it has its owner until it came out of the queue, and each batch
    /// segment in it.
    std::uint32_t further_readers;
    std::uint32_t
        size;     ///< bytes in a chunk that is part of a chain: of an oversize record, or of a request body
    Chunk* next;  ///< the rest of the chain

    // --- bytes ---
    alignas(kCacheLine) unsigned char data[kChunkBytes - 2 * kCacheLine];

    static constexpr std::uint64_t pack(std::uint32_t spans, std::uint32_t bytes) noexcept {
        return std::uint64_t{spans} << 32U | bytes;
    }
    static constexpr std::uint32_t spans_of(std::uint64_t packed) noexcept {
        return static_cast<std::uint32_t>(packed >> 32U);
    }
    static constexpr std::uint32_t bytes_of(std::uint64_t packed) noexcept {
        return static_cast<std::uint32_t>(packed);
    }
};
static_assert(sizeof(Chunk) == kChunkBytes);

inline constexpr std::size_t kChunkData = sizeof(Chunk::data);

}  // namespace judgeval::detail
