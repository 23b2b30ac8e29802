// A batch: spans on their way out, from chunk bytes to a compressed request body.
//
// Plain data. Owned by the exporter; lent to a compressor thread while it is being compressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "arena/chunk.hpp"
#include "export/transport.hpp"
#include "judgeval/options.hpp"

namespace judgeval::detail {

/// A run of finished records in a chunk, or a whole chain of chunks that hold one record.
struct Segment {
    Chunk* chunk;
    std::uint32_t offset;
    std::uint32_t size;  ///< in this chunk; a chain's other chunks know their own
    std::uint32_t spans;
    std::uint32_t total_size;
};

/// The segment's records, in one piece.
inline std::string records_of(const Segment& segment) {
    std::string records(reinterpret_cast<const char*>(segment.chunk->data + segment.offset), segment.size);
    for (const Chunk* chunk = segment.chunk->next; chunk != nullptr; chunk = chunk->next) {
        records.append(reinterpret_cast<const char*>(chunk->data), chunk->size);
    }
    return records;
}

struct Batch {
    std::uint64_t id = 0;
    std::vector<Segment> segments;  ///< emptied once compressed
    std::uint64_t spans = 0;
    std::size_t encoded_bytes = 0;  ///< of the body before compression; FlatBuffers: known once compressed
    std::size_t record_bytes = 0;   ///< of the records, which are OTLP
    /// How many spans had been collected before this batch's first one: what a flush compares with.
    std::uint64_t first_sequence = 0;

    Chunk* body = nullptr;  ///< chain of chunks
    std::size_t body_bytes = 0;
    Encoding encoding = Encoding::kOtlp;
    Compression compression = Compression::kNone;

    enum class State : std::uint8_t { kCompressing, kReady, kSending };
    State state = State::kCompressing;
    SteadyTime created{};
    SteadyTime next_attempt{};
    std::uint32_t attempts = 0;

    [[nodiscard]] std::vector<std::string_view> body_pieces() const {
        std::vector<std::string_view> pieces;
        for (const Chunk* chunk = body; chunk != nullptr; chunk = chunk->next) {
            pieces.emplace_back(reinterpret_cast<const char*>(chunk->data), chunk->size);
        }
        return pieces;
    }
};

}  // namespace judgeval::detail
