// Request bodies made plain again, by the compressors' own libraries in one call each.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

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
            const auto size = ZSTD_getFrameContentSize(body.data(), body.size());
            if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
                ADD_FAILURE() << "no zstd frame that states its size";
                return {};
            }
            plain.resize(size);
            EXPECT_EQ(ZSTD_decompress(plain.data(), plain.size(), body.data(), body.size()), plain.size());
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
