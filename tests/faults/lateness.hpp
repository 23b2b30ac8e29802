// How much later than their deadline calls come back, measured beside a thread that merely waits as long:
// what that is late is the machine's doing.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace judgeval::faults {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How much later than its deadline a call may come back, the machine's own lateness aside.
inline constexpr milliseconds kGrace{50};

template <typename Call>
Clock::duration lateness(milliseconds timeout, Call call) {
    const auto start = Clock::now();
    call();
    return Clock::now() - start - timeout;
}

/// The longest that any of these threads came late.
class Lateness {
  public:
    void add(Clock::duration late) {
        const std::lock_guard lock(mutex_);
        most_ = std::max(most_, late);
    }
    [[nodiscard]] Clock::duration most() const {
        const std::lock_guard lock(mutex_);
        return most_;
    }

  private:
    mutable std::mutex mutex_;
    Clock::duration most_{0};
};

/// Calls that a thread makes at the same time as others; beside them one that waits just as long for nothing.
inline void run_together(milliseconds timeout, const std::vector<std::function<void()>>& calls,
                         Lateness& ours, Lateness& machines) {
    std::vector<std::thread> threads;
    for (const auto& call : calls) {
        threads.emplace_back([&, timeout] { ours.add(lateness(timeout, call)); });
    }
    threads.emplace_back([&, timeout] {
        std::mutex mutex;
        std::condition_variable never;
        std::unique_lock lock(mutex);
        machines.add(lateness(timeout, [&] { never.wait_for(lock, timeout, [] { return false; }); }));
    });
    for (auto& thread : threads) thread.join();
}

}  // namespace judgeval::faults
