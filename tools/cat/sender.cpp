// See sender.hpp.
#include "cat/sender.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

#include "export/partial_success.hpp"
#include "export/retry.hpp"
#include "judgment/project.hpp"

namespace judgeval::cat {
namespace {

constexpr std::size_t kRequestBytes = std::size_t{1} << 20U;
constexpr std::uint32_t kAttempts = 5;

/// A name and a value, neither of which can begin another header.
bool is_header(const std::string& header) {
    const std::size_t colon = header.find(':');
    return colon != std::string::npos && colon != 0 && header.find(' ') > colon &&
           detail::is_header_value(header);
}

std::string describe(const detail::HttpResponse& response) {
    return response.status == 0 ? response.error : "HTTP " + std::to_string(response.status);
}

}  // namespace

Sender::Sender(std::string url, std::vector<std::string> headers)
    : url_(std::move(url)), headers_(std::move(headers)), transport_(PipelineOptions{}) {
    if (const std::string error = detail::check_url(url_); !error.empty()) {
        throw std::runtime_error("cannot send to " + url_ + ": " + error);
    }
    for (const std::string& header : headers_) {
        // without its value, which may be a key
        if (!is_header(header)) {
            throw std::runtime_error("a header must be \"Name: value\", of visible ASCII characters");
        }
    }
    headers_.emplace_back("Content-Type: application/x-protobuf");
}

void Sender::add(std::string_view batch, std::uint64_t spans) {
    if (!body_.empty() && body_.size() + batch.size() > kRequestBytes) {
        send();
    }
    body_ += batch;
    body_spans_ += spans;
}

void Sender::finish() {
    if (!body_.empty()) {
        send();
    }
}

detail::HttpResponse Sender::post() {
    std::vector<detail::Completion> completions;
    transport_.send(1, {url_, headers_, {body_}});
    while (completions.empty()) {
        transport_.wait(std::chrono::seconds(1), completions);
    }
    return std::move(completions.front().response);
}

void Sender::send() {
    std::random_device random;
    detail::HttpResponse response = post();
    for (std::uint32_t attempt = 1; attempt < kAttempts && detail::is_retryable(response); ++attempt) {
        const auto asked = detail::parse_retry_after(response.retry_after, std::chrono::system_clock::now());
        std::this_thread::sleep_for(asked.value_or(detail::backoff(attempt - 1, random())));
        response = post();
    }
    if (response.status < 200 || response.status >= 300) {
        throw std::runtime_error("the endpoint did not take a request of " + std::to_string(body_spans_) +
                                 " spans: " + describe(response) + " (" + std::to_string(sent_spans_) +
                                 " spans were sent before)");
    }
    const std::uint64_t rejected =
        std::min(detail::read_partial_success(response.body).rejected_spans, body_spans_);
    sent_spans_ += body_spans_ - rejected;
    rejected_spans_ += rejected;
    body_.clear();
    body_spans_ = 0;
}

}  // namespace judgeval::cat
