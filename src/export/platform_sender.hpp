// The exporter's other trade: getting platform requests (tags, evaluations) delivered, or counting them.
//
// A few in flight, retried by the same rules as spans. On the exporter's thread, through its transport.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "export/platform_requests.hpp"
#include "export/project_overrides.hpp"
#include "export/transport.hpp"

namespace judgeval::detail {

class PlatformSender {
  public:
    /// `requests` null: there is never anything to do.
    PlatformSender(std::shared_ptr<PlatformRequests> requests, Transport& transport, ExportClock& clock,
                   std::chrono::nanoseconds max_retry_time)
        : requests_(std::move(requests)),
          transport_(transport),
          clock_(clock),
          max_retry_time_(max_retry_time) {}

    /// False when the completion is of none of its requests. `random` is for the jitter.
    [[nodiscard]] bool handle(const Completion& completion, std::uint64_t random);
    /// Sends what is due, now that the project is known; takes ids for the transport from `last_id`. What
    /// goes to another project waits until `overrides` knows that one.
    void send_due(std::uint64_t& last_id, ProjectOverrides& overrides);
    /// Requests wait that only the project's id keeps from being sent.
    [[nodiscard]] bool is_waiting() const noexcept { return requests_ && !requests_->is_empty(); }
    /// When send_due() has something to do; the far future when only completions can change that.
    [[nodiscard]] SteadyTime next_deadline() const;

    /// The number to ask is_flushed() with, for all that is queued by now.
    [[nodiscard]] std::uint64_t begin_flush() const noexcept {
        return requests_ ? requests_->next_sequence() : 0;
    }
    [[nodiscard]] bool is_flushed(std::uint64_t flush) const;

    /// The platform does not know the project.
    void drop_waiting() noexcept {
        if (requests_) requests_->drop_waiting();
    }
    /// Gives up everything, now and later.
    void abandon();

    /// What went wrong last since this was called, for the log; or nothing.
    [[nodiscard]] std::string take_complaint() {
        if (complaint_.empty() && requests_) return requests_->take_complaint();
        return std::exchange(complaint_, {});
    }

  private:
    static constexpr std::size_t kInFlightMost = 2;

    struct Held {
        PlatformRequest request;
        std::uint64_t id = 0;  ///< the transport's, while it is sent
        std::uint32_t attempts = 0;
        SteadyTime taken;
        SteadyTime next_attempt;
        bool waits_for_project = false;
    };

    const std::shared_ptr<PlatformRequests> requests_;
    Transport& transport_;
    ExportClock& clock_;
    const std::chrono::nanoseconds max_retry_time_;
    std::list<Held> held_;  ///< taken out of the queue: sent, or waiting to be sent again. Bodies stay put.
    std::string complaint_;
};

}  // namespace judgeval::detail
