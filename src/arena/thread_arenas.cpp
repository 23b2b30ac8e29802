// A thread's arenas leave with it: handed in, and kept by their pipeline for the next thread.
#include "arena/thread_arenas.hpp"

#include <cstdlib>

#include "arena/pipeline.hpp"
#include "record/span_bytes.hpp"
#include "record/thread_state.hpp"

namespace judgeval::detail {

ThreadArenas& ThreadArenas::of_this_thread() noexcept {
    thread_local ThreadArenas arenas;
    return arenas;
}

std::mutex& ThreadArenas::lifetime_mutex() noexcept {
    static constinit std::mutex mutex;
    return mutex;
}

ThreadArenas::~ThreadArenas() {
    ThreadState& thread = thread_state;
    clear_arena(thread);
    thread.arenas_are_gone = true;
    thread.arena = nullptr;
    thread.pipeline_id = 0;
    std::free(thread.spare_bytes);  // NOLINT: allocated with malloc, see record/span_bytes.cpp
    thread.spare_bytes = nullptr;
    thread.spare_size = 0;
    const std::lock_guard lock(lifetime_mutex());
    for (const auto& [id, arena] : arenas_) {
        if (Pipeline* const pipeline = arena->pipeline()) pipeline->retire(*arena);
    }
}

void ThreadArenas::forget_ended() {
    const std::lock_guard lock(lifetime_mutex());
    std::erase_if(arenas_, [](const auto& entry) { return entry.second->pipeline() == nullptr; });
}

}  // namespace judgeval::detail
