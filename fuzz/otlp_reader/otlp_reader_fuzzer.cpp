// The OTLP reader: any bytes are read or refused with a reason; what was read twice is the same, and written
// again it is read as the same; what the reader does not object to is fit for a receiver.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encode/json_view.hpp"
#include "encode/otlp_reader.hpp"
#include "encode/otlp_writer.hpp"
#include "readings.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

/// A varint of at most ten bytes off the front; nothing when there is none.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7FU} << shift;
        if (byte < 0x80) return value;
    }
    return std::nullopt;
}

/// True when the bytes are whole fields, by the protobuf encoding's own rules.
bool are_fields(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto tag = take_varint(bytes);
        if (!tag) return false;
        std::optional<std::uint64_t> size;
        switch (*tag & 7U) {
            case 0:
                if (!take_varint(bytes)) return false;
                size = 0;
                break;
            case 1:
                size = 8;
                break;
            case 2:
                size = take_varint(bytes);
                break;
            case 5:
                size = 4;
                break;
            default:
                break;
        }
        if (!size || *size > bytes.size()) return false;
        bytes.remove_prefix(*size);
    }
    return true;
}

void check(const encode::Span& span, std::string_view input) {
    require(are_fields(span.encoded), "a span that is read is whole");
    require(span.encoded.data() >= input.data() &&
                span.encoded.data() + span.encoded.size() <= input.data() + input.size(),
            "a span points into the bytes that were read");
    const auto alone = encode::read_span(span.encoded);
    require(alone.message && alone.error.empty(), "a span of a request can be read alone");
    require(encode::write_span(*alone.message) == encode::write_span(span) &&
                alone.message->rejection == span.rejection,
            "a span read alone is the same");
    const nlohmann::json view = encode::json_view(span);
    const nlohmann::json parsed = nlohmann::json::parse(encode::to_text(view));
    require(!span.rejection.empty() || parsed == view, "the JSON view's text says what the view says");
}

/// All of them in order; a resource or scope without a span may be left out when a request is written.
std::vector<const encode::Span*> spans_of(const encode::TraceRequest& request) {
    std::vector<const encode::Span*> spans;
    for (const encode::ResourceSpans& resource_spans : request.resource_spans) {
        for (const encode::ScopeSpans& scope_spans : resource_spans.scope_spans) {
            for (const encode::Span& span : scope_spans.spans) spans.push_back(&span);
        }
    }
    return spans;
}

void check(std::string_view input) {
    const auto read = encode::read_trace_request(input);
    const auto again = encode::read_trace_request(input);
    require(read.error.empty() == read.message.has_value(), "what cannot be read is told why");
    require(again.error == read.error, "what cannot be read twice is told the same");
    if (!read.message) return;
    require(are_fields(input), "a request that is read is whole");
    const std::string bytes = encode::write_trace_request(*read.message);
    require(encode::write_trace_request(*again.message) == bytes, "what is read twice is the same");

    const auto reread = encode::read_trace_request(bytes);
    require(reread.message.has_value(), "what was written can be read");
    require(encode::write_trace_request(*reread.message) == bytes, "what was written is read as it was");
    for (const encode::ResourceSpans& resource_spans : read.message->resource_spans) {
        require_fit(resource_spans);
        static_cast<void>(encode::to_text(encode::json_view(resource_spans.resource)));
        for (const encode::ScopeSpans& scope_spans : resource_spans.scope_spans) {
            static_cast<void>(encode::to_text(encode::json_view(scope_spans.scope)));
        }
    }
    const auto spans = spans_of(*read.message);
    const auto copies = spans_of(*reread.message);
    require(spans.size() == copies.size(), "every span is written");
    for (std::size_t i = 0; i < spans.size(); ++i) {
        check(*spans[i], input);
        // the other way round does not hold: a later value may have replaced a wrong one
        require(!spans[i]->rejection.empty() || copies[i]->rejection.empty(),
                "what was not objected to is not objected to when written again");
    }
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    judgeval::fuzz::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
