// Text and Key: how names, keys and string values enter the tracing API.
//
// A string literal costs nothing to pass: its length, its hash and the validity of its UTF-8 are settled by
// the compiler, and since it lives as long as the program, only its address is kept. Any other string is
// looked at once and copied before the call returns. Plain values; any thread may use them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace judgeval {

namespace detail {

/// True when `text` is well-formed UTF-8 (RFC 3629). Meant for the compiler; run-time checks are vectorised.
constexpr bool is_utf8(const char* text, std::size_t size) noexcept {
    std::size_t at = 0;
    while (at < size) {
        const auto lead = static_cast<unsigned char>(text[at]);
        if (lead < 0x80) {
            ++at;
            continue;
        }
        std::size_t length = 0;
        std::uint32_t code_point = 0;
        if (lead >= 0xC2 && lead <= 0xDF) {
            length = 2;
            code_point = lead & 0x1FU;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            length = 3;
            code_point = lead & 0x0FU;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            length = 4;
            code_point = lead & 0x07U;
        } else {
            return false;
        }
        if (size - at < length) return false;
        for (std::size_t i = 1; i < length; ++i) {
            const auto next = static_cast<unsigned char>(text[at + i]);
            if ((next & 0xC0U) != 0x80U) return false;
            code_point = (code_point << 6U) | (next & 0x3FU);
        }
        if (length == 3 && (code_point < 0x800 || (code_point >= 0xD800 && code_point <= 0xDFFF)))
            return false;
        if (length == 4 && (code_point < 0x10000 || code_point > 0x10FFFF)) return false;
        at += length;
    }
    return true;
}

/// Reaching this call while the compiler evaluates a literal is the compile error a user then reads.
inline void string_literal_is_not_valid_utf8() {}

/// One bit of 64, chosen by a hash of the key: tells cheaply that a key was certainly not set before.
constexpr std::uint64_t key_filter_bit(std::string_view key) noexcept {
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    return std::uint64_t{1} << (hash >> 58U);
}

}  // namespace detail

/// A borrowed piece of text. Thread-safety: a plain value.
///
/// Lifetime: text that is not a literal must live until the call that takes it returns.
class Text {
  public:
    constexpr Text() noexcept = default;

    /// A string literal (or a constexpr array). Checked by the compiler; never copied.
    template <std::size_t N>
    consteval Text(const char (&literal)[N]) : data_(literal), size_(N - 1), literal_(true) {
        if (!detail::is_utf8(literal, N - 1)) detail::string_literal_is_not_valid_utf8();
    }

    /// A character buffer, read up to its first NUL.
    template <std::size_t N>
    Text(char (&buffer)[N]) noexcept : data_(buffer), size_(::strnlen(buffer, N)) {}

    /// Anything that is convertible to std::string_view. A null `const char*` is the empty text.
    template <typename String>
    requires(std::convertible_to<const String&, std::string_view> &&
             !std::is_array_v<String>) constexpr Text(const String& string) noexcept {
        if constexpr (std::is_pointer_v<String>) {
            if (string == nullptr) return;
        }
        const std::string_view view = string;
        data_ = view.data();
        size_ = view.size();
    }

    /// For text that the caller knows to be valid UTF-8 and to live as long as the program.
    [[nodiscard]] static constexpr Text unchecked_literal(const char* data, std::size_t size) noexcept {
        Text text;
        text.data_ = data;
        text.size_ = size;
        text.literal_ = true;
        return text;
    }

    [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    /// True when the text lives as long as the program and is known to be valid UTF-8.
    [[nodiscard]] constexpr bool is_literal() const noexcept { return literal_; }
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {data_, size_}; }

  private:
    const char* data_ = "";
    std::size_t size_ = 0;
    bool literal_ = false;
};

/// An attribute's key: a Text with its filter bit.
class Key {
  public:
    template <std::size_t N>
    consteval Key(const char (&literal)[N])
        : text_(literal), filter_bit_(detail::key_filter_bit({literal, N - 1})) {}

    template <std::size_t N>
    Key(char (&buffer)[N]) noexcept : text_(buffer), filter_bit_(detail::key_filter_bit(text_.view())) {}

    template <typename String>
    requires(std::convertible_to<const String&, std::string_view> &&
             !std::is_array_v<String>) constexpr Key(const String& string) noexcept
        : text_(string), filter_bit_(detail::key_filter_bit(text_.view())) {}

    [[nodiscard]] constexpr const Text& text() const noexcept { return text_; }
    [[nodiscard]] constexpr const char* data() const noexcept { return text_.data(); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return text_.size(); }
    [[nodiscard]] constexpr std::uint64_t filter_bit() const noexcept { return filter_bit_; }

  private:
    Text text_;
    std::uint64_t filter_bit_;
};

}  // namespace judgeval
