// Which characters the three propagation headers are made of, looked up in tables.
//
// Pure functions and constants, for any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace judgeval::detail {

/// A set of bytes.
class CharacterSet {
  public:
    /// The printable ASCII characters from `first` to `last`, without those in `except`.
    consteval CharacterSet(char first, char last, std::string_view except) {
        for (char c = first; c <= last; ++c) contains_[static_cast<unsigned char>(c)] = true;
        for (const char c : except) contains_[static_cast<unsigned char>(c)] = false;
    }
    /// The lower-case letters, the digits, and these.
    consteval explicit CharacterSet(std::string_view others) : CharacterSet('a', 'z', {}) {
        for (char c = '0'; c <= '9'; ++c) contains_[static_cast<unsigned char>(c)] = true;
        for (const char c : others) contains_[static_cast<unsigned char>(c)] = true;
    }

    [[nodiscard]] constexpr bool contains(char character) const noexcept {
        return contains_[static_cast<unsigned char>(character)];
    }
    [[nodiscard]] constexpr bool contains_all(std::string_view text) const noexcept {
        for (const char character : text) {
            if (!contains(character)) return false;
        }
        return true;
    }

  private:
    std::array<bool, 256> contains_{};
};

/// `text` without the optional white space (RFC 9110, section 5.6.3: OWS) at both ends.
[[nodiscard]] constexpr std::string_view trim_white_space(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// What is no digit; or-ing digits together shows whether one was there.
inline constexpr std::uint8_t kNoDigit = 0x80;

/// The value of a hexadecimal digit. `kNoDigit` for anything else.
inline constexpr auto kHexValues = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNoDigit);
    for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0') + i] = i;
    for (std::uint8_t i = 0; i < 6; ++i) {
        values[static_cast<std::size_t>('a') + i] = values[static_cast<std::size_t>('A') + i] =
            static_cast<std::uint8_t>(10 + i);
    }
    return values;
}();

}  // namespace judgeval::detail
