// Sending platform requests. See the header.
#include "export/platform_sender.hpp"

#include <algorithm>

#include "export/response_text.hpp"
#include "export/retry.hpp"

namespace judgeval::detail {

bool PlatformSender::handle(const Completion& completion, std::uint64_t random) {
    const auto held =
        std::find_if(held_.begin(), held_.end(), [&](const Held& one) { return one.id == completion.id; });
    if (held == held_.end()) return false;
    const HttpResponse& response = completion.response;
    const SteadyTime now = clock_.now();
    held->id = 0;
    if (response.status >= 200 && response.status < 300) {
        requests_->count_delivered();
        held_.erase(held);
        return true;
    }
    if (is_retryable(response) && now - held->taken < max_retry_time_) {
        held->next_attempt = now + parse_retry_after(response.retry_after, clock_.system_now())
                                       .value_or(backoff(held->attempts - 1, random));
        return true;
    }
    complaint_ = (is_retryable(response) ? "gave up on a request after max_retry_time: "
                                         : "the platform refuses a request: ") +
                 describe(response) + " to POST " + held->request.path +
                 "; it is dropped, more of this is counted, not logged";
    requests_->count_dropped(1);
    held_.erase(held);
    return true;
}

void PlatformSender::send_due(std::uint64_t& last_id, ProjectOverrides& overrides) {
    if (!requests_) return;
    const SteadyTime now = clock_.now();
    while (held_.size() < kInFlightMost) {
        auto request = requests_->take();
        if (!request) break;
        held_.push_back({std::move(*request), 0, 0, now, now});
    }
    for (Held& one : held_) {
        if (one.id != 0 || now < one.next_attempt) continue;
        if (!one.request.project_name.empty()) {
            auto id = overrides.find(one.request.project_name);
            one.waits_for_project = !id;
            if (!id) continue;
            one.request.project_name.clear();
            one.request.project_id = std::move(*id);
        }
        const auto addressed = requests_->address(one.request);
        if (!addressed) return;
        one.id = ++last_id;
        ++one.attempts;
        transport_.send(one.id, *addressed);
    }
}

SteadyTime PlatformSender::next_deadline() const {
    if (is_waiting() && held_.size() < kInFlightMost) return clock_.now();
    SteadyTime next = SteadyTime::max();
    for (const Held& one : held_) {
        if (one.id == 0 && !one.waits_for_project) next = std::min(next, one.next_attempt);
    }
    return next;
}

bool PlatformSender::is_flushed(std::uint64_t flush) const {
    if (!requests_) return true;
    return requests_->next_taken() >= flush &&
           std::none_of(held_.begin(), held_.end(),
                        [flush](const Held& one) { return one.request.sequence < flush; });
}

void PlatformSender::abandon() {
    if (!requests_) return;
    for (const Held& one : held_) {
        if (one.id != 0) transport_.cancel(one.id);
    }
    requests_->count_dropped(held_.size());
    held_.clear();
    requests_->close();
}

}  // namespace judgeval::detail
