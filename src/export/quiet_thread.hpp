// Threads of the library's own: named, and with every signal blocked, so that the application's handlers run
// on the application's threads.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace judgeval::detail {

/// A thread that has a destructor left to run keeps the code that it runs loaded: dlclose() of a plugin with
/// the library inside does not take it from under a tracer that lives on.
struct KeepsCodeLoaded {
    ~KeepsCodeLoaded() { left = true; }
    bool left = false;
};
inline thread_local KeepsCodeLoaded keeps_code_loaded;

/// `name` has at most 15 characters. Throws std::system_error when no thread can be started. The priority is
/// left alone: an exporter that is starved loses spans.
template <typename Body>
std::thread start_quiet_thread(const char* name, Body body) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread thread([name, body = std::move(body)]() mutable {
            keeps_code_loaded.left = false;  // touched: from here on it is there
            ::pthread_setname_np(::pthread_self(), name);
            body();
        });
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return thread;
    } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
}

}  // namespace judgeval::detail
