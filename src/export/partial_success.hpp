// Reading ExportTraceServiceResponse.partial_success: a server that took a batch, but not all of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace judgeval::detail {

struct PartialSuccess {
    std::uint64_t rejected_spans = 0;
    std::string error_message;  ///< at most 200 bytes of it
};

/// A body that is not such a message (some servers answer with JSON, or nothing) means complete success.
[[nodiscard]] PartialSuccess read_partial_success(std::string_view body);

}  // namespace judgeval::detail
