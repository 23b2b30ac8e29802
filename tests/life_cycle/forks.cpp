// A server that forks under load: two threads trace while another forks one child after another,
// some at once. Each child does one of the things that children do, in turn: it traces and ends in order,
// forks again before it traces, runs another program, or leaves without a word.
//
//     forks <children>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "life_cycle/traced_process.hpp"

namespace {

using namespace judgeval::life_cycle;
using judgeval::Tracer;

constexpr int kAtOnce = 4;

/// Fails when it holds a TCP connection, which would be its parent's.
constexpr const char* kHasNoConnection =
    R"(for inode in $(ls -l /proc/self/fd | sed -n 's/.*socket:\[\(.*\)\]/\1/p'); do
           grep -q " $inode " /proc/net/tcp && exit 1
       done
       exit 0)";

/// Traces as a process that has begun by a fork, and leaves with 0 when everything arrived.
[[noreturn]] void serve_and_leave(const Tracer& tracer) {
    trace(tracer);
    std::thread([&tracer] { trace(tracer); }).join();
    const bool is_delivered = tracer.shutdown(kPatience);
    const judgeval::Stats stats = tracer.stats();
    ::_exit(is_delivered && stats.started == 2 * kSpansOfTrace && stats.exported == stats.started ? 0 : 1);
}

bool ended_well(pid_t process) {
    int status = 0;
    return ::waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

[[noreturn]] void be_child(const Tracer& tracer, int number) {
    switch (number % 4) {
        case 0:
            serve_and_leave(tracer);
        case 1: {  // what daemons do
            const pid_t grandchild = ::fork();
            if (grandchild == 0) serve_and_leave(tracer);
            ::_exit(ended_well(grandchild) ? 0 : 1);
        }
        case 2:
            ::execl("/bin/sh", "sh", "-c", kHasNoConnection, nullptr);
            ::_exit(127);
        default:
            trace(tracer);  // may be lost, since nobody waits for it; must not be its parent's loss
            ::_exit(0);
    }
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 2) return 2;
    const int children = std::atoi(arguments[1]);
    const Tracer tracer = make_tracer();

    // So many traces for each fork, so that the backend keeps up.
    std::atomic<int> forks{0};
    std::vector<std::thread> load;
    for (int i = 0; i < 2; ++i) {
        load.emplace_back([&] {
            for (int seen = 0; seen < children; ++seen) {
                for (int j = 0; j < 50; ++j) trace(tracer);
                forks.wait(seen);
            }
        });
    }
    int failed = 0;
    int served = 0;
    std::thread forker([&] {  // not the thread that main() runs on
        std::vector<pid_t> running;
        const auto reap = [&] {
            if (!ended_well(running.front())) ++failed;
            running.erase(running.begin());
        };
        for (int number = 0; number < children; ++number) {
            const auto around = tracer.span("around the fork");
            const pid_t child = ::fork();
            if (child == 0) be_child(tracer, number);
            ++forks;
            forks.notify_all();
            running.push_back(child);
            if (number % 4 < 2) ++served;
            if (running.size() == kAtOnce) reap();
        }
        while (!running.empty()) reap();
    });
    forker.join();
    for (auto& thread : load) thread.join();
    const bool is_delivered = tracer.shutdown(kPatience);
    say({{"failed", failed},
         {"is_delivered", is_delivered},
         {"stats", view(tracer.stats())},
         {"spans_of_children", 2 * kSpansOfTrace * static_cast<std::uint64_t>(served)}});
    return 0;
}
