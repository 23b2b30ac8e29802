// What the child of a fork needs is not locked by a thread that only its parent has.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "client.hpp"
#include "judgment/project.hpp"
#include "record/clock.hpp"

namespace judgeval::test {
namespace {

TEST(Fork, FindsNothingLockedThatTheChildNeeds) {
    // A tracer, so that forks are watched; its backend is not needed.
    const Tracer tracer = make_tracer("http://127.0.0.1:9");
    detail::ProjectCache cache;
    std::atomic<bool> is_over{false};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        while (!is_over) detail::Clock::recalibrate();
    });
    threads.emplace_back([&] {
        while (!is_over) cache.remember("project", "7");
    });
    for (int i = 0; i < 100 && !HasFailure(); ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(20);  // ends a child that waits for ever
            detail::Clock::recalibrate();
            static_cast<void>(cache.find("project"));
            ::_exit(0);
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status)) << "the child was still waiting after 20 seconds";
    }
    is_over = true;
    for (auto& thread : threads) thread.join();
    static_cast<void>(tracer.shutdown(std::chrono::milliseconds(0)));
}

}  // namespace
}  // namespace judgeval::test
