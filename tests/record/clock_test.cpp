// The clock against the system's, and its calibration while others read it.
#include "record/clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace judgeval::detail {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

TEST(Clock, IsCloseToTheSystemClock) {
    Clock::start();
    Clock::recalibrate();
    ThreadState thread;
    for (int i = 0; i < 1000; ++i) {
        // Between two readings of the system clock, give or take what calibration is allowed to be off.
        // However long the machine stops between the three, the bound holds.
        const std::uint64_t before = Clock::system_time();
        const std::uint64_t now = Clock::now(thread);
        const std::uint64_t after = Clock::system_time();
        ASSERT_GE(now + 20 * kMillisecond, before);
        ASSERT_LE(now, after + 20 * kMillisecond);
    }
}

TEST(Clock, TellsNoThreadAnEarlierTimeThanBefore) {
    ThreadState thread;
    const std::uint64_t future = Clock::system_time() + 3600 * 1000 * kMillisecond;
    thread.last_time = future;
    EXPECT_EQ(Clock::now(thread), future);
    EXPECT_EQ(Clock::now(thread), future);
    EXPECT_EQ(thread.last_time, future);
}

TEST(Clock, ReadersGetSensibleTimesWhileItIsCalibrated) {
    Clock::start();
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> implausible{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            ThreadState thread;
            std::uint64_t last = 0;
            while (!is_over.load(std::memory_order_relaxed)) {
                const std::uint64_t before = Clock::system_time();
                // a fresh state: what the line says, without the guard against going backwards
                ThreadState unguarded;
                const std::uint64_t raw = Clock::now(unguarded);
                const std::uint64_t after = Clock::system_time();
                const std::uint64_t now = Clock::now(thread);
                // A line read half old and half new would be off by seconds, or by centuries.
                if (raw + 50 * kMillisecond < before || raw > after + 50 * kMillisecond || now < last)
                    ++implausible;
                last = now;
            }
        });
    }
    for (int i = 0; i < 20'000; ++i) Clock::recalibrate();
    is_over = true;
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(implausible, 0U);
}

}  // namespace
}  // namespace judgeval::detail
