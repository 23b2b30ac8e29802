// The clock of the spans: nanoseconds since the Unix epoch, from the processor's time stamp counter where
// that can be trusted.
//
// Reading runs on the calling thread, without a lock or system call, from the thread's own copy of the
// calibration. Calibration runs on an exporter thread (recalibrate) and publishes parameters that readers
// copy when they see a new version.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <mutex>

#include "record/thread_state.hpp"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace judgeval::detail {

class Clock {
  public:
    /// Decides whether the counter is usable and calibrates it (about a millisecond, once a process).
    static void start() noexcept;

    /// Draws a new line through the system clock's present time. The new line begins where the old one is
    /// now, so time does not jump; an error under 10 ms is taken out over the next second, a larger one (the
    /// system clock was set) at once. Called by exporter threads, about once a second.
    static void recalibrate() noexcept;
    /// Held while a line is drawn; it must not be held across a fork (src/tracer.cpp).
    static std::mutex& calibration_mutex() noexcept;

    /// The present time; never less than what this thread was told before.
    static std::uint64_t now(ThreadState& thread) noexcept {
        if (!is_quick(thread)) [[unlikely]]
            return now_slowly(thread);
        return now_quickly(thread);
    }

    /// True when now_quickly() may be called: the counter is used, and the thread has seen its newest line.
    static bool is_quick(const ThreadState& thread) noexcept {
        // relaxed: a thread that sees the new version late goes on with the line it has
        return thread.clock_version == version_.load(std::memory_order_relaxed);
    }
    /// now() without a call in it.
    static std::uint64_t now_quickly(ThreadState& thread) noexcept {
#if defined(__x86_64__)
        return not_before_last(thread, time_at(thread.clock_line, __rdtsc()));
#else
        return now_slowly(thread);
#endif
    }

    /// For tests: from here on every thread reads this time, whatever it was told before. None is quick
    /// meanwhile, so that the quick ones need not ask.
    static void pretend(std::uint64_t nanoseconds) noexcept;
    static void stop_pretending() noexcept;

    static std::uint64_t system_time() noexcept {
        timespec time{};
        ::clock_gettime(CLOCK_REALTIME, &time);
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
               static_cast<std::uint64_t>(time.tv_nsec);
    }

    /// True when now() reads the time stamp counter.
    static bool uses_counter() noexcept {
        // relaxed: set once, before any span, but for tests that pretend a time
        const std::uint64_t version = version_.load(std::memory_order_relaxed);
        return version != kNoLine && version != kPretended;
    }

  private:
    struct PublishedLine {
        std::atomic<std::uint64_t> ticks{0}, nanoseconds{0}, rate{0};
    };

    static std::uint64_t now_slowly(ThreadState& thread) noexcept;

    static std::uint64_t not_before_last(ThreadState& thread, std::uint64_t time) noexcept {
        if (time < thread.last_time) [[unlikely]]
            time = thread.last_time;
        thread.last_time = time;
        return time;
    }

    static std::uint64_t time_at(const ClockLine& line, std::uint64_t ticks) noexcept {
        __extension__ using Wide = unsigned __int128;
        return line.nanoseconds +
               static_cast<std::uint64_t>((static_cast<Wide>(ticks - line.ticks) * line.rate) >> 64U);
    }

    static void copy_line(ThreadState& thread) noexcept;
    static void publish(const ClockLine& line) noexcept;

    /// Before the first line. No thread's copy has this version, so none takes its empty line for a real one.
    static constexpr std::uint64_t kNoLine = UINT64_MAX;
    /// While a test pretends a time; no thread's copy has this version either.
    static constexpr std::uint64_t kPretended = UINT64_MAX - 1;
    /// A thread's version once it was told a pretended time; no line has it.
    static constexpr std::uint64_t kWasPretended = UINT64_MAX - 2;
    static constexpr std::uint64_t kSlots = 4;
    static std::array<PublishedLine, kSlots> lines_;
    static std::atomic<std::uint64_t> version_;
    static std::atomic<std::uint64_t> pretended_time_;
    static std::uint64_t version_before_;  ///< what the pretended one stands for; guarded by the mutex
};

}  // namespace judgeval::detail
