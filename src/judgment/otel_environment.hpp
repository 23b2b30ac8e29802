// What the OTEL_* variables say of the SDK and its exporter (those of the resource: environment.hpp).
//
// Read when a tracer is made, on that thread, as OpenTelemetry's "Environment Variable Specification" and
// "OTLP Exporter Configuration" have it. A value that makes no sense is one warning, which shows no header's
// value, and counts as not set.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "export/log.hpp"
#include "judgeval/options.hpp"

namespace judgeval::detail {

/// OTEL_SDK_DISABLED=true.
[[nodiscard]] bool is_otel_sdk_disabled(const Log& log);

/// OTEL_TRACES_SAMPLER(_ARG), OTEL_BSP_* and the limits, into those options that have their default value.
void read_otel_options(TracerOptions& options, const Log& log);

/// Where OTEL_EXPORTER_OTLP_(TRACES_)ENDPOINT says that spans go.
struct OtlpEndpoint {
    std::string url;                   ///< of the requests, nothing is appended to it
    std::vector<std::string> headers;  ///< "Name: value"
    std::vector<std::string> secrets;  ///< what no log line may show: parts of the headers' values
};

/// Nothing when no endpoint is set, or none that can be used.
[[nodiscard]] std::optional<OtlpEndpoint> read_otlp_endpoint(const Log& log);

/// OTEL_EXPORTER_OTLP_(TRACES_)COMPRESSION, TIMEOUT and CERTIFICATE, into those options that have their
/// default value.
void read_otlp_options(PipelineOptions& options, const Log& log);

}  // namespace judgeval::detail
