// Calibration of the time stamp counter against the system clock. Cold; serialised by a mutex.
#include "record/clock.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace judgeval::detail {

std::array<Clock::PublishedLine, Clock::kSlots> Clock::lines_;
std::atomic<std::uint64_t> Clock::version_{Clock::kNoLine};
std::atomic<std::uint64_t> Clock::pretended_time_{0};
std::uint64_t Clock::version_before_ = Clock::kNoLine;

std::mutex& Clock::calibration_mutex() noexcept {
    static constinit std::mutex mutex;
    return mutex;
}

std::uint64_t Clock::now_slowly(ThreadState& thread) noexcept {
    // acquire: with the version that says so, the pretended time is seen
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    // relaxed: a value by itself, ordered by the acquire above
    if (version == kPretended) {
        thread.clock_version = kWasPretended;
        return thread.last_time = pretended_time_.load(std::memory_order_relaxed);
    }
    if (thread.clock_version == kWasPretended) {
        thread.clock_version = 0;
        thread.last_time = 0;  // it may lie in the future
    }
    if (version == kNoLine) return not_before_last(thread, system_time());
    copy_line(thread);
#if defined(__x86_64__)
    return not_before_last(thread, time_at(thread.clock_line, __rdtsc()));
#else
    return not_before_last(thread, system_time());
#endif
}

void Clock::pretend(std::uint64_t nanoseconds) noexcept {
    start();
    const std::lock_guard lock(calibration_mutex());
    // relaxed: the release below publishes it; later ones are values by themselves
    pretended_time_.store(nanoseconds, std::memory_order_relaxed);
    // relaxed: only who holds the mutex writes it
    const std::uint64_t version = version_.load(std::memory_order_relaxed);
    if (version == kPretended) return;
    version_before_ = version;
    // release: whoever sees the version sees the time
    version_.store(kPretended, std::memory_order_release);
}

void Clock::stop_pretending() noexcept {
    const std::lock_guard lock(calibration_mutex());
    // relaxed: only who holds the mutex writes it
    if (version_.load(std::memory_order_relaxed) != kPretended) return;
    // release: as in publish(), the slot of this version was written before
    version_.store(version_before_, std::memory_order_release);
}

void Clock::publish(const ClockLine& line) noexcept {
    // relaxed: only calibrators write it, one at a time
    const std::uint64_t next = uses_counter() ? version_.load(std::memory_order_relaxed) + 1 : 1;
    PublishedLine& slot = lines_[next % kSlots];
    // release, pairs with the fence in copy_line(): a reader that sees a field of this line, because it was
    // slow, sees the versions since as well and starts again
    slot.ticks.store(line.ticks, std::memory_order_release);
    slot.nanoseconds.store(line.nanoseconds, std::memory_order_release);
    slot.rate.store(line.rate, std::memory_order_release);
    // release: whoever sees the version sees the slot
    version_.store(next, std::memory_order_release);
}

// Readers never wait: the writer fills the next of several slots and then moves the version on, so a slot is
// only overwritten kSlots - 1 calibrations (seconds) after readers were sent away from it.
void Clock::copy_line(ThreadState& thread) noexcept {
    for (;;) {
        // acquire: the slot's fields, written before the version, are seen
        const std::uint64_t version = version_.load(std::memory_order_acquire);
        const PublishedLine& slot = lines_[version % kSlots];
        // relaxed: ordered by the acquire above and the fence below
        thread.clock_line = {slot.ticks.load(std::memory_order_relaxed),
                             slot.nanoseconds.load(std::memory_order_relaxed),
                             slot.rate.load(std::memory_order_relaxed)};
        thread.clock_version = version;
        // acquire fence: the fields are read before the version is looked at again; relaxed, since the fence
        // orders it
        std::atomic_thread_fence(std::memory_order_acquire);
        if (version_.load(std::memory_order_relaxed) - version < kSlots - 1) return;
    }
}

#if defined(__x86_64__)
namespace {

struct Reading {
    std::uint64_t ticks, monotonic, system;
};

std::uint64_t monotonic_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

/// Counter and clocks at one instant: of several tries, the one that was interrupted least.
Reading read_together() noexcept {
    Reading best{};
    std::uint64_t narrowest = UINT64_MAX;
    for (int attempt = 0; attempt < 8; ++attempt) {
        const std::uint64_t before = __rdtsc();
        const std::uint64_t monotonic = monotonic_time();
        const std::uint64_t system = Clock::system_time();
        const std::uint64_t after = __rdtsc();
        if (after - before < narrowest) {
            narrowest = after - before;
            best = {before + (after - before) / 2, monotonic, system};
        }
    }
    return best;
}

/// Invariant by the processor's word, and trusted by the kernel, which watches it while the machine runs.
bool counter_is_trustworthy() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0 || (d & (1U << 8U)) == 0) return false;
    std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    std::string source;
    return static_cast<bool>(file >> source) && source == "tsc";
}

/// Nanoseconds a tick.
double rate_between(const Reading& from, const Reading& to) noexcept {
    return static_cast<double>(to.monotonic - from.monotonic) / static_cast<double>(to.ticks - from.ticks);
}

/// The line through one point. It begins a second or so earlier: the counter of another core may lag this
/// one's by a few ticks, and the difference must not become negative.
ClockLine line_through(std::uint64_t ticks, std::uint64_t nanoseconds, double rate) noexcept {
    constexpr std::uint64_t kEarlier = std::uint64_t{1} << 32U;
    const auto fraction = static_cast<std::uint64_t>(std::ldexp(rate, 64));
    return {ticks - kEarlier, nanoseconds - (fraction >> 32U), fraction};
}

Reading origin;

}  // namespace

void Clock::start() noexcept {
    const std::lock_guard lock(calibration_mutex());
    // relaxed: only who holds the mutex writes it
    if (version_.load(std::memory_order_relaxed) != kNoLine) return;
    bool trustworthy = false;
    try {
        trustworthy = counter_is_trustworthy();
    } catch (...) {  // no memory to look: the system clock needs none
    }
    if (!trustworthy) return;
    // A millisecond gives the rate to about 50 ppm; the exporter's calibrations make it exact within seconds.
    origin = read_together();
    Reading end = origin;
    while (end.monotonic - origin.monotonic < 1'000'000) end = read_together();
    const double rate = rate_between(origin, end);
    if (rate < 1.0) publish(line_through(end.ticks, end.system, rate));  // else: slower than 1 GHz
}

void Clock::recalibrate() noexcept {
    const std::lock_guard lock(calibration_mutex());
    if (!uses_counter()) return;
    const Reading present = read_together();
    ThreadState reader;
    copy_line(reader);
    const ClockLine& line = reader.clock_line;
    if (present.ticks <= line.ticks || present.monotonic - origin.monotonic < 10'000'000) return;
    const std::uint64_t shown = time_at(line, present.ticks);
    const auto error = static_cast<std::int64_t>(present.system - shown);
    const double rate = rate_between(origin, present);
    if (error > -10'000'000 && error < 10'000'000) {
        // at most 1 % faster or slower, for about a second
        const double correction = 1.0 + static_cast<double>(error) / 1e9;
        publish(line_through(present.ticks, shown, std::min(rate * correction, 0.999)));
    } else {
        publish(line_through(present.ticks, present.system, rate));
    }
}
#else
void Clock::start() noexcept {}
void Clock::recalibrate() noexcept {}
#endif

}  // namespace judgeval::detail
