// What each thread keeps for itself: its stack of contexts, its random numbers, its last timestamp, its
// arena.
//
// Initial-exec and constant-initialised, so that reaching it is one instruction, without a guard or a call,
// in a shared library too; it has no destructor (arena/thread_arenas.cpp has one, touched on the slow path
// only). Each thread touches its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "judgeval/detail/open_span.hpp"

namespace judgeval::detail {

class ThreadArena;
struct OrphanedBlock;

/// A straight line from counter ticks to nanoseconds.
struct ClockLine {
    std::uint64_t ticks = 0;        ///< at this counter value
    std::uint64_t nanoseconds = 0;  ///< it was this time
    std::uint64_t rate = 0;         ///< nanoseconds a tick, less than one, times 2^64
};

/// What __cxa_get_globals() points to (Itanium C++ ABI: Exception Handling, 2.2.2); per thread, at one
/// address for the thread's life.
struct ExceptionGlobals {
    void* caught;
    unsigned int uncaught;
};

inline constexpr std::uint64_t kNever = UINT64_MAX;

struct ThreadState {
    ContextNode* current = nullptr;
    ThreadArena* arena = nullptr;   ///< the arena used last,
    std::uint64_t pipeline_id = 0;  ///< and the pipeline it belongs to (ids are never used twice); 0: none
    std::uint64_t last_time = 0;    ///< nanoseconds since the Unix epoch
    std::uint64_t emit_open_at = kNever;  ///< when to look for spans that have been open for long
    std::uint64_t clock_version = 0;      ///< of the clock's line below; 0: none was looked at
    ClockLine clock_line;
    std::uint64_t random[2] = {0, 0};      ///< both zero: not seeded yet
    unsigned char* spare_bytes = nullptr;  ///< a spill buffer the last large span gave back
    std::size_t spare_size = 0;
    OrphanedBlock* orphans = nullptr;              ///< see context_stack.hpp
    const ExceptionGlobals* exceptions = nullptr;  ///< null until exceptions_in_flight() looked for them
    bool arenas_are_gone = false;                  ///< the thread is past its thread-local destructors
};

extern constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

const ExceptionGlobals* find_exception_globals() noexcept;

/// std::uncaught_exceptions() without its calls, which cost as much as the rest of a span.
inline std::uint8_t exceptions_in_flight(ThreadState& thread) noexcept {
    if (thread.exceptions == nullptr) [[unlikely]]
        thread.exceptions = find_exception_globals();
    return static_cast<std::uint8_t>(thread.exceptions->uncaught);
}

}  // namespace judgeval::detail
