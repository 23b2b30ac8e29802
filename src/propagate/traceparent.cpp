// Reading and writing of traceparent.
#include "propagate/traceparent.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include "propagate/characters.hpp"

namespace judgeval::detail {

namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr std::size_t kTraceId = 3;
constexpr std::size_t kParentId = 36;
constexpr std::size_t kFlags = 53;
constexpr std::uint8_t kDefinedFlags = 0x03;
constexpr std::uint8_t kSampled = 0x01;

constexpr auto kHexValues = hex_values(false);

/// The two digits of every byte.
constexpr auto kHexDigits = [] {
    std::array<char, 512> digits{};
    for (std::size_t i = 0; i < 256; ++i) {
        digits[2 * i] = "0123456789abcdef"[i >> 4U];
        digits[2 * i + 1] = "0123456789abcdef"[i & 15U];
    }
    return digits;
}();

/// Reads two digits for each byte; what it returns has kNoDigit set if one of them was none.
template <std::size_t N>
std::uint8_t read_hex(const char* digits, std::array<std::uint8_t, N>& bytes) noexcept {
    std::uint8_t all = 0;
    for (std::size_t i = 0; i < N; ++i) {
        const std::uint8_t high = kHexValues[static_cast<unsigned char>(digits[2 * i])];
        const std::uint8_t low = kHexValues[static_cast<unsigned char>(digits[2 * i + 1])];
        all = static_cast<std::uint8_t>(all | high | low);
        bytes[i] = static_cast<std::uint8_t>(high << 4U | low);
    }
    return all;
}

template <std::size_t N>
void write_hex(const std::array<std::uint8_t, N>& bytes, char* digits) noexcept {
    for (std::size_t i = 0; i < N; ++i) {
        std::memcpy(digits + 2 * i, kHexDigits.data() + 2 * std::size_t{bytes[i]}, 2);
    }
}

}  // namespace

std::optional<SpanIdentity> parse_traceparent(std::string_view header) noexcept {
    header = trim_white_space(header);
    if (header.size() < kTraceparentBytes) return std::nullopt;
    std::array<std::uint8_t, 1> version;
    std::array<std::uint8_t, 1> flags;
    SpanIdentity identity;
    const unsigned digits = unsigned{read_hex(header.data(), version)} |
                            read_hex(header.data() + kTraceId, identity.trace_id.bytes) |
                            read_hex(header.data() + kParentId, identity.span_id.bytes) |
                            read_hex(header.data() + kFlags, flags);
    if ((digits & kNoDigit) != 0) return std::nullopt;
    if (header[kTraceId - 1] != '-' || header[kParentId - 1] != '-' || header[kFlags - 1] != '-') {
        return std::nullopt;
    }
    if (header.size() > kTraceparentBytes && (version[0] == 0 || header[kTraceparentBytes] != '-')) {
        return std::nullopt;  // only a version to come has more, and a dash before it
    }
    if (version[0] == 0xFF || !identity.is_valid()) return std::nullopt;
    identity.trace_flags = flags[0] & kDefinedFlags;
    identity.is_remote = true;
    return identity;
}

void format_traceparent(const SpanIdentity& identity, char (&header)[kTraceparentBytes]) noexcept {
    std::array<std::uint8_t, 1> flags{static_cast<std::uint8_t>(identity.trace_flags & kDefinedFlags)};
    if (identity.is_shed) flags[0] &= static_cast<std::uint8_t>(~kSampled);
    header[0] = header[1] = '0';
    header[kTraceId - 1] = header[kParentId - 1] = header[kFlags - 1] = '-';
    write_hex(identity.trace_id.bytes, header + kTraceId);
    write_hex(identity.span_id.bytes, header + kParentId);
    write_hex(flags, header + kFlags);
}

}  // namespace judgeval::detail
