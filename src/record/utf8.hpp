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

/// True when every byte is ASCII. Stops at the first quarter kilobyte that is not.
[[nodiscard]] inline bool is_ascii(std::string_view text) noexcept {
    // A vector type of the compiler's, so that the loop is vectorised at every optimisation level.
    using Vector = std::uint64_t __attribute__((vector_size(16)));
    constexpr std::size_t kBlock = 256;
    constexpr std::uint64_t kAboveAscii = 0x8080808080808080ULL;
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left >= kBlock; left -= kBlock, at += kBlock) {
        Vector bits[4] = {};
        for (std::size_t i = 0; i < kBlock; i += sizeof bits) {
            Vector words[4];
            std::memcpy(words, at + i, sizeof words);
            for (std::size_t lane = 0; lane < 4; ++lane) bits[lane] |= words[lane];
        }
        const Vector all = (bits[0] | bits[1]) | (bits[2] | bits[3]);
        if (((all[0] | all[1]) & kAboveAscii) != 0) return false;
    }
    std::uint64_t bits = 0;
    std::uint64_t word = 0;
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
