// Platform requests: what a tracer asks of the platform beside taking spans (tags, evaluations), waiting for
// the exporter's thread to send it.
//
// Any thread puts requests in, which takes a moment under a lock and never throws; the exporter takes them
// out. Bounded in number and bytes, beside the pipeline's memory budget. Lives in the tracer and, while one
// runs, in its exporter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "export/transport.hpp"

namespace judgeval::detail {

/// Stands in a request's path where the project's id belongs, which may not be known yet.
inline constexpr std::string_view kProjectIdPlaceholder = "{project_id}";

struct PlatformRequest {
    std::string path;                 ///< behind the API's URL; has kProjectIdPlaceholder in it
    std::string body;                 ///< a JSON object that is not empty
    bool is_project_in_body = false;  ///< the object gets a project_id, once that is known
    /// Where override_project() routed the trace: the project's name, until its id is known. Both empty: to
    /// the tracer's own.
    std::string project_name{};
    std::string project_id{};
    std::uint64_t sequence = 0;  ///< given when it is queued
};

class PlatformRequests {
  public:
    static constexpr std::size_t kCountMost = 1024;
    static constexpr std::size_t kBytesMost = std::size_t{4} << 20U;

    /// Every request is accounted for: queued = delivered + dropped + those waiting or on their way.
    struct Counts {
        std::uint64_t queued = 0;
        std::uint64_t delivered = 0;
        std::uint64_t dropped = 0;
    };

    /// `find_project` gives the project's id once the exporter has found it; any thread calls it.
    PlatformRequests(std::string api_url, std::vector<std::string> credentials,
                     std::function<std::optional<std::string>()> find_project);
    /// Goes nowhere: every request is dropped and counted.
    PlatformRequests() : is_closed_(true) {}

    /// Any thread. What there is no room for is dropped and counted.
    void push(PlatformRequest request) noexcept;
    /// One that could not even be made: for want of memory, or of its scorer.
    void count_lost() noexcept;
    /// The project's id, once it was found.
    [[nodiscard]] std::optional<std::string> find_project() const {
        return find_project_ ? find_project_() : std::nullopt;
    }
    [[nodiscard]] Counts counts() const noexcept;

    // ---- the exporter's side ----

    [[nodiscard]] std::optional<PlatformRequest> take();
    [[nodiscard]] bool is_empty() const noexcept;
    /// The sequence of the next one to be queued, and of the next one to be taken.
    [[nodiscard]] std::uint64_t next_sequence() const noexcept;
    [[nodiscard]] std::uint64_t next_taken() const noexcept;
    void count_delivered() noexcept;
    void count_dropped(std::uint64_t count) noexcept;
    /// What was lost before it came to the exporter and has not been said, for the log; or nothing.
    [[nodiscard]] std::string take_complaint();
    /// Drops what waits.
    void drop_waiting() noexcept;
    /// Drops what waits and what comes.
    void close() noexcept;
    /// What is sent: the body's pieces point into `request`, which gets its project's id here. Nothing while
    /// that is not known. Looks at project_id, not at project_name.
    [[nodiscard]] std::optional<HttpRequest> address(PlatformRequest& request) const;

    // ---- forks ----

    [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }
    /// In the child, with the mutex held: what waits is the parent's to send.
    void disinherit() noexcept;

  private:
    const std::string api_url_;
    const std::vector<std::string> headers_;
    const std::function<std::optional<std::string>()> find_project_;

    mutable std::mutex mutex_;  // guards what follows
    std::deque<PlatformRequest> waiting_;
    std::size_t bytes_ = 0;
    std::uint64_t next_sequence_ = 0;
    bool is_closed_ = false;
    Counts counts_;
    bool has_overflowed_ = false;  ///< and it was not said yet
};

}  // namespace judgeval::detail
