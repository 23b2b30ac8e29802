// Reading and writing of traceparent.
#include "propagate/traceparent.hpp"

#include <array>
#include <bit>
#include <cstdint>

#include "judgeval/detail/open_span.hpp"
#include "propagate/characters.hpp"

namespace judgeval::detail {

namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr std::size_t kTraceId = 3;
constexpr std::size_t kParentId = 36;
constexpr std::size_t kFlags = 53;
constexpr unsigned kDefinedFlags = 0x03;
constexpr unsigned kSampled = 0x01;

static_assert(std::endian::native == std::endian::little, "the first digit is the lowest byte of a word");

/// How far the letters stand behind where digits would go on.
constexpr std::uint64_t kLetterGap = 'a' - '0' - 10;

constexpr std::uint64_t each(std::uint64_t byte) noexcept { return byte * 0x0101010101010101ULL; }

/// Reads eight digits at a time into four bytes. Adds to `faults` where one was no lower-case digit.
std::uint32_t read_hex(const char* digits, std::uint64_t& faults) noexcept {
    const auto text = load_unaligned<std::uint64_t>(digits);
    // Letters have bit 6; what a value of 0 to 15 is written as must be what stood there.
    const std::uint64_t values = (text & each(0x0F)) + 9 * (text >> 6U & each(1));
    const std::uint64_t is_letter = (values + each(6)) >> 4U & each(1);
    faults |= (values & each(0xF0)) | (text ^ (values + each('0') + is_letter * kLetterGap));
    std::uint64_t bytes = (values << 4U | values >> 8U) & 0x00FF00FF00FF00FFULL;
    bytes = (bytes | bytes >> 8U) & 0x0000FFFF0000FFFFULL;
    return static_cast<std::uint32_t>(bytes | bytes >> 16U);
}

template <std::size_t N>
void read_hex(const char* digits, std::array<std::uint8_t, N>& bytes, std::uint64_t& faults) noexcept {
    for (std::size_t i = 0; i < N; i += 4)
        store_unaligned(bytes.data() + i, read_hex(digits + 2 * i, faults));
}

/// The eight digits of four bytes.
std::uint64_t hex_digits(std::uint64_t bytes) noexcept {
    bytes = (bytes | bytes << 16U) & 0x0000FFFF0000FFFFULL;
    bytes = (bytes | bytes << 8U) & 0x00FF00FF00FF00FFULL;
    const std::uint64_t values =
        (bytes >> 4U & each(0x0F)) | (bytes << 8U & each(0x0F) & 0xFF00FF00FF00FF00ULL);
    const std::uint64_t is_letter = (values + each(6)) >> 4U & each(1);
    return values + each('0') + is_letter * kLetterGap;
}

template <std::size_t N>
void write_hex(const std::array<std::uint8_t, N>& bytes, char* digits) noexcept {
    for (std::size_t i = 0; i < N; i += 4) {
        store_unaligned(digits + 2 * i, hex_digits(load_unaligned<std::uint32_t>(bytes.data() + i)));
    }
}

}  // namespace

std::optional<SpanIdentity> parse_traceparent(std::string_view header) noexcept {
    header = trim_white_space(header);
    if (header.size() < kTraceparentBytes) return std::nullopt;
    const char ends[8] = {header[0], header[1], header[kFlags], header[kFlags + 1], '0', '0', '0', '0'};
    std::uint64_t faults = 0;
    const std::uint32_t version_and_flags = read_hex(ends, faults);
    const std::uint32_t version = version_and_flags & 0xFFU;
    SpanIdentity identity;
    read_hex(header.data() + kTraceId, identity.trace_id.bytes, faults);
    read_hex(header.data() + kParentId, identity.span_id.bytes, faults);
    if (faults != 0) return std::nullopt;
    if (header[kTraceId - 1] != '-' || header[kParentId - 1] != '-' || header[kFlags - 1] != '-') {
        return std::nullopt;
    }
    if (header.size() > kTraceparentBytes) {
        // Only a version to come has more, behind a dash. With a comma it is two headers joined.
        if (version == 0 || header[kTraceparentBytes] != '-') return std::nullopt;
        if (header.find(',') != std::string_view::npos) return std::nullopt;
    }
    if (version == 0xFF || !identity.is_valid()) return std::nullopt;
    identity.trace_flags = static_cast<std::uint8_t>(version_and_flags >> 8U & kDefinedFlags);
    identity.is_remote = true;
    return identity;
}

void format_traceparent(const SpanIdentity& identity, std::array<char, kTraceparentBytes>& header) noexcept {
    unsigned flags = identity.trace_flags & kDefinedFlags;
    if (identity.is_shed) flags &= ~kSampled;
    header[0] = header[1] = '0';
    header[kTraceId - 1] = header[kParentId - 1] = header[kFlags - 1] = '-';
    write_hex(identity.trace_id.bytes, header.data() + kTraceId);
    write_hex(identity.span_id.bytes, header.data() + kParentId);
    header[kFlags] = '0';
    header[kFlags + 1] = static_cast<char>('0' + flags);
}

}  // namespace judgeval::detail
