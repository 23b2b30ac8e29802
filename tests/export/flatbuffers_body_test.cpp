// Records, as they stand in chunks, become buffers that say the same; bodies of buffers divide between them,
// or between the spans of an only one; and a record that cannot be read costs its batch, counted, nothing
// else.
#include "export/flatbuffers_body.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <utility>
#include <vector>

#include "encode/flatbuffers_reader.hpp"
#include "encode/otlp_builder.hpp"
#include "encode/otlp_writer.hpp"
#include "encode/random_request.hpp"
#include "export/compressor.hpp"
#include "record/wire.hpp"

namespace judgeval::detail {
namespace {

constexpr std::size_t kChunks = 64;

/// A record as it stands in a chunk.
std::string record_of(const std::string& span) {
    std::string record = "\x12";
    record.resize(1 + wire::kPaddedSize);
    wire::put_padded(reinterpret_cast<unsigned char*>(record.data()) + 1, span.size());
    return record + span;
}

class FlatBuffersBody : public testing::Test {
  protected:
    ~FlatBuffersBody() override { EXPECT_EQ(pool_.free(), kChunks); }

    /// A segment over these bytes: at an offset in a chunk, or a chain when they are too many for one.
    Segment segment_of(std::string_view bytes, std::uint32_t spans) {
        const std::uint32_t offset = bytes.size() + 100 <= kChunkData ? 100 : 0;
        Segment segment{nullptr, offset, 0, spans, static_cast<std::uint32_t>(bytes.size())};
        for (Chunk* last = nullptr; !bytes.empty();) {
            Chunk* const chunk = pool_.acquire(ChunkPool::For::kExport);
            const std::size_t at = last == nullptr ? offset : 0;
            const std::size_t size = std::min(bytes.size(), kChunkData - at);
            std::memcpy(chunk->data + at, bytes.data(), size);
            bytes.remove_prefix(size);
            if (last == nullptr) {
                segment.chunk = chunk;
                segment.size = static_cast<std::uint32_t>(size);
            } else {
                last->next = chunk;
                chunk->size = static_cast<std::uint32_t>(size);
            }
            last = chunk;
        }
        return segment;
    }

    Segment segment_of(const std::vector<std::string>& spans) {
        std::string records;
        for (const std::string& span : spans) records += record_of(span);
        return segment_of(records, static_cast<std::uint32_t>(spans.size()));
    }

    Batch batch_of(const std::vector<Segment>& segments, Compression compression = Compression::kNone) {
        Batch batch;
        batch.encoding = Encoding::kFlatBuffers;
        batch.compression = compression;
        batch.segments = segments;
        for (const Segment& segment : segments) {
            batch.spans += segment.spans;
            batch.record_bytes += segment.total_size;
        }
        return batch;
    }

    bool compress(Batch& batch) {
        return compressor_.compress(batch, frame_.before(0),
                                    [this](const Segment& done) { pool_.release_chain(done.chunk); });
    }

    static std::string body_of(const Batch& batch) {
        std::string body;
        for (const auto piece : batch.body_pieces()) body.append(piece);
        return body;
    }

    /// The spans of a body as OTLP, in its order; each buffer must bear the frame.
    static std::vector<std::string> spans_of(const std::string& body) {
        std::vector<std::string> spans;
        const auto read = encode::read_flatbuffers(body);
        EXPECT_TRUE(read.message) << read.error;
        if (!read.message) return spans;
        for (const auto& resource : read.message->resource_spans) {
            const auto* const name = encode::find_attribute(resource.resource.attributes, "service.name");
            EXPECT_NE(name, nullptr);
            EXPECT_EQ(resource.scope_spans.at(0).scope.name, "judgeval");
            for (const auto& span : resource.scope_spans.at(0).spans) {
                spans.push_back(encode::write_span(span));
            }
        }
        return spans;
    }

    static std::vector<std::string> random_spans(std::size_t count) {
        test::RandomRequest random(count);
        std::vector<std::string> spans(count);
        for (std::string& span : spans) span = encode::write_span(random.span());
        return spans;
    }

