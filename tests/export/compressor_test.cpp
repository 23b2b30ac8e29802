// Bodies over several chunks and back, and what remains when memory runs out.
#include "export/compressor.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "export/decompress.hpp"
#include "export/frame.hpp"
#include "record/wire.hpp"

namespace judgeval::detail {
namespace {

using test::decompress;

constexpr std::size_t kChunks = 128;
constexpr std::string_view kBefore = "the frame";

class CompressorTest : public testing::TestWithParam<Compression> {
  protected:
    /// A batch over chunks of its own: segments in the middle of a chunk, and a chain.
    Batch make_batch(std::size_t segments, bool is_compressible) {
        Batch batch;
        batch.compression = GetParam();
        batch.encoded_bytes = kBefore.size();
        for (std::size_t i = 0; i < segments; ++i) {
            Chunk* const first = pool_.acquire(ChunkPool::For::kExport);
            Segment segment{first, 0, 0, 1, 0};
            segment.offset = i % 3 == 0 ? 0 : 1000;
            segment.size = static_cast<std::uint32_t>(kChunkData - segment.offset);
            fill(first->data + segment.offset, segment.size, is_compressible);
            segment.total_size = segment.size;
            if (i % 3 == 0) {
                first->next = pool_.acquire(ChunkPool::For::kExport);
                first->next->size = 20'000;
                fill(first->next->data, first->next->size, is_compressible);
                segment.total_size += first->next->size;
            }
            batch.encoded_bytes += segment.total_size;
            batch.segments.push_back(segment);
        }
        return batch;
    }

    void fill(unsigned char* at, std::size_t size, bool is_compressible) {
        for (std::size_t i = 0; i < size; ++i)
            at[i] = static_cast<unsigned char>(is_compressible ? i % 7 : random_());
    }

    /// The segments' bytes, in the order in which the compressor takes them.
    static std::string plain_text(const Batch& batch) {
        std::string text(kBefore);
        for (auto segment = batch.segments.rbegin(); segment != batch.segments.rend(); ++segment) {
            text.append(reinterpret_cast<const char*>(segment->chunk->data) + segment->offset, segment->size);
            for (const Chunk* next = segment->chunk->next; next != nullptr; next = next->next) {
                text.append(reinterpret_cast<const char*>(next->data), next->size);
            }
        }
        return text;
    }

    static std::string body_of(const Batch& batch) {
        std::string body;
        for (const auto piece : batch.body_pieces()) body.append(piece);
        EXPECT_EQ(body.size(), batch.body_bytes);
        return body;
    }

    bool compress(Batch& batch) {
        return compressor_.compress(batch, kBefore,
                                    [this](const Segment& segment) { pool_.release_chain(segment.chunk); });
    }

    ChunkPool pool_{kChunks * kChunkBytes, 0};
    Compressor compressor_{pool_, 1, 1};
    std::mt19937_64 random_{42};
};

TEST_P(CompressorTest, BodiesComeBackWhole) {
    for (const bool is_compressible : {true, false}) {
        for (const std::size_t segments : {std::size_t{1}, std::size_t{2}, std::size_t{10}}) {
            Batch batch = make_batch(segments, is_compressible);
            const std::string expected = plain_text(batch);
            ASSERT_TRUE(compress(batch));
            EXPECT_TRUE(batch.segments.empty());
            EXPECT_TRUE(decompress(batch.compression, body_of(batch)) == expected);
            pool_.release_chain(batch.body);
            EXPECT_EQ(pool_.free(), kChunks);
        }
    }
}

TEST_P(CompressorTest, WithoutMemoryFailsAndLeaksNothing) {
    for (std::size_t left = 0; left < 4; ++left) {
        Batch batch = make_batch(6, false);
        std::vector<Chunk*> taken;
        while (pool_.free() > left) taken.push_back(pool_.acquire(ChunkPool::For::kExport));
        const std::string expected = plain_text(batch);
        if (compress(batch)) {
            // segments that were done made room for the rest
            EXPECT_TRUE(decompress(batch.compression, body_of(batch)) == expected);
        } else {
            EXPECT_EQ(batch.body, nullptr);
            EXPECT_FALSE(batch.segments.empty());
        }
        EXPECT_TRUE(left != 0 || batch.body == nullptr);
        for (const auto& segment : batch.segments) pool_.release_chain(segment.chunk);
        pool_.release_chain(batch.body);
        for (Chunk* const chunk : taken) pool_.release(chunk);
        EXPECT_EQ(pool_.free(), kChunks);
        // and the compressor is as good as before
        Batch next = make_batch(2, true);
        const std::string text = plain_text(next);
        ASSERT_TRUE(compress(next));
        EXPECT_TRUE(decompress(next.compression, body_of(next)) == text);
        pool_.release_chain(next.body);
    }
}

TEST_P(CompressorTest, ZstdBodiesBecomeGzip) {
    if (GetParam() != Compression::kZstd) return;  // the others are never rewritten
    for (const bool is_compressible : {true, false}) {
        Batch batch = make_batch(10, is_compressible);
        const std::string expected = plain_text(batch);
        ASSERT_TRUE(compress(batch));
        ASSERT_TRUE(compressor_.recompress_as_gzip(batch));
        EXPECT_EQ(batch.compression, Compression::kGzip);
        EXPECT_TRUE(decompress(Compression::kGzip, body_of(batch)) == expected);
        pool_.release_chain(batch.body);
        EXPECT_EQ(pool_.free(), kChunks);
    }
}

TEST_P(CompressorTest, ABodyThatCannotBecomeGzipStaysWhatItWas) {
    if (GetParam() != Compression::kZstd) return;  // see above
    Batch batch = make_batch(10, false);
    const std::string expected = plain_text(batch);
    ASSERT_TRUE(compress(batch));
    std::vector<Chunk*> taken;
    while (pool_.free() > 1) taken.push_back(pool_.acquire(ChunkPool::For::kExport));
    EXPECT_FALSE(compressor_.recompress_as_gzip(batch));
    EXPECT_EQ(batch.compression, Compression::kZstd);
    EXPECT_TRUE(decompress(Compression::kZstd, body_of(batch)) == expected);
    EXPECT_EQ(pool_.free(), 1U);
    for (Chunk* const chunk : taken) pool_.release(chunk);
    pool_.release_chain(batch.body);
}

/// A batch of records as they stand in chunks, and what they say.
class SplitTest : public CompressorTest {
  protected:
    Batch make_records(const std::vector<std::size_t>& sizes) {
        Batch batch;
        batch.compression = GetParam();
        Chunk* chunk = nullptr;
        for (const std::size_t size : sizes) {
            std::string record = "\x12";
            record.resize(1 + wire::kPaddedSize + size);
            wire::put_padded(reinterpret_cast<unsigned char*>(record.data()) + 1, size);
            fill(reinterpret_cast<unsigned char*>(record.data()) + 5, size, false);
            if (chunk == nullptr || batch.segments.back().size + record.size() > kChunkData) {
                chunk = pool_.acquire(ChunkPool::For::kExport);
                batch.segments.push_back({chunk, 0, 0, 0, 0});
            }
            Segment& segment = batch.segments.back();
            std::memcpy(chunk->data + segment.size, record.data(), record.size());
            segment.size += static_cast<std::uint32_t>(record.size());
            segment.total_size = segment.size;
            ++segment.spans;
            ++batch.spans;
            batch.record_bytes += record.size();
        }
        // in the order in which the compressor takes the segments
        for (auto segment = batch.segments.rbegin(); segment != batch.segments.rend(); ++segment) {
            records_.append(reinterpret_cast<const char*>(segment->chunk->data), segment->size);
        }
        const std::string before = frame_.before(batch.record_bytes);
        batch.encoded_bytes = before.size() + batch.record_bytes;
        EXPECT_TRUE(compressor_.compress(batch, before,
                                         [this](const Segment& done) { pool_.release_chain(done.chunk); }));
        return batch;
    }
    /// The records of a body, without its frame, whose lengths must be right.
    std::string records_of(const Batch& batch) {
        const std::string plain = decompress(batch.compression, body_of(batch));
        const std::string before = frame_.before(batch.record_bytes);
        EXPECT_EQ(plain.size(), batch.encoded_bytes);
        EXPECT_EQ(plain.substr(0, before.size()), before);
        return plain.substr(before.size());
    }

