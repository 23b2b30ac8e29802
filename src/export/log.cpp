// Where log lines go.
#include "export/log.hpp"

#include <array>
#include <cstdio>
#include <string>

namespace judgeval::detail {

void Log::operator()(LogLevel level, std::string_view line) const noexcept try {
    std::string without_secret;
    if (!secret_.empty() && line.find(secret_) != std::string_view::npos) {
        without_secret = line;
        for (std::size_t at = 0; (at = without_secret.find(secret_, at)) != std::string::npos;) {
            without_secret.replace(at, secret_.size(), "***");
        }
        line = without_secret;
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
