// A real OpenTelemetry Collector that a test sends to: the program that tools/setup --tests builds out of
// this folder, as a process of its own, writing what it received to a file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "encode/otlp_reader.hpp"
#include "program.hpp"

namespace judgeval::test {

class Collector {
  public:
    /// Takes requests from when this returns. Throws std::runtime_error with what it said when it does not
    /// start. Wants test_peers.hpp's "collector".
    Collector();
    ~Collector();
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;

    [[nodiscard]] int port() const { return port_; }
    /// For ClientOptions::api_url.
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    /// Lets it end and starts it again at the same port; it keeps what it received.
    void restart();
    /// Lets it end, with everything written, and hands over what it received: a request at a time, in their
    /// order.
    void stop(const std::function<void(const encode::TraceRequest&)>& take);

  private:
    void start();
    void end();

    std::filesystem::path directory_;
    int port_ = 0;
    std::unique_ptr<Program> program_;
};

}  // namespace judgeval::test
