// Fixed time and ids, through the library's seams for tests.
#include <atomic>
#include <stdexcept>

#include "judgeval/detail/test_seams.hpp"
#include "judgeval/testing.hpp"

namespace judgeval::testing {

namespace {
std::atomic<bool> is_clock_fake{false};
}  // namespace

FakeClock::FakeClock(Time start) : now_(start) {
    // relaxed: a claim, nothing is published through it
    if (is_clock_fake.exchange(true, std::memory_order_relaxed)) {
        throw std::logic_error("there is a FakeClock already");
    }
    set(start);
}

FakeClock::~FakeClock() {
    judgeval::detail::stop_pretending_time();
    // relaxed: as above
    is_clock_fake.store(false, std::memory_order_relaxed);
}

void FakeClock::set(Time time) {
    now_ = time;
    judgeval::detail::pretend_time(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

FixedIds::FixedIds(std::uint64_t seed) noexcept { judgeval::detail::seed_ids(seed); }

FixedIds::~FixedIds() { judgeval::detail::unseed_ids(); }

}  // namespace judgeval::testing
