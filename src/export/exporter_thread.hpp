// The thread that drives the exporter, and how other threads ask it to flush and to stop.
//
// Owns transport, exporter and thread. The public calls may come from any thread, several at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "export/exporter.hpp"

namespace judgeval::detail {

class ExporterThread {
  public:
    /// Throws std::system_error when the thread cannot be started or the file not be opened, std::bad_alloc
    /// when memory is out.
    ExporterThread(Pipeline& pipeline, Frame frame, ExporterSettings settings, const Log& log);
    ~ExporterThread();
    ExporterThread(const ExporterThread&) = delete;
    ExporterThread& operator=(const ExporterThread&) = delete;

    /// True when everything that ended before the call was delivered or counted by `deadline`.
    bool flush(SteadyTime deadline) noexcept;
    /// Flushes, then gives up the rest and ends the thread. Called again it waits for the first call, at most
    /// until `deadline`.
    bool stop(SteadyTime deadline) noexcept;

    [[nodiscard]] bool has_stopped() noexcept {
        const std::lock_guard lock(mutex_);
        return stopped_;
    }
    [[nodiscard]] const ExporterCounters& counters() const noexcept { return exporter_.counters(); }

  private:
    void run();
    void serve_requests(std::deque<std::pair<std::uint64_t, FlushPoint>>& flushes);

    Pipeline& pipeline_;
    const Log& log_;
    SystemClock clock_;
    std::unique_ptr<Transport> transport_;
    Exporter exporter_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t flushes_requested_ = 0;
    std::uint64_t flushes_done_ = 0;
    bool stop_requested_ = false;
    bool stopped_ = false;
    SteadyTime stop_deadline_{};
    bool left_nothing_ = false;  ///< how the stop ended
    std::thread thread_;
};

}  // namespace judgeval::detail
