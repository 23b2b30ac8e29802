// The loop: step, tell who waits, wait for the network or the clock.
#include "export/exporter_thread.hpp"

#include "export/curl_transport.hpp"
#include "export/file_transport.hpp"
#include "export/quiet_thread.hpp"
#include "record/clock.hpp"

namespace judgeval::detail {

namespace {
constexpr std::chrono::seconds kRecalibrateEvery{1};
constexpr std::chrono::seconds kIdleBeforeTrim{10};

std::unique_ptr<Transport> make_transport(const ExporterSettings& settings) {
    if (!settings.file.empty()) return std::make_unique<FileTransport>(settings.file);
    return std::make_unique<CurlTransport>(settings.options);
}
}  // namespace

ExporterThread::ExporterThread(Pipeline& pipeline, Frame frame, ExporterSettings settings, const Log& log)
    : pipeline_(pipeline),
      log_(log),
      transport_(make_transport(settings)),
      exporter_(pipeline, std::move(frame), std::move(settings), *transport_, clock_, log) {
    pipeline_.set_waker([this] { transport_->wake(); });
    thread_ = start_quiet_thread("judgeval-export", [this] { run(); });
}

ExporterThread::~ExporterThread() { stop(SteadyTime::min()); }

bool ExporterThread::flush(SteadyTime deadline) noexcept {
    std::unique_lock lock(mutex_);
    if (stopped_) return left_nothing_;
    const std::uint64_t ticket = ++flushes_requested_;
    transport_->wake();
    changed_.wait_until(lock, deadline, [&] { return flushes_done_ >= ticket || stopped_; });
    return flushes_done_ >= ticket;
}

bool ExporterThread::stop(SteadyTime deadline) noexcept {
    std::unique_lock lock(mutex_);
    if (!stop_requested_) {
        stop_requested_ = true;
        stop_deadline_ = deadline;
        ++flushes_requested_;
    } else {
        stop_deadline_ = std::min(stop_deadline_, deadline);
    }
    if (!stopped_) transport_->wake();
    // The loop ends on its own at the deadline, within the time of one step: waiting for it keeps its memory
    // valid.
    changed_.wait(lock, [this] { return stopped_; });
    if (thread_.joinable()) {
        std::thread thread = std::move(thread_);
        lock.unlock();
        thread.join();
    }
    return left_nothing_;
}

void ExporterThread::serve_requests(std::deque<std::pair<std::uint64_t, FlushPoint>>& flushes) {
    const std::unique_lock lock(mutex_);
    while (!flushes.empty() && exporter_.is_flushed(flushes.front().second)) {
        flushes_done_ = flushes.front().first;
        flushes.pop_front();
        changed_.notify_all();
    }
    const std::uint64_t last = flushes.empty() ? flushes_done_ : flushes.back().first;
    // One collection answers all who asked before it.
    if (flushes_requested_ > last) flushes.emplace_back(flushes_requested_, exporter_.begin_flush());
}

void ExporterThread::run() {
    std::vector<Completion> completions;
    std::deque<std::pair<std::uint64_t, FlushPoint>> flushes;  // ticket, what it is about
    SteadyTime next_calibration = clock_.now() + kRecalibrateEvery;
    SteadyTime last_activity = clock_.now();
    std::uint64_t last_collected = 0;
    try {
        for (;;) {
            exporter_.step(completions);
            serve_requests(flushes);
            const SteadyTime now = clock_.now();
            SteadyTime deadline = exporter_.next_deadline();
            {
                const std::lock_guard lock(mutex_);
                if (stop_requested_) {
                    const bool is_flushed = flushes.empty() && flushes_done_ == flushes_requested_;
                    if (is_flushed || now >= stop_deadline_) break;
                    deadline = std::min(deadline, stop_deadline_);
                }
            }
            if (!flushes.empty() && exporter_.is_flushed(flushes.front().second)) deadline = now;
            if (now >= next_calibration) {
                Clock::recalibrate();
                next_calibration = now + kRecalibrateEvery;
            }
            if (const std::uint64_t collected = exporter_.counters().collected.get();
                collected != last_collected) {
                last_collected = collected;
                last_activity = now;
            } else if (now - last_activity >= kIdleBeforeTrim) {
                pipeline_.pool().trim();
                last_activity = now;
            }
            pipeline_.pool().prefault();
            pipeline_.pool().wake_waiters();
            transport_->wait(deadline - now, completions);
        }
    } catch (const std::exception& error) {
        log_(LogLevel::kError, std::string("the exporter stopped: ") + error.what());
    }
    pipeline_.stop_accepting();
    exporter_.abandon(DropReason::kShutdown);
    const std::lock_guard lock(mutex_);
    left_nothing_ = flushes.empty() && flushes_done_ == flushes_requested_;
    stopped_ = true;
    changed_.notify_all();
}

}  // namespace judgeval::detail
