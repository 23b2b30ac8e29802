// The seams of judgeval::testing, on the thread of the test.
#include "judgeval/detail/test_seams.hpp"

#include "record/clock.hpp"
#include "record/random.hpp"

namespace judgeval::detail {

void pretend_time(std::uint64_t nanoseconds) noexcept { Clock::pretend(nanoseconds); }
void stop_pretending_time() noexcept { Clock::stop_pretending(); }

void seed_ids(std::uint64_t seed) noexcept {
    // Any key but zero will do, which would stand for no seed.
    constexpr std::uint64_t kKey = 0x8EBC6AF09C88C6E3ULL;
    thread_state.random[0] = seed;
    thread_state.random[1] = kKey;
}

// Not the state without a seed: a thread that has an arena is taken to have one.
void unseed_ids() noexcept { seed_random(thread_state); }

}  // namespace judgeval::detail
