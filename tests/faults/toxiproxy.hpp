// Toxiproxy (github.com/Shopify/toxiproxy) between a tracer and its backend: a process that passes bytes on,
// or does to them what it is told.
//
// Belongs to one thread.
#pragma once

#include <memory>
#include <string>

#include "program.hpp"

namespace judgeval::faults {

/// Which bytes a toxic works on.
enum class Direction { kRequests, kAnswers };

class Toxiproxy {
  public:
    /// Passes everything on to that port of this machine from when this returns. Throws std::runtime_error
    /// when it does not start. Wants test_peers.hpp's "toxiproxy".
    explicit Toxiproxy(int backend_port);

    /// For ClientOptions::api_url.
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    /// Adds one of toxiproxy's toxics, such as "latency" with {"latency": 100}, for new connections and those
    /// there are.
    void add(const std::string& toxic, Direction direction, const std::string& attributes);
    /// Closes every connection, and refuses new ones.
    void go_down();
    /// Takes every toxic away and accepts connections again. Connections whose bytes were withheld are
    /// closed.
    void recover();

  private:
    void call(const std::string& method, const std::string& path, const std::string& body);

    int api_port_;
    int port_ = 0;
    test::Program program_;
    int toxics_ = 0;
};

}  // namespace judgeval::faults
