// JSON views of what the OTLP reader has read, for people and tests to look at. Cold path: any thread may
// call these, no state is kept, and odd input (not a number, text that is not UTF-8, a key given twice) is
// shown, never thrown at.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "encode/otlp_reader.hpp"

namespace judgeval::encode {

/// Lower-case hexadecimal digits, two a byte.
std::string to_hex(std::string_view bytes);

/// Integers stay integers; NaN and the infinities become the strings "NaN", "Infinity" and "-Infinity"; bytes
/// become lower-case hexadecimal; a value that was never set becomes null.
nlohmann::json json_view(const AnyValue& value);

/// One JSON object; of a key given twice the last value is shown.
nlohmann::json json_view(const Attributes& attributes);

/// Ids in hexadecimal, times in nanoseconds since 1970 as integers, `parent_span_id` null for a root span,
/// `status` as {"code": "unset" | "ok" | "error", "message"}.
nlohmann::json json_view(const Span& span);

nlohmann::json json_view(const Resource& resource);
nlohmann::json json_view(const Scope& scope);
nlohmann::json json_view(const ResourceSpans& resource_spans);

/// The document as text. Bytes that are not valid UTF-8 are replaced by U+FFFD.
std::string to_text(const nlohmann::json& document);

}  // namespace judgeval::encode
