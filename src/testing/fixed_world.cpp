// Fixed time and ids, through the library's seams for tests.
#include <atomic>
#include <stdexcept>

#include "judgeval/detail/test_seams.hpp"
#include "judgeval/testing.hpp"

namespace judgeval::testing {

namespace {
// relaxed, below: it keeps two tests apart, nothing is published through it
std::atomic<bool> is_clock_fake{false};
}  // namespace

FakeClock::FakeClock(Time start) : now_(start) {
    if (is_clock_fake.exchange(true, std::memory_order_relaxed)) {
        throw std::logic_error("there is a FakeClock already");
    }
    set(start);
}

FakeClock::~FakeClock() {
    judgeval::detail::stop_pretending_time();
    is_clock_fake.store(false, std::memory_order_relaxed);
}

void FakeClock::set(Time time) {
    now_ = time;
    judgeval::detail::pretend_time(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

FixedIds::FixedIds(std::uint64_t seed) noexcept { judgeval::detail::seed_ids(seed); }

FixedIds::~FixedIds() { judgeval::detail::unseed_ids(); }

}  // namespace judgeval::testing