    const Frame frame_{{{"service.name", "test"}}, "judgeval", "1"};
    std::string records_;
};

TEST_P(SplitTest, DividesBetweenRecordsNearTheMiddle) {
    const std::vector<std::vector<std::size_t>> cases = {
        {1, 1},       {0, 0, 0},        {20'000, 10},
        {10, 20'000}, {10, 20'000, 10}, {8'000, 8'000, 8'000, 8'000, 8'000, 9}};
    for (const auto& sizes : cases) {
        records_.clear();
        Batch batch = make_records(sizes);
        Batch rest;
        ASSERT_TRUE(compressor_.split(batch, rest, frame_));
        EXPECT_EQ(batch.spans + rest.spans, sizes.size());
        EXPECT_GE(batch.spans, 1U);
        EXPECT_GE(rest.spans, 1U);
        EXPECT_EQ(rest.compression, GetParam());
        EXPECT_TRUE(records_of(batch) + records_of(rest) == records_);
        if (sizes.size() > 4) {
            EXPECT_EQ(batch.spans, 3U);
        }
        pool_.release_chain(batch.body);
        pool_.release_chain(rest.body);
        EXPECT_EQ(pool_.free(), kChunks);
    }
}

TEST_P(SplitTest, ABatchThatCannotBeDividedStaysWhatItWas) {
    Batch one = make_records({1000});
    Batch rest;
    EXPECT_FALSE(compressor_.split(one, rest, frame_));
    EXPECT_TRUE(records_of(one) == records_);
    pool_.release_chain(one.body);

    records_.clear();
    Batch many = make_records(std::vector<std::size_t>(60, 1000));
    std::vector<Chunk*> taken;
    while (pool_.free() > 1) taken.push_back(pool_.acquire(ChunkPool::For::kExport));
    EXPECT_FALSE(compressor_.split(many, rest, frame_));
    EXPECT_EQ(many.spans, 60U);
    EXPECT_EQ(rest.body, nullptr);
    EXPECT_TRUE(records_of(many) == records_);
    for (Chunk* const chunk : taken) pool_.release(chunk);
    pool_.release_chain(many.body);
    EXPECT_EQ(pool_.free(), kChunks);
}

std::string name_of(const testing::TestParamInfo<Compression>& parameter) {
    constexpr const char* kNames[] = {"Zstd", "Gzip", "None"};
    return kNames[static_cast<std::size_t>(parameter.param)];
}
INSTANTIATE_TEST_SUITE_P(All, CompressorTest,
                         testing::Values(Compression::kZstd, Compression::kGzip, Compression::kNone),
                         name_of);

INSTANTIATE_TEST_SUITE_P(All, SplitTest,
                         testing::Values(Compression::kZstd, Compression::kGzip, Compression::kNone),
                         name_of);

}  // namespace
}  // namespace judgeval::detail
