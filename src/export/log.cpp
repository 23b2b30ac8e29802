// Where log lines go.
#include "export/log.hpp"

#include <array>
#include <cstdio>
#include <string>

namespace judgeval::detail {

namespace {
constexpr std::string_view kHidden = "***";
}

void Log::operator()(LogLevel level, std::string_view line) const noexcept try {
    std::string without_secrets;
    for (const std::string& secret : secrets_) {
        if (line.find(secret) == std::string_view::npos) continue;
        std::string shown(line);
        for (std::size_t at = 0; (at = shown.find(secret, at)) != std::string::npos;) {
            shown.replace(at, secret.size(), kHidden);
            at += kHidden.size();  // a secret may itself be asterisks
        }
        without_secrets = std::move(shown);
        line = without_secrets;
    }
    if (handler_) return handler_(level, line);
    if (level < level_ || level == LogLevel::kOff) return;
    constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
    const std::string_view name = kNames[static_cast<std::size_t>(level)];
    std::fprintf(stderr, "judgeval %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
                 static_cast<int>(line.size()), line.data());
} catch (...) {  // a handler that throws must not take the application or the exporter with it
}

}  // namespace judgeval::detail
