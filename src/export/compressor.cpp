// zstd, gzip and plain copies, one way through for all three.
#include "export/compressor.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "export/flatbuffers_body.hpp"
#include "record/wire.hpp"

namespace judgeval::detail {

namespace {
/// What a body amounts to is not known before it is written.
constexpr std::size_t kUnknownSize = ZSTD_CONTENTSIZE_UNKNOWN;
}  // namespace

/// A growing chain of chunks.
class Compressor::Output {
  public:
    explicit Output(ChunkPool& pool) : pool_(pool) {}
    ~Output() { pool_.release_chain(first_); }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    /// Room for at least one byte; empty when the pool has no chunk left.
    struct Room {
        unsigned char* at;
        std::size_t size;
    };
    [[nodiscard]] Room room() noexcept {
        if (last_ == nullptr || last_->size == kChunkData) {
            Chunk* const chunk = pool_.acquire(ChunkPool::For::kExport);
            if (chunk == nullptr) return {nullptr, 0};
            (last_ == nullptr ? first_ : last_->next) = chunk;
            last_ = chunk;
        }
        return {last_->data + last_->size, kChunkData - last_->size};
    }
    void filled(std::size_t size) noexcept {
        last_->size += static_cast<std::uint32_t>(size);
        total_ += size;
    }
    void give_to(Batch& batch, Compression compression) noexcept {
        batch.body = std::exchange(first_, nullptr);
        batch.body_bytes = total_;
        batch.compression = compression;
    }

  private:
    ChunkPool& pool_;
    Chunk* first_ = nullptr;
    Chunk* last_ = nullptr;
    std::size_t total_ = 0;
};

struct Compressor::Contexts {
    Transcoder transcoder;
    ZSTD_CCtx* zstd = nullptr;
    z_stream gzip{};
    bool has_gzip = false;

    Contexts() = default;
    Contexts(const Contexts&) = delete;
    Contexts& operator=(const Contexts&) = delete;
    ~Contexts() {
        ZSTD_freeCCtx(zstd);
        if (has_gzip) ::deflateEnd(&gzip);
    }
};

Compressor::Compressor(ChunkPool& pool, int zstd_level, int gzip_level)
    : pool_(pool),
      zstd_level_(zstd_level),
      gzip_level_(gzip_level),
      contexts_(std::make_unique<Contexts>()) {}

Compressor::~Compressor() = default;

bool Compressor::begin(Compression compression, std::size_t size) {
    switch (compression) {
        case Compression::kZstd: {
            if (contexts_->zstd == nullptr) {
                contexts_->zstd = ZSTD_createCCtx();
                if (contexts_->zstd == nullptr) return false;
                ZSTD_CCtx_setParameter(contexts_->zstd, ZSTD_c_compressionLevel, zstd_level_);
            }
            ZSTD_CCtx_reset(contexts_->zstd, ZSTD_reset_session_only);
            return ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(contexts_->zstd, size)) == 0;
        }
        case Compression::kGzip: {
            if (contexts_->has_gzip) return ::deflateReset(&contexts_->gzip) == Z_OK;
            constexpr int kGzipWindow = 15 + 16;
            contexts_->has_gzip = ::deflateInit2(&contexts_->gzip, gzip_level_, Z_DEFLATED, kGzipWindow, 8,
                                                 Z_DEFAULT_STRATEGY) == Z_OK;
            return contexts_->has_gzip;
        }
        case Compression::kNone:
            return true;
    }
    return false;
}

