// The library's own diagnostics: rare lines to the user's handler, or to standard error.
//
// Any thread may log; never per span. What the handler throws stops here, and so does the API key: a backend
// may say it back in its answers, which lines quote.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "judgeval/options.hpp"

namespace judgeval::detail {

class Log {
  public:
    explicit Log(LogHandler handler = {}, LogLevel level = LogLevel::kWarning)
        : handler_(std::move(handler)), level_(level) {}

    /// Lines show asterisks in its place from here on; nothing to hide in an empty one. Before others log.
    void hide(std::string secret) {
        if (!secret.empty()) secrets_.push_back(std::move(secret));
    }

    void operator()(LogLevel level, std::string_view line) const noexcept;

  private:
    LogHandler handler_;
    LogLevel level_;
    std::vector<std::string> secrets_;
};

}  // namespace judgeval::detail