    ChunkPool pool_{kChunks * kChunkBytes, 0};
    Compressor compressor_{pool_, 1, 1};
    const Frame frame_{{{"service.name", "test"}}, "judgeval", "1"};
};

TEST_F(FlatBuffersBody, SaysWhatTheRecordsSay) {
    const std::vector<std::string> first = random_spans(7);
    const std::vector<std::string> second = random_spans(5);
    const std::vector<std::string> large = {
        test::span_message({.name = std::string(3 * kChunkData, 'x'), .error = "large"})};
    // what is done leaves from the back
    Batch batch = batch_of({segment_of(large), segment_of(second), segment_of(first)});
    ASSERT_TRUE(compress(batch));
    EXPECT_TRUE(batch.segments.empty());
    EXPECT_EQ(batch.encoded_bytes, batch.body_bytes);
    std::vector<std::string> expected = first;
    expected.insert(expected.end(), second.begin(), second.end());
    expected.push_back(encode::write_span(*encode::read_span(large.front()).message));
    EXPECT_TRUE(spans_of(body_of(batch)) == expected);
    pool_.release_chain(batch.body);
}

TEST_F(FlatBuffersBody, ARecordThatCannotBeReadFailsTheBatch) {
    const std::string good = record_of(random_spans(1).front());
    std::string no_ids = record_of("");
    std::string overlong = good;
    overlong[1] = static_cast<char>(0xFF);
    std::string shallow;
    for (int i = 0; i < 40; ++i) {
        std::string list;
        protozero::pbf_writer{list}.add_message(1, shallow);
        shallow.clear();
        protozero::pbf_writer{shallow}.add_message(5, list);
    }
    std::string deep = test::span_message({});
    protozero::pbf_writer{deep}.add_message(9, test::key_value("deep", shallow));
    struct Case {
        const char* what;
        std::string records;
        std::uint32_t spans;
    };
    for (const Case& broken : {Case{"no ids", good + no_ids, 2},
                               {"a length beyond the end", overlong, 1},
                               {"noise", std::string(500, '\xA5'), 1},
                               {"nothing but another field", "\x18\x01", 1},
                               {"fewer spans than counted", good, 2},
                               {"more spans than counted", good + good, 1},
                               {"a value nested too deeply", record_of(deep), 1}}) {
        // the good one is encoded before, and is done
        Batch batch = batch_of({segment_of(broken.records, broken.spans), segment_of(random_spans(3))});
        EXPECT_FALSE(compress(batch)) << broken.what;
        EXPECT_EQ(batch.body, nullptr);
        ASSERT_EQ(batch.segments.size(), 1U);
        EXPECT_EQ(batch.spans, broken.spans + 3) << "the exporter drops all of them";
        pool_.release_chain(batch.segments.front().chunk);
        // and the compressor is as good as before
        Batch next = batch_of({segment_of(random_spans(2))});
        ASSERT_TRUE(compress(next));
        EXPECT_TRUE(spans_of(body_of(next)) == random_spans(2));
        pool_.release_chain(next.body);
    }
}

TEST_F(FlatBuffersBody, WithoutMemoryFailsAndLeaksNothing) {
    Batch batch = batch_of({segment_of(random_spans(3)), segment_of(random_spans(50))});
    std::vector<Chunk*> taken;
    while (pool_.free() > 0) taken.push_back(pool_.acquire(ChunkPool::For::kExport));
    EXPECT_FALSE(compress(batch));
    EXPECT_EQ(batch.body, nullptr);
    for (const Segment& segment : batch.segments) pool_.release_chain(segment.chunk);
    for (Chunk* const chunk : taken) pool_.release(chunk);
}

TEST_F(FlatBuffersBody, DividesToTheLastSpan) {
    for (const Compression compression : {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
        // segments of 1, 3 and 9 spans
        std::vector<Segment> segments;
        std::vector<std::string> expected;
        for (const std::size_t count : {1U, 3U, 9U}) {
            const auto spans = random_spans(count);
            segments.insert(segments.begin(), segment_of(spans));
            expected.insert(expected.end(), spans.begin(), spans.end());
        }
        Batch whole = batch_of(segments, compression);
        ASSERT_TRUE(compress(whole));
        const std::size_t record_bytes = whole.record_bytes;
        std::vector<Batch> undivided;
        undivided.push_back(std::move(whole));
        std::vector<std::string> seen;
        std::size_t seen_record_bytes = 0;
        while (!undivided.empty()) {
            Batch batch = std::move(undivided.back());
            undivided.pop_back();
            Batch rest;
            const std::uint64_t spans = batch.spans;
            if (compressor_.split(batch, rest, frame_)) {
                EXPECT_GE(batch.spans, 1U);
                EXPECT_GE(rest.spans, 1U);
                EXPECT_EQ(batch.spans + rest.spans, spans);
                EXPECT_EQ(rest.encoding, Encoding::kFlatBuffers);
                EXPECT_EQ(rest.compression, compression);
                undivided.push_back(std::move(rest));  // the first part is looked at first
                undivided.push_back(std::move(batch));
                continue;
            }
            EXPECT_EQ(spans, 1U) << "only a span alone cannot be divided";
            seen_record_bytes += batch.record_bytes;
            if (compression == Compression::kNone) {
                const auto one = spans_of(body_of(batch));
                seen.insert(seen.end(), one.begin(), one.end());
                EXPECT_EQ(batch.encoded_bytes, batch.body_bytes);
            }
            pool_.release_chain(batch.body);
        }
        EXPECT_EQ(seen_record_bytes, record_bytes);
        if (compression == Compression::kNone) {
            EXPECT_TRUE(seen == expected);
        }
    }
}

TEST_F(FlatBuffersBody, DividesNearTheMiddle) {
    const std::string span = test::span_message({});
    const auto part = [&](std::size_t spans) { return segment_of(std::vector<std::string>(spans, span)); };
    struct Case {
        std::vector<std::size_t> segments;  ///< as they stand in the body
        std::uint64_t first;
    };
    for (const Case& one : {Case{{10, 10, 10, 10}, 20}, {{1, 100}, 1}, {{100, 1}, 100}, {{9}, 4}, {{2}, 1}}) {
        std::vector<Segment> segments;
        for (const std::size_t spans : one.segments) segments.insert(segments.begin(), part(spans));
        Batch batch = batch_of(segments);
        ASSERT_TRUE(compress(batch));
        Batch rest;
        ASSERT_TRUE(compressor_.split(batch, rest, frame_));
        EXPECT_EQ(batch.spans, one.first);
        EXPECT_EQ(spans_of(body_of(batch)).size(), batch.spans);
        EXPECT_EQ(spans_of(body_of(rest)).size(), rest.spans);
        pool_.release_chain(batch.body);
        pool_.release_chain(rest.body);
    }
}

TEST_F(FlatBuffersBody, ABodyThatIsNoneIsNotDivided) {
    Batch batch = batch_of({segment_of(random_spans(4)), segment_of(random_spans(4))});
    ASSERT_TRUE(compress(batch));
    const std::string body = body_of(batch);
    pool_.release_chain(batch.body);
    ASSERT_TRUE(divide_body(body));
    EXPECT_FALSE(divide_body(""));
    EXPECT_FALSE(divide_body(std::string_view(body).substr(0, body.size() - 1)));
    EXPECT_FALSE(divide_body(body + std::string(7, 'x')));
}

}  // namespace
}  // namespace judgeval::detail
