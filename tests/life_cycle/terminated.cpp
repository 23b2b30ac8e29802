// A server that is told to stop while its threads trace: SIGTERM wakes a thread that waits for it, and that
// thread shuts down. Nothing of the library may be called in the signal's handler itself, which interrupts a
// thread anywhere.
//
//     terminated waits|handler
//         waits    a thread waits with sigwait()
//         handler  a handler writes to a pipe that a thread reads
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>
#include <thread>
#include <vector>

#include "life_cycle/traced_process.hpp"

namespace {

using namespace judgeval::life_cycle;

int pipe_of_handler[2] = {-1, -1};

void tell_by_pipe(int /*signal*/) {
    const char byte = 1;
    static_cast<void>(!::write(pipe_of_handler[1], &byte, 1));
}

}  // namespace

int main(int argument_count, char** arguments) {
    const std::string_view how = argument_count == 2 ? arguments[1] : "";
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    if (how == "waits") {
        ::pthread_sigmask(SIG_BLOCK, &term, nullptr);  // before any thread starts: they inherit it
    } else if (how == "handler") {
        if (::pipe(pipe_of_handler) != 0) return 1;
        struct sigaction action {};
        action.sa_handler = tell_by_pipe;
        ::sigaction(SIGTERM, &action, nullptr);
    } else {
        return 2;
    }

    const judgeval::Tracer tracer = make_tracer();
    std::atomic<bool> is_over{false};
    std::vector<std::thread> load;
    for (int i = 0; i < 3; ++i) {
        load.emplace_back([&] {
            while (!is_over.load()) {
                for (int j = 0; j < 20; ++j) trace(tracer);
                std::this_thread::yield();
            }
        });
    }
    bool is_delivered = false;
    std::thread stopper([&] {
        if (how == "waits") {
            int signal = 0;
            ::sigwait(&term, &signal);
        } else {
            char byte = 0;
            while (::read(pipe_of_handler[0], &byte, 1) != 1) {
            }
        }
        is_delivered = tracer.shutdown(kPatience);  // while the others still trace
        is_over = true;
    });
    say({{"is_ready", true}});
    stopper.join();
    for (auto& thread : load) thread.join();
    judgeval::Stats stats = tracer.stats();
    say({{"is_delivered", is_delivered},
         {"after_shutdown", stats.dropped_by(judgeval::DropReason::kShutdown)},
         {"stats", view(stats)}});
    return 0;
}
