// An HTTP server that only reads: the far end of the throughput benchmarks.
//
// One thread, plain sockets on 127.0.0.1 at a port the system chose. It throws request bodies away in the
// kernel and answers 200; for a project's name it makes up an id. So what a benchmark measures is this
// library, not its peer.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace judgeval::bench {

class HttpSink {
  public:
    /// Throws std::system_error when no socket can be had.
    HttpSink();
    ~HttpSink();
    HttpSink(const HttpSink&) = delete;
    HttpSink& operator=(const HttpSink&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_.load(); }

  private:
    void run();

    int listener_ = -1;
    int stop_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<std::uint64_t> body_bytes_{0};
    std::thread thread_;
};

}  // namespace judgeval::bench
