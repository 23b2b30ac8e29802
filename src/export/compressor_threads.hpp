// Compressor threads: when one core of compression is not enough (PipelineOptions::compressor_threads > 1).
//
// The exporter's thread submits batches and takes them back; between the two a batch belongs to the
// compressor thread that took it. Chunks are still released by the exporter's thread alone.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "arena/chunk_pool.hpp"
#include "export/batch.hpp"

namespace judgeval::detail {

class CompressorThreads {
  public:
    struct Job {
        Batch* batch;
        std::string before;
        std::vector<Segment> done{};  ///< for the exporter to release
        bool is_compressed = false;
    };

    /// `on_done` is called from a compressor thread after each job. Throws std::system_error when no thread
    /// can be started.
    CompressorThreads(ChunkPool& pool, int zstd_level, int gzip_level, std::uint32_t count,
                      std::function<void()> on_done);
    ~CompressorThreads();
    CompressorThreads(const CompressorThreads&) = delete;
    CompressorThreads& operator=(const CompressorThreads&) = delete;

    void submit(Batch* batch, std::string before);
    /// A finished job, if there is one. Its batch is the exporter's again, still as kCompressing: the
    /// exporter looks at the states of all batches at any time, so that it alone changes them.
    [[nodiscard]] bool take(Job& job);
    /// Waits until every submitted job can be taken.
    void wait_until_idle();
    [[nodiscard]] std::size_t count() const noexcept { return threads_.size(); }

  private:
    void run(ChunkPool& pool, int zstd_level, int gzip_level);

    std::function<void()> on_done_;
    std::mutex mutex_;
    std::condition_variable submitted_;
    std::condition_variable idle_;
    std::deque<Job> jobs_;
    std::deque<Job> finished_;
    std::size_t running_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace judgeval::detail
