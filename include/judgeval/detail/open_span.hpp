// OpenSpan: everything that is known of a span between its start and its end.
//
// It lives inside the span object its owner holds (usually on the stack) and only the owner touches it: no
// lock, no heap, no shared cache line. Attributes, events and links are kept as the OTLP wire bytes in which
// they will leave the process (opentelemetry/proto/trace/v1/trace.proto, message Span). The setters here are
// inline, because a literal key then becomes a few constant stores; everything rare is out of line in
// src/record/.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "judgeval/context.hpp"
#include "judgeval/export.hpp"
#include "judgeval/text.hpp"

// The setters must be inlined into the caller, else the key's length is no constant and its copy no store.
#define JUDGEVAL_ALWAYS_INLINE inline __attribute__((always_inline))

namespace judgeval {
class AttributeValue;
struct SpanLimits;
}  // namespace judgeval

namespace judgeval::detail {

class Pipeline;
struct TracerState;
struct OpenSpan;

/// Bits of SpanIdentity::trace_flags: W3C's, and one that never leaves the process: the trace is recorded
/// although it was not sampled, and what becomes of it is decided later (Sampler::keep_on_error).
inline constexpr std::uint8_t kSampled = 0x01;
inline constexpr std::uint8_t kTentative = 0x80;
inline constexpr std::uint8_t kRecorded = kSampled | kTentative;

/// One entry of a thread's stack of current contexts.
struct ContextNode {
    ContextNode* previous;
    /// The open span behind this entry, or null when it belongs to another thread or process.
    OpenSpan* span;
    /// What spans below inherit; null: nothing. Borrowed from an entry below on the same stack, which
    /// outlives this one, unless it is owned.
    const InheritedBlock* inherited;
    SpanIdentity context;
    std::uint8_t care;  ///< of the two below; usually neither
};
inline constexpr std::uint8_t kOwnsInherited = 1;  ///< what is inherited is the entry's own reference
inline constexpr std::uint8_t kIsEntryPoint = 2;   ///< the first span of an agent
static_assert(offsetof(ContextNode, care) == offsetof(ContextNode, context) + 27 &&
              offsetof(SpanIdentity, trace_flags) == 24);

enum class SpanState : std::uint8_t {
    kInactive,    ///< nothing to record and nothing to undo: every call on it returns at once
    kSuppressed,  ///< not recorded, but current: the spans below it must learn that their trace is not kept
    kRecording,
    kUndecided,  ///< not started yet: the sampler wants to know the name, see start_named()
};

enum class ParentIs : std::uint8_t { kNone, kLocal, kRemote };

/// Where the wire bytes of an open span stand.
enum class BytesIn : std::uint8_t {
    kSpan,   ///< in the span object
    kArena,  ///< in its thread's arena, behind what is published there: where they stay if nothing
             ///< intervenes. Only those of the thread's innermost span are ever there.
    kSpill,  ///< in a buffer of their own
};

/// Bytes an open span holds without touching the heap; the slack lets small copies write whole words.
inline constexpr std::size_t kInlineBytes = 640;
inline constexpr std::size_t kCopySlack = 32;

/// What a span may still take and what it had to leave out; copied as two blocks when a span starts.
struct SpanTally {
    /// The bits of the keys that are set, or that need care; all of them once no attribute is left.
    alignas(16) std::uint64_t key_filter;
    std::uint32_t attributes_left;  ///< until the limit
    std::uint16_t events_left;
    std::uint16_t links_left;
    alignas(16) std::uint32_t dropped_attributes;
    std::uint32_t dropped_events;
    std::uint32_t dropped_links;
    std::uint32_t truncated_values;
};

struct OpenSpan {
    // Nothing is initialised: whoever makes one starts it, or says that it is inactive.
    OpenSpan() noexcept {}  // NOLINT(modernize-use-equals-default)
    OpenSpan(const OpenSpan&) = delete;
    OpenSpan& operator=(const OpenSpan&) = delete;

