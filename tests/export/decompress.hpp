// Request bodies made plain again, by the compressors' own libraries in one call each.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <memory>
#include <string>
#include <string_view>

#include "judgeval/options.hpp"

namespace judgeval::test {

inline std::string decompress(Compression compression, std::string_view body) {
    std::string plain;
    switch (compression) {
        case Compression::kNone:
            return std::string(body);
        case Compression::kZstd: {
            // in pieces: a frame need not state its size
            const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> source(ZSTD_createDCtx(),
                                                                                 ZSTD_freeDCtx);
            ZSTD_inBuffer in{body.data(), body.size(), 0};
            for (std::size_t left = 1; left != 0;) {
                char block[16384];
                ZSTD_outBuffer out{block, sizeof block, 0};
                left = ZSTD_decompressStream(source.get(), &out, &in);
                if (ZSTD_isError(left) != 0 || (left != 0 && out.pos == 0 && in.pos == in.size)) {
                    ADD_FAILURE() << "no whole zstd frame";
                    return {};
                }
                plain.append(block, out.pos);
            }
            EXPECT_EQ(in.pos, in.size) << "bytes behind the end";
            return plain;
        }
        case Compression::kGzip: {
            z_stream stream{};
            constexpr int kGzipWindow = 15 + 16;
            EXPECT_EQ(::inflateInit2(&stream, kGzipWindow), Z_OK);
            std::string input(body);
            stream.next_in = reinterpret_cast<Bytef*>(input.data());
            stream.avail_in = static_cast<uInt>(input.size());
            int result = Z_OK;
            while (result == Z_OK) {
                char block[16384];
                stream.next_out = reinterpret_cast<Bytef*>(block);
                stream.avail_out = sizeof block;
                result = ::inflate(&stream, Z_NO_FLUSH);
                plain.append(block, sizeof block - stream.avail_out);
            }
            EXPECT_EQ(result, Z_STREAM_END);
            EXPECT_EQ(stream.avail_in, 0U) << "bytes behind the end";
            ::inflateEnd(&stream);
            return plain;
        }
    }
    return plain;
}

}  // namespace judgeval::test
