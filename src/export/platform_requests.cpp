// The queue of platform requests, and the addresses on them.
#include "export/platform_requests.hpp"

#include <new>
#include <nlohmann/json.hpp>
#include <utility>

#include "export/url_text.hpp"

namespace judgeval::detail {

namespace {

std::vector<std::string> with_json_type(std::vector<std::string> headers) {
    headers.emplace_back("Content-Type: application/json");
    return headers;
}

std::size_t size_of(const PlatformRequest& request) { return request.path.size() + request.body.size(); }

}  // namespace

PlatformRequests::PlatformRequests(std::string api_url, std::vector<std::string> credentials,
                                   std::function<std::optional<std::string>()> find_project)
    : api_url_(std::move(api_url)),
      headers_(with_json_type(std::move(credentials))),
      find_project_(std::move(find_project)) {}

void PlatformRequests::push(PlatformRequest request) noexcept {
    const std::size_t size = size_of(request);
    const std::lock_guard lock(mutex_);
    ++counts_.queued;
    const bool has_room = !is_closed_ && waiting_.size() < kCountMost && size <= kBytesMost - bytes_;
    if (!has_room) {
        ++counts_.dropped;
        has_overflowed_ = !is_closed_;
        return;
    }
    request.sequence = next_sequence_;
    try {
        waiting_.push_back(std::move(request));
    } catch (const std::bad_alloc&) {
        ++counts_.dropped;
        return;
    }
    ++next_sequence_;
    bytes_ += size;
}

void PlatformRequests::count_lost() noexcept {
    const std::lock_guard lock(mutex_);
    ++counts_.queued;
    ++counts_.dropped;
}

std::string PlatformRequests::take_complaint() {
    const std::lock_guard lock(mutex_);
    if (std::exchange(has_overflowed_, false)) {
        return "more tags and evaluations than are sent: some are dropped; they are counted, not logged";
    }
    return {};
}

PlatformRequests::Counts PlatformRequests::counts() const noexcept {
    const std::lock_guard lock(mutex_);
    return counts_;
}

std::optional<PlatformRequest> PlatformRequests::take() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return std::nullopt;
    PlatformRequest request = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= size_of(request);
    return request;
}

bool PlatformRequests::is_empty() const noexcept {
    const std::lock_guard lock(mutex_);
    return waiting_.empty();
}

std::uint64_t PlatformRequests::next_sequence() const noexcept {
    const std::lock_guard lock(mutex_);
    return next_sequence_;
}

std::uint64_t PlatformRequests::next_taken() const noexcept {
    const std::lock_guard lock(mutex_);
    return waiting_.empty() ? next_sequence_ : waiting_.front().sequence;
}

void PlatformRequests::count_delivered() noexcept {
    const std::lock_guard lock(mutex_);
    ++counts_.delivered;
}

void PlatformRequests::count_dropped(std::uint64_t count) noexcept {
    const std::lock_guard lock(mutex_);
    counts_.dropped += count;
}

void PlatformRequests::drop_waiting() noexcept {
    const std::lock_guard lock(mutex_);
    counts_.dropped += waiting_.size();
    waiting_.clear();
    bytes_ = 0;
}

void PlatformRequests::close() noexcept {
    {
        const std::lock_guard lock(mutex_);
        is_closed_ = true;
    }
    drop_waiting();
}

std::optional<HttpRequest> PlatformRequests::address(PlatformRequest& request) const {
    const auto project = request.project_id.empty() ? find_project() : request.project_id;
    if (!project) return std::nullopt;
    if (const auto at = request.path.find(kProjectIdPlaceholder); at != std::string::npos) {
        request.path.replace(at, kProjectIdPlaceholder.size(), url_text(*project));
    }
    if (std::exchange(request.is_project_in_body, false)) {
        request.body.insert(1, "\"project_id\":" + nlohmann::json(*project).dump() + ",");
    }
    return HttpRequest{api_url_ + request.path, headers_, {request.body}};
}

void PlatformRequests::disinherit() noexcept {
    waiting_.clear();
    bytes_ = 0;
    counts_ = {};
}

}  // namespace judgeval::detail
