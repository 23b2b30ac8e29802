// Calibration of the time stamp counter against the system clock. Cold; serialised by a mutex.
#include "record/clock.hpp"

#include <cstring>
#include <fstream>
#include <mutex>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace judgeval::detail {

std::array<Clock::PublishedLine, Clock::kSlots> Clock::lines_;
std::atomic<std::uint64_t> Clock::generation_{0};
bool Clock::uses_counter_ = false;

void Clock::publish(const ClockLine& line) noexcept {
    // relaxed: only calibrators write it, one at a time
    const std::uint64_t next = generation_.load(std::memory_order_relaxed) + 1;
    PublishedLine& slot = lines_[next % kSlots];
    slot.ticks.store(line.ticks, std::memory_order_relaxed);  // relaxed: published by the release below
    slot.nanoseconds.store(line.nanoseconds, std::memory_order_relaxed);
    slot.rate.store(line.rate, std::memory_order_relaxed);
    // release: whoever sees the generation sees the slot
    generation_.store(next, std::memory_order_release);
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

std::uint64_t rate_between(const Reading& from, const Reading& to) noexcept {
    const auto nanoseconds = static_cast<double>(to.monotonic - from.monotonic);
    const auto ticks = static_cast<double>(to.ticks - from.ticks);
    return static_cast<std::uint64_t>(nanoseconds / ticks * 4294967296.0);
}

std::mutex calibration_mutex;
Reading origin;

}  // namespace

void Clock::start() noexcept {
    const std::lock_guard lock(calibration_mutex);
    if (generation_.load(std::memory_order_relaxed) != 0) return;  // relaxed: under the mutex
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
    publish({end.ticks, end.system, rate_between(origin, end)});
    uses_counter_ = true;
}

void Clock::recalibrate() noexcept {
    const std::lock_guard lock(calibration_mutex);
    if (!uses_counter_) return;
    const Reading present = read_together();
    const ClockLine line = published_line();
    if (present.ticks <= line.ticks || present.monotonic - origin.monotonic < 10'000'000) return;
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t shown =
        line.nanoseconds +
        static_cast<std::uint64_t>((static_cast<Wide>(present.ticks - line.ticks) * line.rate) >> 32U);
    const auto error = static_cast<std::int64_t>(present.system - shown);
    std::uint64_t rate = rate_between(origin, present);
    if (error > -10'000'000 && error < 10'000'000) {
        // at most 1 % faster or slower, for about a second
        const double correction = 1.0 + static_cast<double>(error) / 1e9;
        rate = static_cast<std::uint64_t>(static_cast<double>(rate) * correction);
        publish({present.ticks, shown, rate});
    } else {
        publish({present.ticks, present.system, rate});
    }
}
#else
void Clock::start() noexcept {}
void Clock::recalibrate() noexcept {}
#endif

}  // namespace judgeval::detail