bool Compressor::write(Output& output, Compression compression, std::string_view bytes, bool is_last) {
    switch (compression) {
        case Compression::kZstd: {
            ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
            for (;;) {
                const Output::Room room = output.room();
                if (room.at == nullptr) return false;
                ZSTD_outBuffer out{room.at, room.size, 0};
                const std::size_t left =
                    ZSTD_compressStream2(contexts_->zstd, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
                if (ZSTD_isError(left) != 0) return false;
                output.filled(out.pos);
                if (is_last ? left == 0 : in.pos == in.size) return true;
            }
        }
        case Compression::kGzip: {
            z_stream& stream = contexts_->gzip;
            stream.next_in =
                reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib's const is optional
            stream.avail_in = static_cast<uInt>(bytes.size());  // a piece is never larger than 2 GiB
            for (;;) {
                const Output::Room room = output.room();
                if (room.at == nullptr) return false;
                stream.next_out = room.at;
                stream.avail_out = static_cast<uInt>(room.size);
                const int result = ::deflate(&stream, is_last ? Z_FINISH : Z_NO_FLUSH);
                output.filled(room.size - stream.avail_out);
                if (result == Z_STREAM_END) return true;
                if (result != Z_OK && result != Z_BUF_ERROR) return false;
                if (!is_last && stream.avail_in == 0 && stream.avail_out != 0) return true;
            }
        }
        case Compression::kNone: {
            while (!bytes.empty()) {
                const Output::Room room = output.room();
                if (room.at == nullptr) return false;
                const std::size_t size = std::min(room.size, bytes.size());
                std::memcpy(room.at, bytes.data(), size);
                output.filled(size);
                bytes.remove_prefix(size);
            }
            return true;
        }
    }
    return false;
}

bool Compressor::compress(Batch& batch, std::string_view before,
                          const std::function<void(const Segment&)>& done) {
    const Compression compression = batch.compression;
    Output output(pool_);
    Transcoder* const transcoder =
        batch.encoding == Encoding::kFlatBuffers ? &contexts_->transcoder : nullptr;
    if (transcoder != nullptr) {
        if (!transcoder->begin(before)) return false;
        before = {};
        batch.encoded_bytes = 0;
    }
    const std::size_t size = transcoder == nullptr ? batch.encoded_bytes : kUnknownSize;
    if (!begin(compression, size) || !write(output, compression, before, false)) return false;
    while (!batch.segments.empty()) {
        // from the back: a segment that is done leaves the list, and records have no order to keep
        const Segment segment = batch.segments.back();
        if (transcoder != nullptr) {
            const std::string_view buffer = transcoder->encode(segment);
            if (buffer.empty() || !write(output, compression, buffer, false)) return false;
            batch.encoded_bytes += buffer.size();
            batch.segments.pop_back();
            done(segment);
            continue;
        }
        std::string_view bytes(reinterpret_cast<const char*>(segment.chunk->data) + segment.offset,
                               segment.size);
        for (const Chunk* chunk = segment.chunk;;) {
            if (!write(output, compression, bytes, false)) return false;
            chunk = chunk->next;
            if (chunk == nullptr) break;
            bytes = {reinterpret_cast<const char*>(chunk->data), chunk->size};
        }
        batch.segments.pop_back();
        done(segment);
    }
    if (!write(output, compression, {}, true)) return false;
    output.give_to(batch, compression);
    return true;
}

/// Calls take(plain bytes) for all of a body, piece by piece, until one call says false.
template <typename Take>
bool Compressor::read(const Batch& batch, Take take) {
    if (batch.compression == Compression::kNone) {
        for (const std::string_view piece : batch.body_pieces()) {
            if (!take(piece)) return false;
        }
        return true;
    }
    std::string plain(ZSTD_DStreamOutSize() / 4, '\0');
    if (batch.compression == Compression::kZstd) {
        const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> source(ZSTD_createDCtx(),
                                                                             ZSTD_freeDCtx);
        if (!source) return false;
        for (const std::string_view piece : batch.body_pieces()) {
            ZSTD_inBuffer in{piece.data(), piece.size(), 0};
            for (bool is_full = true; in.pos < in.size || is_full;) {
                ZSTD_outBuffer out{plain.data(), plain.size(), 0};
                if (ZSTD_isError(ZSTD_decompressStream(source.get(), &out, &in)) != 0) return false;
                if (!take(std::string_view(plain.data(), out.pos))) return false;
                is_full = out.pos == out.size;
            }
        }
        return true;
    }
    z_stream source{};
    constexpr int kGzipWindow = 15 + 16;
    if (::inflateInit2(&source, kGzipWindow) != Z_OK) return false;
    const std::unique_ptr<z_stream, int (*)(z_stream*)> cleanup(&source, ::inflateEnd);
    for (const std::string_view piece : batch.body_pieces()) {
        source.next_in =
            reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));  // zlib's const is optional
        source.avail_in = static_cast<uInt>(piece.size());
        do {
            source.next_out = reinterpret_cast<Bytef*>(plain.data());
            source.avail_out = static_cast<uInt>(plain.size());
            const int result = ::inflate(&source, Z_NO_FLUSH);
            if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return false;
            if (!take(std::string_view(plain.data(), plain.size() - source.avail_out))) return false;
        } while (source.avail_out == 0);
    }
    return true;
}

bool Compressor::recompress_as_gzip(Batch& batch) {
    Output output(pool_);
    if (!begin(Compression::kGzip, batch.encoded_bytes) ||
        !read(batch,
              [&](std::string_view plain) { return write(output, Compression::kGzip, plain, false); }) ||
        !write(output, Compression::kGzip, {}, true)) {
        return false;
    }
    Chunk* const refused = batch.body;
    output.give_to(batch, Compression::kGzip);
    pool_.release_chain(refused);
    return true;
}

namespace {

/// Finds the end of the last record that lies in the first half, or of the first one, in a stream of records.
class MiddleFinder {
  public:
    explicit MiddleFinder(std::size_t record_bytes) : half_(record_bytes / 2) {}

