// OTLP/JSON of what the OTLP reader has read, as the protocol has it: names in lowerCamelCase, ids in
// hexadecimal, 64-bit integers as text, enumerations as numbers, bytes in base64. What has its default value
// is left out, but for the fields that tell a span. Cold path: any thread, no state; nothing is thrown at odd
// input.
#pragma once

#include <nlohmann/json.hpp>

#include "encode/otlp_reader.hpp"

namespace judgeval::encode {

/// An ExportTraceServiceRequest (a TracesData, which is the same) with this one element.
nlohmann::ordered_json otlp_json(const ResourceSpans& resource_spans);

/// One line of text. Bytes that are not valid UTF-8 are replaced by U+FFFD.
std::string to_text(const nlohmann::ordered_json& document);

}  // namespace judgeval::encode
