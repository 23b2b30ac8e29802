// Prints each trace once it is finished: its root span has arrived finished, and then no span of it for a
// quiet time. The threads that serve requests note what arrived; one thread of the backend prints. Time comes
// in as an argument, so tests need not wait for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "encode/trace_tree.hpp"
#include "local/store.hpp"

namespace judgeval::local {

using encode::Colours;

/// See encode/trace_tree.hpp.
std::string draw_trace(const StoredTrace& trace, Colours colours);

class TracePrinter {
  public:
    using Clock = std::chrono::steady_clock;

    struct Options {
        std::chrono::milliseconds quiet_time{500};
        /// At most so many trees are printed, then no trace is followed any more.
        std::optional<std::uint64_t> maximum_trees{};
        Colours colours = Colours::off;
    };

    /// The store and the stream must outlive the printer.
    TracePrinter(Store& store, std::ostream& output, Options options);

    /// Any thread. `now` must not go backwards by more than the time between two calls.
    void note(const std::vector<TouchedTrace>& touched, Clock::time_point now);

    /// Prints the finished traces that have been quiet long enough at `now`. One thread at a time.
    void print_quiet(Clock::time_point now);

    /// Prints every trace that was noted and not printed since, finished or not. One thread at a time.
    void print_rest();

  private:
    struct Followed {
        Clock::time_point last_touched;
        bool has_finished_root = false;
        std::uint64_t order = 0;
    };

    bool is_spent() const;
    void print(const std::string& trace_id);

    Store& store_;
    std::ostream& output_;
    const Options options_;
    std::uint64_t printed_ = 0;  // the printing thread's own

    std::mutex mutex_;  // guards what follows
    bool spent_ = false;
    std::uint64_t next_order_ = 0;
    std::unordered_map<std::string, Followed> followed_;
    /// Every touch in order of time. An entry counts only while it is its trace's last one, so nothing is
    /// ever searched.
    std::deque<std::pair<Clock::time_point, std::string>> touches_;
};

}  // namespace judgeval::local
