// OTLP/JSON: any text is refused with a reason, or becomes Protobuf, which written as JSON again becomes the
// same Protobuf.
#include <cstdint>
#include <string_view>

#include "encode/otlp_json.hpp"
#include "encode/otlp_json_reader.hpp"
#include "encode/otlp_writer.hpp"
#include "require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace judgeval;
    using fuzz::require;
    const auto protobuf = encode::protobuf_from_json({reinterpret_cast<const char*>(data), size});
    require(protobuf.error.empty() == protobuf.message.has_value(), "a refusal has its reason");
    if (!protobuf.message) return 0;
    const auto read = encode::read_trace_request(*protobuf.message);
    require(read.error.empty() == read.message.has_value(), "a refusal has its reason");
    if (!read.message) return 0;
    for (const encode::ResourceSpans& spans : read.message->resource_spans) {
        const auto again = encode::protobuf_from_json(encode::to_text(encode::otlp_json(spans)));
        require(again.message.has_value(), "what was written is read");
        require(*again.message == encode::write_trace_request({{spans}}),
                "what was written is read as the same");
    }
    return 0;
}