    void take(std::string_view bytes) {
        while (!bytes.empty()) {
            if (left_ != 0) {
                const std::size_t skipped = std::min(left_, bytes.size());
                left_ -= skipped;
                at_ += skipped;
                bytes.remove_prefix(skipped);
                if (left_ == 0) end_record();
                continue;
            }
            header_.push_back(bytes.front());
            ++at_;
            bytes.remove_prefix(1);
            if (header_.size() < 1 + wire::kPaddedSize) continue;
            const auto* length = reinterpret_cast<const unsigned char*>(header_.data()) + 1;
            left_ = wire::get_varint(length);
            header_.clear();
            if (left_ == 0) end_record();
        }
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t spans() const { return spans_; }

  private:
    void end_record() {
        ++records_;
        if (at_ > half_ && records_ != 1) return;
        bytes_ = at_;
        spans_ = records_;
    }

    const std::size_t half_;
    std::size_t at_ = 0;
    std::size_t left_ = 0;  ///< of the record whose header was read
    std::string header_;
    std::uint64_t records_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t spans_ = 0;
};

/// Passes on the bytes of a stream from `begin` to `end`, counted from its start.
template <typename Take>
auto between(std::size_t begin, std::size_t end, Take take) {
    return [=, at = std::size_t{0}](std::string_view bytes) mutable {
        const std::size_t first = std::min(bytes.size(), begin - std::min(begin, at));
        const std::size_t last = std::min(bytes.size(), end - std::min(end, at));
        at += bytes.size();
        return first >= last || take(bytes.substr(first, last - first));
    };
}

}  // namespace

bool Compressor::split(Batch& batch, Batch& rest, const Frame& frame) {
    if (batch.spans < 2) return false;
    if (batch.encoding == Encoding::kFlatBuffers) return split_flatbuffers(batch, rest);
    const std::size_t frame_bytes = batch.encoded_bytes - batch.record_bytes;
    MiddleFinder middle(batch.record_bytes);
    const bool is_read = read(batch, between(frame_bytes, batch.encoded_bytes, [&](std::string_view records) {
                                  middle.take(records);
                                  return true;
                              }));
    if (!is_read || middle.bytes() == 0 || middle.bytes() >= batch.record_bytes) return false;
    const auto copy = [&](Output& output, std::size_t begin, std::size_t end) {
        const std::string before = frame.before(end - begin);
        const auto put = [&](std::string_view bytes) {
            return write(output, batch.compression, bytes, false);
        };
        return this->begin(batch.compression, before.size() + end - begin) && put(before) &&
               read(batch, between(frame_bytes + begin, frame_bytes + end, put)) &&
               write(output, batch.compression, {}, true);
    };
    Output first(pool_);
    Output second(pool_);
    if (!copy(first, 0, middle.bytes()) || !copy(second, middle.bytes(), batch.record_bytes)) return false;
    Chunk* const refused = batch.body;
    rest.record_bytes = batch.record_bytes - middle.bytes();
    rest.encoded_bytes = frame.before(rest.record_bytes).size() + rest.record_bytes;
    rest.spans = batch.spans - middle.spans();
    second.give_to(rest, batch.compression);
    batch.record_bytes = middle.bytes();
    batch.encoded_bytes = frame.before(batch.record_bytes).size() + batch.record_bytes;
    batch.spans = middle.spans();
    first.give_to(batch, batch.compression);
    pool_.release_chain(refused);
    return true;
}

/// The same with buffers in place of records.
bool Compressor::split_flatbuffers(Batch& batch, Batch& rest) {
    std::string plain;
    plain.reserve(batch.encoded_bytes);
    const bool is_read = read(batch, [&plain](std::string_view bytes) {
        plain += bytes;
        return true;
    });
    const auto divided = is_read ? divide_body(plain) : std::nullopt;
    if (!divided) return false;
    Output first(pool_);
    Output second(pool_);
    const auto put = [&](Output& output, const std::string& bytes) {
        return this->begin(batch.compression, bytes.size()) &&
               write(output, batch.compression, bytes, false) && write(output, batch.compression, {}, true);
    };
    if (!put(first, divided->first) || !put(second, divided->second)) return false;
    Chunk* const refused = batch.body;
    rest.encoding = batch.encoding;
    rest.encoded_bytes = divided->second.size();
    rest.spans = batch.spans - divided->first_spans;
    second.give_to(rest, batch.compression);
    // Of the records only the sum is known here; they are told apart by what became of them.
    rest.record_bytes = static_cast<std::size_t>(static_cast<double>(batch.record_bytes) *
                                                 static_cast<double>(divided->second.size()) /
                                                 static_cast<double>(plain.size()));
    batch.record_bytes -= std::min(rest.record_bytes, batch.record_bytes);
    batch.encoded_bytes = divided->first.size();
    batch.spans = divided->first_spans;
    first.give_to(batch, batch.compression);
    pool_.release_chain(refused);
    return true;
}

}  // namespace judgeval::detail
