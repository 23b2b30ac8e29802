// Seeding of a thread's id generator: once a thread, off the steady path.
#include "record/random.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <ctime>

namespace judgeval::detail {

void seed_random(ThreadState& thread) noexcept {
    if (::getrandom(thread.random, sizeof thread.random, GRND_NONBLOCK) !=
        static_cast<ssize_t>(sizeof thread.random)) {
        // Early boot or a seccomp filter: ids need to be distinct, not secret.
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        thread.random[0] = static_cast<std::uint64_t>(now.tv_nsec) * std::uint64_t{0x9E3779B97F4A7C15} ^
                           static_cast<std::uint64_t>(::getpid());
        thread.random[1] = static_cast<std::uint64_t>(now.tv_sec) * std::uint64_t{0xBF58476D1CE4E5B9} ^
                           reinterpret_cast<std::uintptr_t>(&thread);
    }
    if ((thread.random[0] | thread.random[1]) == 0) thread.random[0] = 1;
}

}  // namespace judgeval::detail
