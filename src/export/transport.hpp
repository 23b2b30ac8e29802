// The exporter's seams to the world: an HTTP transport and a clock.
//
// Bodies go out through libcurl, or into a file; the tests simulate transport and clock, so that the exporter
// that ships is the one that is simulated. Used by the exporter's thread only, but for wake().
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace judgeval::detail {

using SteadyTime = std::chrono::steady_clock::time_point;

class ExportClock {
  public:
    virtual ~ExportClock() = default;
    [[nodiscard]] virtual SteadyTime now() = 0;
    /// For `Retry-After` dates.
    [[nodiscard]] virtual std::chrono::system_clock::time_point system_now() = 0;
};

class SystemClock final : public ExportClock {
  public:
    SteadyTime now() override { return std::chrono::steady_clock::now(); }
    std::chrono::system_clock::time_point system_now() override { return std::chrono::system_clock::now(); }
};

struct HttpRequest {
    std::string url;
    std::vector<std::string> headers;    ///< "Name: value"
    std::vector<std::string_view> body;  ///< pieces; whoever sends keeps them until the request ended
    bool is_get = false;                 ///< and has no body, where others are POSTs
};

struct HttpResponse {
    int status = 0;           ///< 0: no answer, see error
    std::string error;        ///< what failed between us and the server, or in writing to the file
    std::string retry_after;  ///< the header's value
    std::string body;         ///< at most kResponseMost bytes
};
inline constexpr std::size_t kResponseMost = std::size_t{64} << 10U;

struct Completion {
    std::uint64_t id;
    HttpResponse response;
};

class Transport {
  public:
    virtual ~Transport() = default;
    /// Begins a request. Each one ends in exactly one completion, unless it is cancelled.
    virtual void send(std::uint64_t id, const HttpRequest& request) = 0;
    virtual void cancel(std::uint64_t id) = 0;
    /// Moves requests forward; waits at most so long for something to happen or for wake().
    virtual void wait(std::chrono::nanoseconds at_most, std::vector<Completion>& completions) = 0;
    /// Ends a wait under way, or the next one. Any thread.
    virtual void wake() noexcept = 0;
};

}  // namespace judgeval::detail
