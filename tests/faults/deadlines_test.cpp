// Calls with a deadline come back by it, whatever the backend does; and a flush needs no tick to be noticed.
//
// JUDGEVAL_DEADLINE_RUNS=<count> makes more runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <future>
#include <iostream>
#include <judgeval/judgeval.hpp>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"
#include "faults/faulty_backend.hpp"
#include "faults/lateness.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;
using How = Fault::How;
using test::make_tracer;

std::uint64_t run_count() {
    const char* const text = std::getenv("JUDGEVAL_DEADLINE_RUNS");
    return text == nullptr ? JUDGEVAL_DEADLINE_RUNS : std::strtoull(text, nullptr, 10);
}

/// A call made by a thread that waits for a signal, when it gets it: what a server does that is told to stop.
void run_when_signalled(milliseconds timeout, const std::function<void()>& call, Lateness& ours) {
    sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, SIGUSR1);
    std::promise<void> is_blocked;
    std::thread waiter([&] {
        ::pthread_sigmask(SIG_BLOCK, &one, nullptr);
        is_blocked.set_value();
        int signal = 0;
        ::sigwait(&one, &signal);
        ours.add(lateness(timeout, call));
    });
    is_blocked.get_future().wait();
    ::pthread_kill(waiter.native_handle(), SIGUSR1);
    waiter.join();
}

TEST(Deadlines, FlushAndShutdownKeepThemAgainstEveryBackend) {
    const FaultyBackend hangs({.afterwards = {.how = How::kHangs}});
    const FaultyBackend is_busy({.afterwards = {.status = 503, .headers = {{"Retry-After", "1"}}}});
    const FaultyBackend resets({.afterwards = {.how = How::kResets}});
    const FaultyBackend drips({.afterwards = {.how = How::kDrips}});
    const FaultyBackend never_ends({.afterwards = {.how = How::kNeverEnds}});
    const FaultyBackend refuses({.afterwards = {.status = 401}});
    const FaultyBackend works;
    const std::vector<std::string> urls = {hangs.url(), is_busy.url(),       resets.url(),
                                           drips.url(), never_ends.url(),    refuses.url(),
                                           works.url(), "http://127.0.0.1:1"};
    std::mt19937_64 random(1);
    const std::uint64_t runs = run_count();
    Clock::duration worst{0};
    Clock::duration worst_of_machine{0};
    for (std::uint64_t run = 0; run < runs; ++run) {
        Lateness ours;
        Lateness machines;
        std::uint64_t started = 0;
        Stats stats;
        {
            constexpr milliseconds kInDestructor = 10ms;
            std::optional<Tracer> tracer =
                make_tracer(urls[run % urls.size()], {.pipeline = {.shutdown_timeout = kInDestructor}});
            for (started = 0; started < 20; ++started) auto span = tracer->span("span");
            const milliseconds to_flush(random() % 25);
            const auto flush = [&] { static_cast<void>(tracer->force_flush(to_flush)); };
            run_together(to_flush, {flush, flush, flush}, ours, machines);
            const milliseconds to_shut_down(random() % 25);
            const auto shut_down = [&] { static_cast<void>(tracer->shutdown(to_shut_down)); };
            if (run % 3 == 1) {
                run_together(to_shut_down, {shut_down, shut_down, flush}, ours, machines);
            } else if (run % 3 == 2) {
                run_when_signalled(to_shut_down, shut_down, ours);
            }
            stats = tracer->stats();
            if (run % 3 == 0) {
                ours.add(lateness(kInDestructor, [&] { tracer.reset(); }));
            } else {
                ours.add(lateness(to_shut_down, shut_down));  // once more
            }
        }
        EXPECT_EQ(stats.started, started);
        test::expect_balanced(stats);
        EXPECT_LE(ours.most(), kGrace + machines.most())
            << "run " << run << " against " << urls[run % urls.size()];
        worst = std::max(worst, ours.most());
        worst_of_machine = std::max(worst_of_machine, machines.most());
    }
    const auto in_milliseconds = [](Clock::duration duration) {
        return std::chrono::duration<double, std::milli>(duration).count();
    };
    std::cout << runs << " runs; the latest call came back " << in_milliseconds(worst)
              << " ms after its deadline, the latest plain wait " << in_milliseconds(worst_of_machine)
              << " ms\n";
}

TEST(Deadlines, AFlushIsNoticedWithoutATick) {
    const FaultyBackend backend;
    const Tracer tracer =
        make_tracer(backend.url(), {.pipeline = {.export_interval = std::chrono::hours(1)}});
    constexpr int kFlushes = 500;
    for (int i = 0; i < kFlushes; ++i) {
        { auto span = tracer.span("span"); }
        ASSERT_TRUE(tracer.force_flush(60s)) << "flush " << i << " was not noticed";
    }
    EXPECT_EQ(tracer.stats().exported, static_cast<std::uint64_t>(kFlushes));
}

TEST(Deadlines, ManyThreadsFlushAtOnceWithoutATick) {
    const FaultyBackend backend;
    const Tracer tracer =
        make_tracer(backend.url(), {.pipeline = {.export_interval = std::chrono::hours(1)}});
    std::atomic<int> missed{0};
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id) {
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) {
                { auto span = tracer.span("span"); }
                if (!tracer.force_flush(60s)) ++missed;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(missed, 0);
    EXPECT_EQ(tracer.stats().exported, 400U);
}

}  // namespace
}  // namespace judgeval::faults
