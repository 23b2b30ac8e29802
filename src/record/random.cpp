// Seeding of a thread's id generator: once a thread, off the steady path.
#include "record/random.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <array>
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

std::string new_uuid() {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        const std::uint64_t value = next_random(thread_state);
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);  // version 4
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);  // the RFC's variant
    std::string text = TraceId::hex(bytes.data(), bytes.size());
    for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, 1, '-');
    return text;
}

}  // namespace judgeval::detail
