// See body_decoder.hpp.
#include "local/body_decoder.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <memory>
#include <utility>

namespace judgeval::local {
namespace {

constexpr std::size_t kPieceBytes = 128 * 1024;

/// RFC 9659: a zstd content coding must not ask for a window of more than 8 MiB.
constexpr int kMaximumZstdWindowLog = 23;

DecodedBody failure(BodyOutcome outcome, std::string error, std::string bytes = {}) {
    return {outcome, std::move(bytes), std::move(error)};
}

DecodedBody too_large(std::size_t maximum_bytes, std::string bytes) {
    bytes.resize(std::min(bytes.size(), maximum_bytes));
    return failure(BodyOutcome::too_large,
                   "the decompressed body is larger than " + std::to_string(maximum_bytes) + " bytes",
                   std::move(bytes));
}

DecodedBody decode_gzip(std::string_view body, std::size_t maximum_bytes) {
    z_stream stream{};
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK) {
        return failure(BodyOutcome::malformed, "zlib could not be initialised");
    }
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> end_at_return{&stream, &inflateEnd};

    DecodedBody result;
    std::array<char, kPieceBytes> piece;
    bool member_is_complete = false;
    while (true) {
        if (stream.avail_in == 0) {
            if (body.empty()) {
                break;
            }
            const std::size_t length = std::min<std::size_t>(body.size(), std::numeric_limits<uInt>::max());
            // zlib's interface predates const; it does not write here.
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
            stream.avail_in = static_cast<uInt>(length);
            body.remove_prefix(length);
        }
        if (member_is_complete) {
            inflateReset(&stream);
            member_is_complete = false;
        }
        do {
            stream.next_out = reinterpret_cast<Bytef*>(piece.data());
            stream.avail_out = static_cast<uInt>(piece.size());
            const int status = inflate(&stream, Z_NO_FLUSH);
            const std::size_t length = piece.size() - stream.avail_out;
            const bool is_too_large = length > maximum_bytes - result.bytes.size();
            result.bytes.append(piece.data(), length);
            if (is_too_large) {
                return too_large(maximum_bytes, std::move(result.bytes));
            }
            if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
                return failure(BodyOutcome::malformed,
                               std::string{"the body is not valid gzip: "} +
                                   (stream.msg != nullptr ? stream.msg : "corrupt data"),
                               std::move(result.bytes));
            }
            member_is_complete = status == Z_STREAM_END;
        } while (!member_is_complete && stream.avail_out == 0);
    }
    if (!member_is_complete) {
        return failure(BodyOutcome::malformed, "the body is not valid gzip: it ends too early",
                       std::move(result.bytes));
    }
    return result;
}

DecodedBody decode_zstd(std::string_view body, std::size_t maximum_bytes) {
    const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(), &ZSTD_freeDCtx};
    if (!context) {
        return failure(BodyOutcome::malformed, "zstd could not be initialised");
    }
    ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMaximumZstdWindowLog);

    DecodedBody result;
    std::array<char, kPieceBytes> piece;
    ZSTD_inBuffer input{body.data(), body.size(), 0};
    bool frame_is_complete = false;
    bool output_is_full = false;
    while (input.pos < input.size || output_is_full) {
        ZSTD_outBuffer output{piece.data(), piece.size(), 0};
        const std::size_t status = ZSTD_decompressStream(context.get(), &output, &input);
        const bool is_too_large = output.pos > maximum_bytes - result.bytes.size();
        result.bytes.append(piece.data(), output.pos);
        if (is_too_large) {
            return too_large(maximum_bytes, std::move(result.bytes));
        }
        if (ZSTD_isError(status) != 0) {
            return failure(BodyOutcome::malformed,
                           std::string{"the body is not valid zstd: "} + ZSTD_getErrorName(status),
                           std::move(result.bytes));
        }
        frame_is_complete = status == 0;
        output_is_full = !frame_is_complete && output.pos == output.size;
    }
    if (!frame_is_complete) {
        return failure(BodyOutcome::malformed, "the body is not valid zstd: it ends too early",
                       std::move(result.bytes));
    }
    return result;
}

}  // namespace

DecodedBody decode_body(std::string_view content_encoding, std::string body, std::size_t maximum_bytes) {
    std::string encoding{content_encoding};
    std::transform(encoding.begin(), encoding.end(), encoding.begin(),
                   [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
    if (encoding.empty() || encoding == "identity") {
        if (body.size() > maximum_bytes) {
            return too_large(maximum_bytes, std::move(body));
        }
        return {BodyOutcome::decoded, std::move(body), {}};
    }
    if (encoding == "gzip") {
        return decode_gzip(body, maximum_bytes);
    }
    if (encoding == "zstd") {
        return decode_zstd(body, maximum_bytes);
    }
    return failure(BodyOutcome::unknown_encoding,
                   "this Content-Encoding is not understood; send identity, gzip or zstd");
}

}  // namespace judgeval::local
