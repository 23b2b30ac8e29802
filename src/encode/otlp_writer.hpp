// Writes spans as OTLP: what the readers hand out, back as an ExportTraceServiceRequest. Cold path, for what
// arrived in another encoding; the library itself never writes a span in this way. No state, any thread.
#pragma once

#include <string>

#include "encode/otlp_reader.hpp"

namespace judgeval::encode {

/// One Span message.
[[nodiscard]] std::string write_span(const Span& span);

/// The whole request.
[[nodiscard]] std::string write_trace_request(const TraceRequest& request);

}  // namespace judgeval::encode
