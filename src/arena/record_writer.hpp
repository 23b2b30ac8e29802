// A finished span as it will leave the process: the fixed fields around its own bytes (message Span in
// opentelemetry/proto/trace/v1/trace.proto), written into the thread's arena.
//
// Runs on the thread that owns the span. Inline, since every span's end goes through here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "arena/pipeline.hpp"
#include "arena/thread_arena.hpp"
#include "record/span_bytes.hpp"
#include "record/wire.hpp"

namespace judgeval::detail {

/// How much of the arena a span asks for ahead of its writing.
inline constexpr std::size_t kUsualRecord = 256;

/// Asks for the cache lines of `size` bytes at `at`, to be written soon.
JUDGEVAL_ALWAYS_INLINE void prefetch_for_writing(const unsigned char* at, std::size_t size) noexcept {
    for (std::size_t ahead = 0; ahead < size; ahead += kCacheLine) __builtin_prefetch(at + ahead, 1);
}

/// Copies whole words, up to kCopySlack - 1 bytes more than asked: both sides have the slack.
inline void copy_words(unsigned char* to, const unsigned char* from, std::size_t size) noexcept {
    for (std::size_t at = 0; at < size; at += 32) std::memcpy(to + at, from + at, 32);
}
/// As far as that is faster than a call.
inline constexpr std::size_t kCopiedInlineMost = 512;
inline void copy_with_slack(unsigned char* to, const unsigned char* from, std::size_t size) noexcept {
    if (size > kCopiedInlineMost) {
        std::memcpy(to, from, size);
        return;
    }
    copy_words(to, from, size);
}

/// A record's bytes before the span's own, and most behind them.
template <bool kHasParent>
inline constexpr std::size_t kHeadBytes = kHasParent ? 95 : 85;
inline constexpr std::size_t kTailMost = 2 + 3 * 6;
/// Of a span that has not outgrown its first bytes.
inline constexpr std::size_t kOpenRecordMost = kHeadBytes<true> + kInlineBytes + kTailMost;

inline std::size_t head_bytes(const OpenSpan& span) noexcept {
    return span.parent != ParentIs::kNone ? kHeadBytes<true> : kHeadBytes<false>;
}

template <std::size_t N>
JUDGEVAL_ALWAYS_INLINE void store_bytes(unsigned char* to, const char (&bytes)[N]) noexcept {
    std::memcpy(to, bytes, N - 1);
}

/// The fields every span has, at fixed places, in as few stores as can be: tags that lie close together are
/// written at once, over the values between them, which follow.
template <bool kHasParent>
JUDGEVAL_ALWAYS_INLINE void put_head(unsigned char* const out, const OpenSpan& span, std::uint64_t end_time,
                                     std::size_t record_bytes) noexcept {
    // ScopeSpans.spans, its length, and trace_id's tag and length
    store_unaligned(
        out, 0x12U | std::uint64_t{wire::padded(record_bytes - 5)} << 8U | std::uint64_t{0x100A} << 40U);
    std::memcpy(out + 7, span.node.context.trace_id.bytes.data(), 16);
    unsigned char* at = out + 23;
    if constexpr (kHasParent) {
        store_bytes(at, "\x12\x08........\x22\x08....");  // span_id, parent_span_id
        std::memcpy(at + 2, span.node.context.span_id.bytes.data(), 8);
        std::memcpy(at + 12, span.parent_span_id.bytes.data(), 8);
        at += 20;
    } else {
        store_bytes(at, "\x12\x08......");
        std::memcpy(at + 2, span.node.context.span_id.bytes.data(), 8);
        at += 10;
    }
    // flags: W3C's in the low byte, 0x100: it is known whether the parent is remote; and kind
    store_unaligned(at, 0x0185U | std::uint64_t{span.node.context.trace_flags | 0x100U} << 16U |
                            std::uint64_t{0x30} << 48U | std::uint64_t{span.kind} << 56U);
    store_bytes(at + 8, "\x39........\x41......");  // start_time_unix_nano, end_time_unix_nano
    store_unaligned(at + 9, span.start_time);
    store_unaligned(at + 18, end_time);
    // attributes { key: "judgment.update_id", value { int_value: 0 } }
    store_bytes(at + 26, "\x4A\x18\x0A\x12judgment.upd");
    store_bytes(at + 36, "nt.update_id\x12\x02\x18\0");
}

JUDGEVAL_ALWAYS_INLINE void put_head(unsigned char* const out, const OpenSpan& span, std::uint64_t end_time,
                                     std::size_t record_bytes) noexcept {
    if (span.parent != ParentIs::kNone) [[likely]] {
        put_head<true>(out, span, end_time, record_bytes);
        if (span.parent == ParentIs::kRemote) out[46] = 3;  // flags: known, and it is
    } else {
        put_head<false>(out, span, end_time, record_bytes);
    }
    out[head_bytes(span) - 1] = span.update_id;
}

/// What put_head() wrote, for the exporter to look at: the record at `record` stands there up to its span's
/// own bytes at least.
struct RecordHead {
    std::size_t record_bytes;
    TraceId trace_id;
    unsigned char* trace_flags;
    bool is_local_root;  ///< it has no parent, or one in another process
};
inline RecordHead read_head(unsigned char* record) noexcept {
    RecordHead head{};
    for (int i = 4; i >= 1; --i) head.record_bytes = head.record_bytes << 7U | (record[i] & 0x7FU);
    head.record_bytes += 5;
    std::memcpy(head.trace_id.bytes.data(), record + 7, 16);
    const bool has_parent = record[33] == 0x22;
    unsigned char* const flags = record + (has_parent ? 45 : 35);
    head.trace_flags = flags;
    head.is_local_root = !has_parent || flags[1] == 3;
    return head;
}

/// True when a span had to leave nothing out.
inline bool is_complete(const SpanTally& tally) noexcept {
    // Two loads within one of the two stores with which the tally was copied: a processor that has to put a
    // load together from several stores waits until they are in the cache.
    static_assert(offsetof(SpanTally, dropped_attributes) == 16 && sizeof(SpanTally) == 32);
    return (load_unaligned<std::uint64_t>(&tally.dropped_attributes) |
            load_unaligned<std::uint64_t>(&tally.dropped_links)) == 0;
}

/// An empty Status.
inline constexpr std::uint16_t kNoStatus = wire::kSpanStatus;

/// What follows a span's own bytes: how many were left out, and an empty status, when there is no other one
/// among them.
inline unsigned char* put_tail(unsigned char* at, const OpenSpan& span) noexcept {
    for (const auto& [tag, count] :
         {std::pair{0x50, span.tally.dropped_attributes}, std::pair{0x60, span.tally.dropped_events},
          std::pair{0x70, span.tally.dropped_links}}) {
        if (count == 0) continue;
        *at++ = static_cast<unsigned char>(tag);
        at = wire::put_varint(at, count);
    }
    if (span.status != 0) return at;
    store_unaligned(at, kNoStatus);
    return at + 2;
}

inline void count_drop(ThreadCounters& counters, DropReason reason) noexcept {
    counters.dropped[static_cast<std::size_t>(reason)].add(1);
}

template <typename Use>
[[gnu::noinline]] void with_other_arena(Pipeline& pipeline, ThreadState& thread, Use use) noexcept {
    if (ThreadArena* const arena = pipeline.find_arena(thread)) {
        use(*arena);
    } else {
        pipeline.with_shared_arena(use);
    }
}

/// Runs `use` with this thread's arena, or with the shared one when the thread has none any more.
template <typename Use>
JUDGEVAL_ALWAYS_INLINE void with_arena(Pipeline& pipeline, ThreadState& thread, Use use) noexcept {
    if (thread.pipeline_id == pipeline.open_id()) [[likely]] {
        use(*thread.arena);
    } else {
        with_other_arena(pipeline, thread, use);
    }
}

/// Completes the record at `out` whose own bytes end at `end`.
inline void complete(OpenSpan& span, ThreadArena& arena, unsigned char* out, unsigned char* end,
                     std::uint64_t end_time) noexcept {
    const auto size = static_cast<std::size_t>(put_tail(end, span) - out);
    put_head(out, span, end_time, size);
    arena.commit(size);
}

/// The same for a span whose bytes stand elsewhere. Without memory it is counted as dropped.
void copy_and_complete(OpenSpan& span, ThreadArena& arena, ThreadState& thread,
                       std::uint64_t end_time) noexcept;

}  // namespace judgeval::detail
