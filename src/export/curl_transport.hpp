// The transport over libcurl's multi interface: keep-alive connections, TLS verified, time-outs, one wait for
// everything.
//
// Made and used by the exporter's thread, but for wake().
#pragma once

#include <memory>

#include "export/transport.hpp"
#include "judgeval/options.hpp"

namespace judgeval::detail {

class CurlTransport final : public Transport {
  public:
    /// Throws std::bad_alloc when libcurl cannot be initialised.
    explicit CurlTransport(const PipelineOptions& options);
    ~CurlTransport() override;

    void send(std::uint64_t id, const HttpRequest& request) override;
    void cancel(std::uint64_t id) override;
    void wait(std::chrono::nanoseconds at_most, std::vector<Completion>& completions) override;
    void wake() noexcept override;

  private:
    struct Request;
    struct State;
    std::unique_ptr<State> state_;
};

/// Why `url` cannot be used as an endpoint; empty when it can. http and https only, without credentials in
/// it; a query only when nothing is appended to it.
[[nodiscard]] std::string check_url(const std::string& url, bool may_have_query = false);

}  // namespace judgeval::detail
