// The clock of the spans: nanoseconds since the Unix epoch, from the processor's time stamp counter where
// that can be trusted.
//
// Reading runs on the calling thread, without a lock or system call. Calibration runs on an exporter thread
// (recalibrate) and publishes parameters that readers pick up.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <ctime>

#include "record/thread_state.hpp"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace judgeval::detail {

/// A straight line from counter ticks to nanoseconds.
struct ClockLine {
    std::uint64_t ticks = 0;        ///< at this counter value
    std::uint64_t nanoseconds = 0;  ///< it was this time
    std::uint64_t rate = 0;         ///< nanoseconds a tick, times 2^32
};

class Clock {
  public:
    /// Decides whether the counter is usable and calibrates it (about a millisecond, once a process).
    static void start() noexcept;

    /// Draws a new line through the system clock's present time. The new line begins where the old one is
    /// now, so time does not jump; an error under 10 ms is taken out over the next second, a larger one (the
    /// system clock was set) at once. Called by exporter threads, about once a second.
    static void recalibrate() noexcept;

    /// The present time; never less than what this thread was told before.
    static std::uint64_t now(ThreadState& thread) noexcept {
        std::uint64_t time = read();
        if (time < thread.last_time) [[unlikely]]
            time = thread.last_time;
        thread.last_time = time;
        return time;
    }

    static std::uint64_t system_time() noexcept {
        timespec time{};
        ::clock_gettime(CLOCK_REALTIME, &time);
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
               static_cast<std::uint64_t>(time.tv_nsec);
    }

    /// True when now() reads the time stamp counter.
    static bool uses_counter() noexcept { return uses_counter_; }

  private:
    struct PublishedLine {
        std::atomic<std::uint64_t> ticks{0}, nanoseconds{0}, rate{0};
    };

    static std::uint64_t read() noexcept {
#if defined(__x86_64__)
        if (uses_counter_) [[likely]] {
            const ClockLine line = published_line();
            // Signed: the counter of another core may lag the line's origin by a few ticks.
            const auto passed = static_cast<std::int64_t>(__rdtsc() - line.ticks);
            __extension__ using Wide = __int128;
            return line.nanoseconds +
                   static_cast<std::uint64_t>(
                       (static_cast<Wide>(passed) * static_cast<std::int64_t>(line.rate)) >> 32);
        }
#endif
        return system_time();
    }

    /// Readers never wait: the writer fills the next of several slots and then moves the generation on, so a
    /// slot is only overwritten kSlots - 1 calibrations (seconds) after readers were sent away from it.
    static ClockLine published_line() noexcept {
        for (;;) {
            // acquire: the slot's fields, written before the generation, are seen
            const std::uint64_t generation = generation_.load(std::memory_order_acquire);
            const PublishedLine& slot = lines_[generation % kSlots];
            // relaxed: ordered by the acquire above and the fence below
            const ClockLine line{slot.ticks.load(std::memory_order_relaxed),
                                 slot.nanoseconds.load(std::memory_order_relaxed),
                                 slot.rate.load(std::memory_order_relaxed)};
            // acquire fence: the fields are read before the generation is looked at again
            std::atomic_thread_fence(std::memory_order_acquire);
            if (generation_.load(std::memory_order_relaxed) - generation < kSlots - 1) [[likely]]
                return line;
        }
    }
    static void publish(const ClockLine& line) noexcept;

    static constexpr std::uint64_t kSlots = 4;
    static std::array<PublishedLine, kSlots> lines_;
    static std::atomic<std::uint64_t> generation_;
    static bool uses_counter_;  ///< written once by start(), before the first span of the process
};

}  // namespace judgeval::detail
