// One request to the backend, made as the library makes its own (TLS 1.2 or later, certificates verified, no
// redirects, the proxies of the environment), but with every detail of how it went. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

namespace judgeval::doctor {

/// How far a connection came.
enum class Reached : std::uint8_t { kNothing, kProxyName, kHostName, kHost, kTls, kAll };

struct Connection {
    Reached failed_at = Reached::kAll;  ///< kAll: it did not fail
    std::string error;                  ///< libcurl's words
    std::string address;                ///< of the host, or of the proxy
};

struct Answer {
    int status = 0;     ///< 0: none
    std::string error;  ///< why there is none
    std::string body;   ///< at most 64 KiB
    std::optional<std::time_t> date;
};

struct ProbeOptions {
    std::string url;
    std::string ca_file;  ///< empty: the system's
    std::chrono::seconds timeout{10};
};

/// Name, TCP, proxy and TLS; nothing is sent to the backend.
[[nodiscard]] Connection connect(const ProbeOptions& options);

/// A POST. `headers` are "Name: value".
[[nodiscard]] Answer post(const ProbeOptions& options, const std::vector<std::string>& headers,
                          const std::string& body);

}  // namespace judgeval::doctor
