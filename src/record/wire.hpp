// Protobuf's wire format, as far as writing spans needs it (protobuf.dev, "Encoding").
//
// Pure functions on caller's memory; they run on the calling thread while a span is open or ends.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace judgeval::detail::wire {

// Tags: field number << 3 | wire type.
inline constexpr unsigned char kSpanName = 0x2A;
inline constexpr unsigned char kSpanAttribute = 0x4A;
inline constexpr unsigned char kSpanEvent = 0x5A;
inline constexpr unsigned char kSpanLink = 0x6A;
inline constexpr unsigned char kSpanStatus = 0x7A;
inline constexpr unsigned char kEventAttribute = 0x1A;
inline constexpr unsigned char kLinkAttribute = 0x22;
inline constexpr unsigned char kAnyString = 0x0A;
inline constexpr unsigned char kAnyArray = 0x2A;

/// A length written before it is known: four bytes, up to 2^28 - 1. Longer than need be, and valid.
inline constexpr std::size_t kPaddedSize = 4;
inline constexpr std::size_t kPaddedMost = (std::size_t{1} << 28U) - 1;

inline std::size_t varint_size(std::uint64_t value) noexcept {
    return static_cast<std::size_t>(1 + (std::bit_width(value | 1) - 1) / 7);
}

inline unsigned char* put_varint(unsigned char* at, std::uint64_t value) noexcept {
    while (value >= 0x80) {
        *at++ = static_cast<unsigned char>(value | 0x80U);
        value >>= 7U;
    }
    *at++ = static_cast<unsigned char>(value);
    return at;
}

inline std::uint32_t padded(std::size_t value) noexcept {
    const auto bits = static_cast<std::uint32_t>(value);
    return (bits & 0x7FU) | ((bits & 0x3F80U) << 1U) | ((bits & 0x1FC000U) << 2U) |
           ((bits & 0xFE00000U) << 3U) | 0x00808080U;
}
inline void put_padded(unsigned char* at, std::size_t value) noexcept {
    const std::uint32_t bytes = padded(value);
    std::memcpy(at, &bytes, kPaddedSize);
}

inline unsigned char* put_bytes(unsigned char* at, const void* from, std::size_t size) noexcept {
    if (size != 0) std::memcpy(at, from, size);
    return at + size;
}

/// Tag, length and bytes of a string whose length is known.
inline unsigned char* put_string(unsigned char* at, unsigned char tag, std::string_view text) noexcept {
    *at++ = tag;
    at = put_varint(at, text.size());
    return put_bytes(at, text.data(), text.size());
}

/// A varint of our own making, back again.
inline std::uint64_t get_varint(const unsigned char*& at) noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const unsigned char byte = *at++;
        value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
        if ((byte & 0x80U) == 0) return value;
    }
}

}  // namespace judgeval::detail::wire
