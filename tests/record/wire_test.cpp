// Lengths and varints as protozero, an independent reader, sees them.
#include "record/wire.hpp"

#include <gtest/gtest.h>

#include <protozero/varint.hpp>
#include <vector>

namespace judgeval::detail::wire {
namespace {

std::vector<std::uint64_t> interesting_numbers() {
    std::vector<std::uint64_t> numbers = {0, 1, UINT64_MAX};
    for (unsigned shift = 1; shift < 64; ++shift) {
        const std::uint64_t power = std::uint64_t{1} << shift;
        numbers.insert(numbers.end(), {power - 1, power, power + 1});
    }
    return numbers;
}

TEST(Wire, PaddedLengthsReadAsWhatTheyAre) {
    for (const std::uint64_t number : interesting_numbers()) {
        if (number > kPaddedMost) continue;
        unsigned char bytes[kPaddedSize + 1] = {0, 0, 0, 0, 0xEE};
        put_padded(bytes, number);
        const char* at = reinterpret_cast<const char*>(bytes);
        EXPECT_EQ(protozero::decode_varint(&at, at + kPaddedSize), number);
        EXPECT_EQ(at, reinterpret_cast<const char*>(bytes) + kPaddedSize) << "not all of the length was read";
        EXPECT_EQ(bytes[kPaddedSize], 0xEE);
        const unsigned char* own = bytes;
        EXPECT_EQ(get_varint(own), number);
    }
}

TEST(Wire, VarintsReadAsWhatTheyAre) {
    for (const std::uint64_t number : interesting_numbers()) {
        unsigned char bytes[16];
        const unsigned char* const end = put_varint(bytes, number);
        EXPECT_EQ(static_cast<std::size_t>(end - bytes), varint_size(number));
        const char* at = reinterpret_cast<const char*>(bytes);
        EXPECT_EQ(protozero::decode_varint(&at, at + 16), number);
        EXPECT_EQ(at, reinterpret_cast<const char*>(end));
        const unsigned char* own = bytes;
        EXPECT_EQ(get_varint(own), number);
        EXPECT_EQ(own, end);
    }
}

}  // namespace
}  // namespace judgeval::detail::wire
