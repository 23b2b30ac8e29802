// Span and trace ids: a thread-local wyrand (Wang Yi), its step and its key seeded from the kernel.
//
// Wyrand folds the product of a counter and the counter mixed with a key: a multiplication and one word of
// state to write. Here the key is not a constant but the other half of the seed, so that two threads share
// no sequence.
//
// Runs on the calling thread; no shared state. A forked child reseeds (see reseed_after_fork).
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "judgeval/context.hpp"
#include "record/thread_state.hpp"

namespace judgeval::detail {

/// Seeds this thread's generator from getrandom(2); falls back to clock and address when the kernel refuses.
void seed_random(ThreadState& thread) noexcept;

inline bool is_seeded(const ThreadState& thread) noexcept {
    return (thread.random[0] | thread.random[1]) != 0;
}

/// For a thread that is seeded.
inline std::uint64_t next_seeded_random(ThreadState& thread) noexcept {
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t counter = thread.random[0] += 0xA0761D6478BD642FULL;
    const Wide product = static_cast<Wide>(counter) * (counter ^ thread.random[1]);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

inline std::uint64_t next_random(ThreadState& thread) noexcept {
    if (!is_seeded(thread)) [[unlikely]]
        seed_random(thread);
    return next_seeded_random(thread);
}

inline SpanId new_span_id(ThreadState& thread) noexcept {
    std::uint64_t value = next_random(thread);
    while (value == 0) [[unlikely]] value = next_random(thread);
    SpanId id;
    std::memcpy(id.bytes.data(), &value, sizeof value);
    return id;
}

inline TraceId new_trace_id(ThreadState& thread) noexcept {
    const std::uint64_t high = next_random(thread);
    std::uint64_t low = next_random(thread);
    while (low == 0) [[unlikely]] low = next_random(thread);
    TraceId id;
    std::memcpy(id.bytes.data(), &high, sizeof high);
    std::memcpy(id.bytes.data() + sizeof high, &low, sizeof low);
    return id;
}

/// A random UUID (RFC 9562, version 4) as text.
[[nodiscard]] std::string new_uuid();

/// In the child of a fork: the next id comes from a new seed.
inline void reseed_after_fork(ThreadState& thread) noexcept { thread.random[0] = thread.random[1] = 0; }

}  // namespace judgeval::detail
