// A backend that fails as it is told: it knows every project, and does to the requests with spans what a
// script says, one after another; when that is over it takes what comes.
//
// An HTTP server on 127.0.0.1 inside the test's process, on threads of its own. It remembers what it
// acknowledged.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "encode/otlp_reader.hpp"
#include "faults/certificate.hpp"

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace judgeval::faults {

/// What happens to one request.
struct Fault {
    enum class How : std::uint8_t {
        kAnswers,
        kResets,     ///< in the middle of its answer
        kHangs,      ///< takes the request and says nothing, until the backend stops
        kIsHeld,     ///< answers once it is released
        kNeverEnds,  ///< an answer without end
        kDrips,      ///< an answer byte by byte
    };
    How how = How::kAnswers;
    int status = 200;
    std::map<std::string, std::string> headers{};
    std::string body{};
};

/// A request with spans, as it came.
struct ReceivedRequest {
    std::chrono::system_clock::time_point arrived;
    std::string content_encoding;
    std::string authorization;
    std::size_t body_bytes;
};

struct FaultyBackendOptions {
    std::vector<Fault> script{};
    /// What happens to every request once the script is over.
    Fault afterwards{};
    /// What happens to the requests beside those with spans (tags, evaluations), then to all that follow.
    std::vector<Fault> platform_script{};
    Fault platform_afterwards{};
    /// What happens to the requests that ask for the id of a project of this name, which is then known, as
    /// "id of " and its name.
    std::map<std::string, std::vector<Fault>> project_scripts{};
    /// Whether kept_spans() has something to tell.
    bool keeps_spans = false;
    /// A larger body (as sent) is answered with 413, whatever the script says.
    std::size_t body_most = SIZE_MAX;
    /// 0: one that the system chooses.
    int port = 0;
    /// Speaks TLS with it, as "localhost".
    const Certificate* certificate = nullptr;
    /// Nothing newer than TLS 1.1.
    bool is_tls_old = false;
};

class FaultyBackend {
  public:
    /// Answers from when this returns. Throws std::runtime_error when the port is taken.
    explicit FaultyBackend(FaultyBackendOptions options = {});
    ~FaultyBackend();
    FaultyBackend(const FaultyBackend&) = delete;
    FaultyBackend& operator=(const FaultyBackend&) = delete;

    /// Lets the answers out that are held.
    void release();

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] std::string url() const;

    [[nodiscard]] std::vector<ReceivedRequest> requests() const;
    /// The requests beside those with spans, each as its path and its body, as they came.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> platform_requests() const;
    /// The ids of the spans in requests that were answered with 2xx: twice in here is twice received.
    [[nodiscard]] std::multiset<std::string> acknowledged_spans() const;
    /// These spans, whole.
    [[nodiscard]] std::vector<encode::Span> kept_spans() const;
    /// How many spans of each trace these were.
    [[nodiscard]] std::map<std::string, std::size_t> acknowledged_traces() const;

  private:
    void take(const httplib::Request& request, httplib::Response& response);
    void resolve(const httplib::Request& request, httplib::Response& response);
    void take_platform_request(const httplib::Request& request, httplib::Response& response);
    void answer(const Fault& fault, httplib::Response& response);
    void remember_spans(const httplib::Request& request);
    /// False when the backend stops within that time.
    bool goes_on_for(std::chrono::milliseconds duration);

    const FaultyBackendOptions options_;
    std::unique_ptr<httplib::Server> server_;
    int port_ = 0;
    std::thread thread_;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable stops_;
    bool is_stopping_ = false;
    bool is_released_ = false;
    std::deque<Fault> script_;
    std::vector<ReceivedRequest> requests_;
    std::deque<Fault> platform_script_;
    std::vector<std::pair<std::string, std::string>> platform_requests_;
    std::map<std::string, std::deque<Fault>> project_scripts_;
    std::vector<encode::Span> kept_spans_;
    std::multiset<std::string> acknowledged_;
    std::map<std::string, std::size_t> traces_;
};

}  // namespace judgeval::faults
