// What a server said, in words for a log line.
#pragma once

#include <string>

#include "export/transport.hpp"

namespace judgeval::detail {

/// What a server says may be a page, or no text at all: one line of it in parentheses, or nothing.
[[nodiscard]] std::string quote(const std::string& said);

[[nodiscard]] std::string describe(const HttpResponse& response);

}  // namespace judgeval::detail
