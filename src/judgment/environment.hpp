// What the environment says: JUDGMENT_* and the OTEL_* variables that describe the resource.
//
// Read when a client or tracer is made, on that thread. A value that makes no sense is warned about once and
// replaced by the stated default.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "export/log.hpp"
#include "judgeval/options.hpp"

namespace judgeval::detail {

/// The variable's value; nothing when it is unset or empty (OpenTelemetry: "empty is unset").
[[nodiscard]] std::optional<std::string> environment_value(const char* name);

/// true/false, 1/0, yes/no, on/off in any case. Anything else: a warning, and nothing.
[[nodiscard]] std::optional<bool> environment_switch(const char* name, bool default_value, const Log& log);

/// From JUDGMENT_LOG_LEVEL: debug, info, warning, error, off (critical counts as error). Default: warning.
[[nodiscard]] LogLevel environment_log_level(bool& is_valid);

/// A list "key=value,…", percent-encoded (W3C Baggage without properties). One that is malformed anywhere is
/// a warning, which does not show it, and nothing.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> environment_list(
    const char* name, const Log& log);

/// OTEL_RESOURCE_ATTRIBUTES ("key=value,…", percent-encoded) and OTEL_SERVICE_NAME, which wins.
[[nodiscard]] std::map<std::string, ResourceValue> environment_resource(const Log& log);

}  // namespace judgeval::detail
