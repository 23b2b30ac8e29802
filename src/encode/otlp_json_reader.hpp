// Reads OTLP/JSON, the encoding of an ExportTraceServiceRequest that JavaScript's exporters send, by writing
// it as Protobuf: what is wrong with its spans is then for the OTLP reader to say. Ids are in hexadecimal,
// 64-bit integers are text or numbers, enumerations numbers, bytes in base64; null is as good as nothing, and
// names that are not known are skipped. Cold path, no state, any thread; the text is trusted in nothing.
#pragma once

#include <string>
#include <string_view>

#include "encode/otlp_reader.hpp"

namespace judgeval::encode {

/// The request as Protobuf, or why the text is none. Does not throw, except std::bad_alloc.
ReadResult<std::string> protobuf_from_json(std::string_view text);

}  // namespace judgeval::encode
