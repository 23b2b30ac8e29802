// UTF-8 at the door: text that is not well formed would make a receiver reject the whole batch.
//
// Pure functions, run by the calling thread where bytes enter a span.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace judgeval::detail {

/// True when every byte is ASCII. Stops at the first half kilobyte that is not.
[[nodiscard]] inline bool is_ascii(std::string_view text) noexcept {
    constexpr std::size_t kBlock = 512;
    constexpr std::uint64_t kAboveAscii = 0x8080808080808080ULL;
    const char* at = text.data();
    std::size_t left = text.size();
    std::uint64_t word = 0;
    while (left >= kBlock) {
        std::uint64_t bits = 0;  // the compiler makes this loop one of vectors
        for (std::size_t i = 0; i < kBlock; i += sizeof word) {
            std::memcpy(&word, at + i, sizeof word);
            bits |= word;
        }
        if ((bits & kAboveAscii) != 0) return false;
        at += kBlock;
        left -= kBlock;
    }
    std::uint64_t bits = 0;
    for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
        std::memcpy(&word, at, sizeof word);
        bits |= word;
    }
    for (; left != 0; --left, ++at) bits |= static_cast<unsigned char>(*at);
    return (bits & kAboveAscii) == 0;
}

/// simdjson's vectorised check.
[[nodiscard]] bool is_valid_multibyte_utf8(std::string_view text) noexcept;

[[nodiscard]] inline bool is_valid_utf8(std::string_view text) noexcept {
    return is_ascii(text) || is_valid_multibyte_utf8(text);
}

/// `text` with each maximal ill-formed part replaced by U+FFFD (Unicode 15, section 3.9). Allocates.
[[nodiscard]] std::string mend_utf8(std::string_view text);

/// The longest prefix of at most `most` bytes that does not end inside a character.
[[nodiscard]] inline std::string_view cut_utf8(std::string_view text, std::size_t most) noexcept {
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end > 0 && most - end < 3 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

}  // namespace judgeval::detail
