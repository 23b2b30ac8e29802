// Content codings against the reference compressors: what was packed comes out, and neither a broken body nor
// a bomb does harm.
#include "local/body_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "local/compression.hpp"

namespace judgeval::local {
namespace {

using test::gzip;
using test::zstd;
using ::testing::HasSubstr;

constexpr std::size_t kPlenty = std::size_t{64} << 20U;

/// Bytes that compress somewhat, longer than the decoder's pieces.
std::string sample(std::size_t length) {
    std::mt19937 random{42};
    std::string bytes(length, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>('a' + random() % 7);
    }
    return bytes;
}

void expect_decoded(const DecodedBody& decoded, const std::string& expected) {
    EXPECT_EQ(decoded.outcome, BodyOutcome::decoded) << decoded.error;
    EXPECT_EQ(decoded.error, "");
    EXPECT_TRUE(decoded.bytes == expected);
}

TEST(BodyDecoder, GivesBackWhatWasPacked) {
    for (const std::size_t length : {0UL, 1UL, 1000UL, 131072UL, 262144UL, 3000000UL}) {
        const std::string bytes = sample(length);
        expect_decoded(decode_body("", bytes, kPlenty), bytes);
        expect_decoded(decode_body("identity", bytes, kPlenty), bytes);
        expect_decoded(decode_body("gzip", gzip(bytes), kPlenty), bytes);
        expect_decoded(decode_body("zstd", zstd(bytes), kPlenty), bytes);
        expect_decoded(decode_body("ZSTD", zstd(bytes, 9), kPlenty), bytes);
    }
}

TEST(BodyDecoder, TakesSeveralFramesAndMembers) {
    const std::string first = sample(200'000);
    const std::string second = "and more";
    expect_decoded(decode_body("zstd", zstd(first) + zstd("") + zstd(second), kPlenty), first + second);
    expect_decoded(decode_body("gzip", gzip(first) + gzip("") + gzip(second), kPlenty), first + second);
}

TEST(BodyDecoder, ATruncatedBodyIsMalformed) {
    const std::string bytes = sample(5'000);
    for (const auto& [encoding, packed] : {std::pair{"gzip", gzip(bytes)}, std::pair{"zstd", zstd(bytes)}}) {
        for (std::size_t length = 0; length < packed.size(); ++length) {
            const DecodedBody decoded = decode_body(encoding, packed.substr(0, length), kPlenty);
            ASSERT_EQ(decoded.outcome, BodyOutcome::malformed) << encoding << " cut to " << length;
            ASSERT_THAT(decoded.error, HasSubstr("ends too early"));
        }
    }
}

TEST(BodyDecoder, ADamagedBodyIsMalformed) {
    EXPECT_EQ(decode_body("gzip", "this is no gzip at all", kPlenty).outcome, BodyOutcome::malformed);
    EXPECT_EQ(decode_body("zstd", "this is no zstd at all", kPlenty).outcome, BodyOutcome::malformed);
    EXPECT_EQ(decode_body("gzip", gzip("good") + "trailing rubbish", kPlenty).outcome,
              BodyOutcome::malformed);
    EXPECT_EQ(decode_body("zstd", zstd("good") + "trailing rubbish", kPlenty).outcome,
              BodyOutcome::malformed);
    std::string packed = gzip(sample(5'000));
    packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // in the checksum
    EXPECT_EQ(decode_body("gzip", packed, kPlenty).outcome, BodyOutcome::malformed);
}

TEST(BodyDecoder, TheLimitHoldsToTheByte) {
    const std::string bytes = sample(300'000);
    for (const auto& [encoding, packed] :
         {std::pair{"", bytes}, std::pair{"gzip", gzip(bytes)}, std::pair{"zstd", zstd(bytes)}}) {
        expect_decoded(decode_body(encoding, packed, bytes.size()), bytes);
        const DecodedBody refused = decode_body(encoding, packed, bytes.size() - 1);
        EXPECT_EQ(refused.outcome, BodyOutcome::too_large) << encoding;
        EXPECT_EQ(refused.error, "the decompressed body is larger than 299999 bytes");
        EXPECT_TRUE(refused.bytes.empty() || bytes.compare(0, refused.bytes.size(), refused.bytes) == 0);
        EXPECT_LT(refused.bytes.size(), bytes.size());
    }
}

TEST(BodyDecoder, TheLimitHoldsForADamagedBodyToo) {
    const std::string bytes = sample(300'000);
    std::string packed = gzip(bytes);
    packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // found with the last byte
    const DecodedBody refused = decode_body("gzip", packed, bytes.size() - 1);
    EXPECT_NE(refused.outcome, BodyOutcome::decoded);
    EXPECT_LT(refused.bytes.size(), bytes.size());
}

TEST(BodyDecoder, ABombIsTooLarge) {
    const std::string zeros(std::size_t{32} << 20U, '\0');
    std::string bomb = zstd(zeros);
    std::string bombs;
    for (int i = 0; i < 64; ++i) {  // two gigabytes in frames of a few kilobytes
        bombs += bomb;
    }
    EXPECT_LT(bombs.size(), 1'000'000U);
    EXPECT_EQ(decode_body("zstd", bombs, std::size_t{40} << 20U).outcome, BodyOutcome::too_large);
    EXPECT_EQ(decode_body("gzip", gzip(zeros), 1'000'000).outcome, BodyOutcome::too_large);
}

TEST(BodyDecoder, AWindowLargerThanHttpAllowsIsMalformed) {
    ZSTD_CCtx* const context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    const std::string bytes(std::size_t{9} << 20U, 'x');
    std::string packed(ZSTD_compressBound(bytes.size()), '\0');
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer output{packed.data(), packed.size(), 0};
    ASSERT_EQ(ZSTD_compressStream2(context, &output, &input, ZSTD_e_end), 0U);
    ZSTD_freeCCtx(context);
    packed.resize(output.pos);
    EXPECT_EQ(decode_body("zstd", packed, kPlenty).outcome, BodyOutcome::malformed);
}

TEST(BodyDecoder, OtherCodingsAreNamedUnknown) {
    for (const char* const encoding : {"br", "deflate", "gzip, zstd", "snappy"}) {
        EXPECT_EQ(decode_body(encoding, "body", kPlenty).outcome, BodyOutcome::unknown_encoding) << encoding;
    }
}

}  // namespace
}  // namespace judgeval::local
