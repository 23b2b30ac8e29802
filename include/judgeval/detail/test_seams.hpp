// How judgeval::testing makes time and ids what a test wants. Not for anything else.
//
// The hot path does not ask whether a test is under way: a pretended time takes the quick path away from
// every thread, and fixed ids are what the thread's own generator makes of a given seed.
#pragma once

#include <cstdint>

#include "judgeval/export.hpp"

namespace judgeval::detail {

/// Every thread's spans and events get this time (nanoseconds since the Unix epoch) from here on.
JUDGEVAL_API void pretend_time(std::uint64_t nanoseconds) noexcept;
JUDGEVAL_API void stop_pretending_time() noexcept;

/// The calling thread's next ids follow from the seed alone.
JUDGEVAL_API void seed_ids(std::uint64_t seed) noexcept;
/// The calling thread's next ids are random again.
JUDGEVAL_API void unseed_ids() noexcept;

}  // namespace judgeval::detail
