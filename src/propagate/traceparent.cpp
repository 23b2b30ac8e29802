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

static_assert(std::endian::native == std::endian::little, "the first digit is the lowest byte of a word");

/// How far the letters stand behind where digits would go on.
constexpr std::uint64_t kLetterGap = 'a' - '0' - 10;

constexpr std::uint64_t each(std::uint64_t byte) noexcept { return byte * 0x0101010101010101ULL; }

/// Reads eight digits into four bytes. Adds to `faults` where one was no lower-case digit.
std::uint64_t read_hex(std::uint64_t digits, std::uint64_t& faults) noexcept {
    // Letters have bit 6; what a value of 0 to 15 is written as must be what stood there.
    const std::uint64_t values = (digits & each(0x0F)) + 9 * (digits >> 6U & each(1));
    const std::uint64_t is_letter = (values + each(6)) >> 4U & each(1);
    faults |= (values & each(0xF0)) | (digits ^ (values + each('0') + is_letter * kLetterGap));
    std::uint64_t bytes = (values << 4U | values >> 8U) & 0x00FF00FF00FF00FFULL;
    bytes = (bytes | bytes >> 8U) & 0x0000FFFF0000FFFFULL;
    return (bytes | bytes >> 16U) & 0xFFFFFFFFU;
}
std::uint64_t read_sixteen_digits(const char* digits, std::uint64_t& faults) noexcept {
    return read_hex(load_unaligned<std::uint64_t>(digits), faults) |
           read_hex(load_unaligned<std::uint64_t>(digits + 8), faults) << 32U;
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

bool parse_traceparent(std::string_view header, SpanIdentity& identity) noexcept {
    header = trim_white_space(header);
    if (header.size() < kTraceparentBytes) return false;
    const char* const text = header.data();
    std::uint64_t faults = 0;
    const std::uint64_t version_and_flags =
        read_hex(load_unaligned<std::uint16_t>(text) |
                     std::uint64_t{load_unaligned<std::uint16_t>(text + kFlags)} << 16U | each('0') << 32U,
                 faults);
    const std::uint64_t version = version_and_flags & 0xFFU;
    const std::uint64_t trace_id[2] = {read_sixteen_digits(text + kTraceId, faults),
                                       read_sixteen_digits(text + kTraceId + 16, faults)};
    const std::uint64_t parent_id = read_sixteen_digits(text + kParentId, faults);
    if (faults != 0) return false;
    if (text[kTraceId - 1] != '-' || text[kParentId - 1] != '-' || text[kFlags - 1] != '-') return false;
    if (header.size() > kTraceparentBytes) {
        // Only a version to come has more, behind a dash. With a comma it is two headers joined.
        if (version == 0 || text[kTraceparentBytes] != '-') return false;
        if (header.find(',') != std::string_view::npos) return false;
    }
    if (version == 0xFF || (trace_id[0] | trace_id[1]) == 0 || parent_id == 0) return false;
    // Written once, where they stay: what was just written in small pieces is slow to copy.
    store_unaligned(identity.trace_id.bytes.data(), trace_id[0]);
    store_unaligned(identity.trace_id.bytes.data() + 8, trace_id[1]);
    store_unaligned(identity.span_id.bytes.data(), parent_id);
    identity.trace_flags = static_cast<std::uint8_t>(version_and_flags >> 8U & kDefinedFlags);
    identity.is_remote = true;
    return true;
}

void format_traceparent(const SpanIdentity& identity, std::array<char, kTraceparentBytes>& header) noexcept {
    unsigned flags = identity.trace_flags & kDefinedFlags;
    if (identity.is_shed) flags &= ~unsigned{kSampled};
    header[0] = header[1] = '0';
    header[kTraceId - 1] = header[kParentId - 1] = header[kFlags - 1] = '-';
    write_hex(identity.trace_id.bytes, header.data() + kTraceId);
    write_hex(identity.span_id.bytes, header.data() + kParentId);
    header[kFlags] = '0';
    header[kFlags + 1] = static_cast<char>('0' + flags);
}

}  // namespace judgeval::detail
