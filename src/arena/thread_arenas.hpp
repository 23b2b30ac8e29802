// The arenas a thread owns, one for each pipeline it traced into, and what happens to them when the thread
// exits.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "arena/thread_arena.hpp"

namespace judgeval::detail {

/// A thread-local with a destructor, touched on the slow path only (see ThreadState).
class ThreadArenas {
  public:
    static ThreadArenas& of_this_thread() noexcept;
    /// Guards the moments at which a pipeline ends or a thread leaves one.
    static std::mutex& lifetime_mutex() noexcept;

    ThreadArenas() = default;
    ~ThreadArenas();
    ThreadArenas(const ThreadArenas&) = delete;
    ThreadArenas& operator=(const ThreadArenas&) = delete;

    template <typename Make>
    std::shared_ptr<ThreadArena> find_or_add(std::uint64_t pipeline_id, Make make) {
        for (const auto& [id, arena] : arenas_) {
            if (id == pipeline_id) return arena;
        }
        forget_ended();
        arenas_.reserve(arenas_.size() + 1);
        arenas_.emplace_back(pipeline_id, make());
        return arenas_.back().second;
    }

  private:
    void forget_ended();

    std::vector<std::pair<std::uint64_t, std::shared_ptr<ThreadArena>>> arenas_;
};

}  // namespace judgeval::detail
