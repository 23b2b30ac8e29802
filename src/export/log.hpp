// The library's own diagnostics: rare lines to the user's handler, or to standard error.
//
// Any thread may log; never per span. What the handler throws stops here.
#pragma once

#include <string_view>

#include "judgeval/options.hpp"

namespace judgeval::detail {

class Log {
  public:
    explicit Log(LogHandler handler = {}, LogLevel level = LogLevel::kWarning)
        : handler_(std::move(handler)), level_(level) {}

    void operator()(LogLevel level, std::string_view line) const noexcept;

  private:
    LogHandler handler_;
    LogLevel level_;
};

}  // namespace judgeval::detail
