// The compressor: turns a batch's segments into a request body, streaming from arena memory into chunks of
// the same pool.
//
// One thread uses one compressor: the exporter's own, or a compressor thread. Its contexts are made at first
// use and kept.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "arena/chunk_pool.hpp"
#include "export/batch.hpp"
#include "export/frame.hpp"

namespace judgeval::detail {

class Compressor {
  public:
    /// `level` is for zstd or gzip, as the batch asks.
    Compressor(ChunkPool& pool, int zstd_level, int gzip_level);
    ~Compressor();
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    /// Writes `before` and the segments' records as batch.body; or, when FlatBuffers are asked for, the
    /// buffers that say the same, `before` being the frame of no records. `done` is told of each segment no
    /// longer needed. False when memory ran out or the library failed; then batch.body is null and what was
    /// not `done` still needs it.
    [[nodiscard]] bool compress(Batch& batch, std::string_view before,
                                const std::function<void(const Segment&)>& done);

    /// Rewrites a zstd body as gzip, for an endpoint that refuses zstd. False when it could not; the body is
    /// as it was.
    [[nodiscard]] bool recompress_as_gzip(Batch& batch);

    /// Divides a body between two records (or buffers), as near to its middle as they allow, for an endpoint
    /// that finds it too large: `batch` keeps the first part, `rest` becomes a batch of the others. False
    /// when there is only one record, or it could not; the body is as it was.
    [[nodiscard]] bool split(Batch& batch, Batch& rest, const Frame& frame);

  private:
    class Output;
    struct Contexts;
    bool write(Output& output, Compression compression, std::string_view bytes, bool is_last);
    bool begin(Compression compression, std::size_t size);
    bool split_flatbuffers(Batch& batch, Batch& rest);
    template <typename Take>
    bool read(const Batch& batch, Take take);

    ChunkPool& pool_;
    const int zstd_level_;
    const int gzip_level_;
    std::unique_ptr<Contexts> contexts_;
};

}  // namespace judgeval::detail
