// The loop of a compressor thread.
#include "export/compressor_threads.hpp"

#include "export/compressor.hpp"
#include "export/quiet_thread.hpp"

namespace judgeval::detail {

CompressorThreads::CompressorThreads(ChunkPool& pool, int zstd_level, int gzip_level, std::uint32_t count,
                                     std::function<void()> on_done)
    : on_done_(std::move(on_done)) {
    for (std::uint32_t i = 0; i < count; ++i) {
        threads_.push_back(start_quiet_thread(
            "judgeval-zip", [this, &pool, zstd_level, gzip_level] { run(pool, zstd_level, gzip_level); }));
    }
}

CompressorThreads::~CompressorThreads() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    submitted_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void CompressorThreads::submit(Batch* batch, std::string before) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back({.batch = batch, .before = std::move(before)});
    }
    submitted_.notify_one();
}

bool CompressorThreads::take(Job& job) {
    const std::lock_guard lock(mutex_);
    if (finished_.empty()) return false;
    job = std::move(finished_.front());
    finished_.pop_front();
    return true;
}

void CompressorThreads::wait_until_idle() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return jobs_.empty() && running_ == 0; });
}

void CompressorThreads::run(ChunkPool& pool, int zstd_level, int gzip_level) {
    Compressor compressor(pool, zstd_level, gzip_level);
    std::unique_lock lock(mutex_);
    for (;;) {
        submitted_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        ++running_;
        lock.unlock();
        job.is_compressed = compressor.compress(
            *job.batch, job.before, [&job](const Segment& segment) { job.done.push_back(segment); });
        lock.lock();
        --running_;
        finished_.push_back(std::move(job));
        idle_.notify_all();
        lock.unlock();
        on_done_();
        lock.lock();
    }
}

}  // namespace judgeval::detail
