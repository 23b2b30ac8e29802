// Sends batches to an OTLP/HTTP endpoint, with the transport and the rules of the library: no redirects,
// TLS 1.2 or later, trouble that passes is waited for. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "export/curl_transport.hpp"

namespace judgeval::cat {

class Sender {
  public:
    /// `headers` are "Name: value". Throws std::runtime_error when the URL or a header cannot be used.
    Sender(std::string url, std::vector<std::string> headers);

    /// Keeps the batch for the next request, or sends the request that it completes. Throws
    /// std::runtime_error when a request fails for good.
    void add(std::string_view batch, std::uint64_t spans);
    /// Sends what is left.
    void finish();

    [[nodiscard]] std::uint64_t sent_spans() const noexcept { return sent_spans_; }
    [[nodiscard]] std::uint64_t rejected_spans() const noexcept { return rejected_spans_; }

  private:
    void send();
    detail::HttpResponse post();

    const std::string url_;
    std::vector<std::string> headers_;
    detail::CurlTransport transport_;
    std::string body_;
    std::uint64_t body_spans_ = 0;
    std::uint64_t sent_spans_ = 0;
    std::uint64_t rejected_spans_ = 0;
};

}  // namespace judgeval::cat