    SpanState state;
    ParentIs parent;
    BytesIn bytes_in;
    std::uint8_t status;  ///< its StatusCode; a Status is among the wire bytes unless it is unset
    bool is_current;      ///< its node is on the stack of the thread that started it
    std::uint8_t kind;
    std::uint8_t uncaught_exceptions;  ///< how many were in flight when it started
    std::uint8_t update_id;            ///< how many times it was sent before its end
    Pipeline* pipeline;
    const SpanLimits* limits;
    // Unions of one, so that their zeroing initialisers are left out.
    union {
        ContextNode node;
    };
    union {
        SpanId parent_span_id;
    };
    std::uint64_t start_time;  ///< nanoseconds since the Unix epoch

    unsigned char* begin;   ///< of the wire bytes: name, attributes, events, links, status
    unsigned char* cursor;  ///< their end
    unsigned char* limit;   ///< as far as a setter may write
    SpanTally tally;

    unsigned char inline_bytes[kInlineBytes + kCopySlack];
};

// ---- out of line: everything that is not the common case ----

/// Starts `span` below the thread's current context. Sets its state.
JUDGEVAL_API void start_scoped(OpenSpan& span, TracerState& tracer, std::uint8_t kind) noexcept;
/// Starts `span` below `parent` (null: below the current context) without making it current.
JUDGEVAL_API void start_detached(OpenSpan& span, TracerState& tracer, std::uint8_t kind,
                                 const Context* parent) noexcept;
/// The same two for a span whose state they left undecided; these write the name and type as well.
JUDGEVAL_API void start_named(OpenSpan& span, TracerState& tracer, std::uint8_t kind, Text name,
                              Text type) noexcept;
JUDGEVAL_API void start_named_detached(OpenSpan& span, TracerState& tracer, std::uint8_t kind,
                                       const Context* parent, Text name, Text type) noexcept;
/// Ends a span that is not inactive. What is left is only fit to be destroyed, or made inactive.
JUDGEVAL_API void end(OpenSpan& span) noexcept;
/// Moves the span's state to another object; `from` becomes inactive.
JUDGEVAL_API void relocate(OpenSpan& from, OpenSpan& to) noexcept;

/// Sends the thread's open spans as they stand, those that have not been sent, but for this one: before
/// something that takes long, such as an LLM's answer or another service's.
JUDGEVAL_API void emit_open_spans(const OpenSpan* but) noexcept;

JUDGEVAL_API void append_name(OpenSpan& span, Text name) noexcept;
JUDGEVAL_API void append_type(OpenSpan& span, Text type) noexcept;
JUDGEVAL_API void append_attribute(OpenSpan& span, Key key, const AttributeValue& value) noexcept;
JUDGEVAL_API void append_string(OpenSpan& span, std::string_view key, std::string_view value,
                                bool is_literal) noexcept;

// ---- inline: a short attribute under a key that was not set before ----
//
// Keys and texts go by value all the way, and as plain views into the library: one whose address reaches a
// call is no constant any more.

inline constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

template <typename T>
JUDGEVAL_ALWAYS_INLINE T load_unaligned(const void* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
template <typename T>
JUDGEVAL_ALWAYS_INLINE void store_unaligned(void* to, T value) noexcept {
    std::memcpy(to, &value, sizeof value);
}

/// Copies a literal, which the compiler makes stores of constants, and fewer the more it knows of them: it
/// joins them with their neighbours, but not those of a memcpy of an odd size.
JUDGEVAL_ALWAYS_INLINE void copy_literal(unsigned char* to, const char* from, std::size_t size) noexcept {
    std::size_t at = 0;
    for (; at + 8 <= size; at += 8) store_unaligned(to + at, load_unaligned<std::uint64_t>(from + at));
    if ((size & 4U) != 0) {
        store_unaligned(to + at, load_unaligned<std::uint32_t>(from + at));
        at += 4;
    }
    if ((size & 2U) != 0) {
        store_unaligned(to + at, load_unaligned<std::uint16_t>(from + at));
        at += 2;
    }
    if ((size & 1U) != 0) to[at] = static_cast<unsigned char>(from[at]);
}

/// Copies up to 32 bytes of text and tells whether all of them were ASCII. Reads nothing outside of the text.
JUDGEVAL_ALWAYS_INLINE bool copy_short_ascii(unsigned char* to, const char* from, std::size_t size) noexcept {
    if (size >= 16) {
        const auto a = load_unaligned<std::uint64_t>(from);
        const auto b = load_unaligned<std::uint64_t>(from + 8);
        const auto c = load_unaligned<std::uint64_t>(from + size - 16);
        const auto d = load_unaligned<std::uint64_t>(from + size - 8);
        store_unaligned(to, a);
        store_unaligned(to + 8, b);
        store_unaligned(to + size - 16, c);
        store_unaligned(to + size - 8, d);
        return ((a | b | c | d) & kHighBits) == 0;
    }
    if (size >= 8) {
        const auto a = load_unaligned<std::uint64_t>(from);
        const auto b = load_unaligned<std::uint64_t>(from + size - 8);
        store_unaligned(to, a);
        store_unaligned(to + size - 8, b);
        return ((a | b) & kHighBits) == 0;
    }
    if (size >= 4) {
        const auto a = load_unaligned<std::uint32_t>(from);
        const auto b = load_unaligned<std::uint32_t>(from + size - 4);
        store_unaligned(to, a);
        store_unaligned(to + size - 4, b);
        return ((a | b) & static_cast<std::uint32_t>(kHighBits)) == 0;
    }
    unsigned bits = 0;
    for (std::size_t i = 0; i < size; ++i) {
        to[i] = static_cast<unsigned char>(from[i]);
        bits |= to[i];
    }
    return (bits & 0x80U) == 0;
}

/// Longest key and value for which every length of the attribute fits one byte.
inline constexpr std::size_t kShortKey = 64;
inline constexpr std::size_t kShortValue = 32;

JUDGEVAL_ALWAYS_INLINE bool takes_short(const OpenSpan& span, Key key) noexcept {
    return key.size() <= kShortKey && key.size() != 0 && key.text().is_literal() &&
           (span.tally.key_filter & key.filter_bit()) == 0 &&
           static_cast<std::size_t>(span.limit - span.cursor) >= kShortKey + kShortValue + 16;
}

/// Writes `4A size 0A size key 12 size`, that is Span.attributes { key = …, value = (to follow) }, for a key
/// that is a literal; returns where the AnyValue of `value_bytes` begins.
JUDGEVAL_ALWAYS_INLINE unsigned char* put_short_key(unsigned char* at, Key key,
                                                    std::size_t value_bytes) noexcept {
    at[0] = 0x4A;
    at[1] = static_cast<unsigned char>(4 + key.size() + value_bytes);
    at[2] = 0x0A;
    at[3] = static_cast<unsigned char>(key.size());
    copy_literal(at + 4, key.data(), key.size());
    at[4 + key.size()] = 0x12;
    at[5 + key.size()] = static_cast<unsigned char>(value_bytes);
    return at + 6 + key.size();
}

/// Takes up an attribute that was written at the cursor and ends at `end`.
JUDGEVAL_ALWAYS_INLINE void take_short(OpenSpan& span, Key key, unsigned char* end) noexcept {
    span.cursor = end;
    span.tally.key_filter |= key.filter_bit();
    if (--span.tally.attributes_left == 0) [[unlikely]]
        span.tally.key_filter = ~std::uint64_t{0};
}

JUDGEVAL_API void append_bool(OpenSpan& span, std::string_view key, bool value) noexcept;
JUDGEVAL_API void append_integer(OpenSpan& span, std::string_view key, std::int64_t value) noexcept;
JUDGEVAL_API void append_unsigned(OpenSpan& span, std::string_view key, std::uint64_t value) noexcept;
JUDGEVAL_API void append_double(OpenSpan& span, std::string_view key, double value) noexcept;

JUDGEVAL_ALWAYS_INLINE void set_bool(OpenSpan& span, Key key, bool value) noexcept {
    if (!takes_short(span, key)) return append_bool(span, key.text().view(), value);
    unsigned char* const at = put_short_key(span.cursor, key, 2);
    at[0] = 0x10;
    at[1] = value ? 1 : 0;
    take_short(span, key, at + 2);
}

/// For an integer whose varint has at most eight bytes.
JUDGEVAL_ALWAYS_INLINE void put_short_integer(OpenSpan& span, Key key, std::uint64_t value) noexcept {
    // A varint in one store, of which as many bytes count as it has.
    const auto bits = static_cast<std::uint32_t>(std::bit_width(value | 1U));
    const std::size_t size = ((bits + 6) * 37U) >> 8U;  // (bits + 6) / 7, for 1 to 56 bits
    // Seven bits to a byte.
    value = (value & 0x000000000FFFFFFFULL) | ((value & 0x00FFFFFFF0000000ULL) << 4U);
    value = (value & 0x00003FFF00003FFFULL) | ((value & 0x0FFFC0000FFFC000ULL) << 2U);
    value = (value & 0x007F007F007F007FULL) | ((value & 0x3F803F803F803F80ULL) << 1U);
    value |= kHighBits & ~(~std::uint64_t{0} << (8 * (size - 1)));
    unsigned char* const at = put_short_key(span.cursor, key, 1 + size);
    at[0] = 0x18;
    store_unaligned(at + 1, value);
    take_short(span, key, at + 1 + size);
}

JUDGEVAL_ALWAYS_INLINE void set_integer(OpenSpan& span, Key key, std::int64_t value) noexcept {
    const auto bits = static_cast<std::uint64_t>(value);
    if (!takes_short(span, key) || bits >> 56U != 0) return append_integer(span, key.text().view(), value);
    put_short_integer(span, key, bits);
}

JUDGEVAL_ALWAYS_INLINE void set_unsigned(OpenSpan& span, Key key, std::uint64_t value) noexcept {
    if (!takes_short(span, key) || value >> 56U != 0) return append_unsigned(span, key.text().view(), value);
    put_short_integer(span, key, value);
}

JUDGEVAL_ALWAYS_INLINE void set_double(OpenSpan& span, Key key, double value) noexcept {
    if (!takes_short(span, key)) return append_double(span, key.text().view(), value);
    unsigned char* const at = put_short_key(span.cursor, key, 9);
    at[0] = 0x21;
    static_assert(std::endian::native == std::endian::little, "OTLP doubles are little-endian");
    store_unaligned(at + 1, value);
    take_short(span, key, at + 9);
}

JUDGEVAL_ALWAYS_INLINE void set_string(OpenSpan& span, Key key, Text value) noexcept {
    if (!takes_short(span, key) || value.size() > kShortValue) {
        return append_string(span, key.text().view(), value.view(), value.is_literal());
    }
    unsigned char* const at = put_short_key(span.cursor, key, 2 + value.size());
    at[0] = 0x0A;
    at[1] = static_cast<unsigned char>(value.size());
    if (value.is_literal()) {
        copy_literal(at + 2, value.data(), value.size());
    } else if (!copy_short_ascii(at + 2, value.data(), value.size())) {
        // nothing is taken up before take_short
        return append_string(span, key.text().view(), value.view(), value.is_literal());
    }
    take_short(span, key, at + 2 + value.size());
}

/// The first bytes of a span that starts: its name, and its type as the attribute judgment.span_kind.
/// Literals become a few constant stores; that is why they are written here and not in the library. Sets the
/// cursor.
JUDGEVAL_ALWAYS_INLINE void put_name_and_type(OpenSpan& span, Text name, Text type) noexcept {
    if (!name.is_literal() || !type.is_literal() || name.size() > kShortKey || type.size() > kShortValue) {
        span.cursor = span.begin;
        append_name(span, name);
        append_type(span, type);
        return;
    }
    unsigned char* at = span.begin;
    at[0] = 0x2A;
    at[1] = static_cast<unsigned char>(name.size());
    copy_literal(at + 2, name.data(), name.size());
    at += 2 + name.size();
    at[0] = 0x4A;
    at[1] = static_cast<unsigned char>(24 + type.size());
    copy_literal(at + 2, "\x0A\x12judgment.span_kind\x12", 21);
    at[23] = static_cast<unsigned char>(2 + type.size());
    at[24] = 0x0A;
    at[25] = static_cast<unsigned char>(type.size());
    copy_literal(at + 26, type.data(), type.size());
    span.cursor = at + 26 + type.size();
    if (type.view() == "llm") emit_open_spans(&span);
}

}  // namespace judgeval::detail
