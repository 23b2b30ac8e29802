// The FlatBuffers reader: any bytes are read where they lie or refused with a reason; aligned or not, what is
// read is the same, no more text than stated is copied, and written again as FlatBuffers or OTLP it is read
// as the same. The input is taken for OTLP, too, and what that says must survive the way through FlatBuffers.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "encode/flatbuffers_reader.hpp"
#include "encode/flatbuffers_writer.hpp"
#include "encode/otlp_reader.hpp"
#include "encode/otlp_writer.hpp"
#include "readings.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

std::size_t text_bytes(const encode::Attributes& attributes);

std::size_t text_bytes(const encode::AnyValue& value) {
    std::size_t bytes = 0;
    if (const auto* const text = std::get_if<std::string>(&value.value)) bytes += text->size();
    if (const auto* const raw = std::get_if<encode::Bytes>(&value.value)) bytes += raw->data.size();
    if (const auto* const elements = std::get_if<std::vector<encode::AnyValue>>(&value.value)) {
        for (const encode::AnyValue& element : *elements) bytes += text_bytes(element);
    }
    if (const auto* const entries = std::get_if<std::vector<encode::KeyValue>>(&value.value)) {
        bytes += text_bytes(*entries);
    }
    return bytes;
}

std::size_t text_bytes(const encode::Attributes& attributes) {
    std::size_t bytes = 0;
    for (const encode::KeyValue& attribute : attributes) {
        bytes += attribute.key.size() + text_bytes(attribute.value);
    }
    return bytes;
}

std::size_t text_bytes(const encode::ResourceSpans& batch) {
    std::size_t bytes = text_bytes(batch.resource.attributes) + batch.schema_url.size();
    for (const encode::ScopeSpans& scope : batch.scope_spans) {
        bytes += scope.scope.name.size() + scope.scope.version.size() + scope.schema_url.size() +
                 text_bytes(scope.scope.attributes);
        for (const encode::Span& span : scope.spans) {
            bytes += span.trace_state.size() + span.name.size() + span.status.message.size() +
                     text_bytes(span.attributes);
            for (const encode::Event& event : span.events) {
                bytes += event.name.size() + text_bytes(event.attributes);
            }
            for (const encode::Link& link : span.links) {
                bytes += link.trace_state.size() + text_bytes(link.attributes);
            }
        }
    }
    return bytes;
}

/// Buffer by buffer, also behind a bad one.
void check_buffers(std::string_view input) {
    encode::FlatBuffersReader reader(input);
    const char* before = input.data();
    while (!reader.is_at_end()) {
        const flat::SpanBatch* const batch = reader.next();
        require((batch != nullptr) == reader.error().empty(), "a buffer that is refused is told why");
        if (batch == nullptr) continue;
        const std::string_view buffer = reader.buffer();
        require(buffer.data() >= before && buffer.data() + buffer.size() <= input.data() + input.size(),
                "a buffer lies in the bytes that were read, behind the one before");
        before = buffer.data() + buffer.size();

        constexpr std::size_t kMost = std::size_t{1} << 20U;
        std::size_t left = kMost;
        const auto read = encode::read_span_batch(*batch, left);
        require(read.error.empty() == read.message.has_value(), "a batch that is refused is told why");
        if (!read.message) continue;
        const std::size_t texts = text_bytes(*read.message);
        require(texts == kMost - left, "every text that is copied is counted");
        std::size_t enough = texts;
        require(encode::read_span_batch(*batch, enough).message.has_value(),
                "a limit of all texts is enough");
        if (texts == 0) continue;
        std::size_t too_little = texts - 1;
        require(!encode::read_span_batch(*batch, too_little).message, "a limit of one byte less is not");
    }
}

/// The same, as the reader of a body hands it out: a resource for each scope.
encode::TraceRequest one_scope_each(const encode::TraceRequest& request) {
    encode::TraceRequest result;
    for (const encode::ResourceSpans& resource_spans : request.resource_spans) {
        for (const encode::ScopeSpans& scope_spans : resource_spans.scope_spans) {
            result.resource_spans.push_back(
                {resource_spans.resource, resource_spans.schema_url, {scope_spans}});
        }
    }
    return result;
}

void require_same(const encode::TraceRequest& request,
                  const encode::ReadResult<encode::TraceRequest>& other) {
    require(other.message.has_value(), "what was written can be read: " + other.error);
    require(encode::write_trace_request(*other.message) == encode::write_trace_request(request),
            "what was written is read as it was");
}

/// By way of FlatBuffers and back; not when an id has a length that these do not hold.
void check_round_trip(const encode::TraceRequest& request) {
    const std::string body = encode::write_flatbuffers(request);
    bool is_fit = true;
    for (const encode::ResourceSpans& resource_spans : request.resource_spans) {
        for (const encode::Span& span : resource_spans.scope_spans.at(0).spans)
            is_fit &= span.rejection.empty();
    }
    require(!body.empty() || !is_fit || request.resource_spans.empty(), "spans that are fit can be written");
    if (body.empty()) return;
    require(encode::is_flatbuffers(body), "a body begins as one");
    require_same(request, encode::read_flatbuffers(body));
}

void check(std::string_view input) {
    check_buffers(input);
    const auto read = encode::read_flatbuffers(input);
    require(read.error.empty() == read.message.has_value(), "a body that is refused is told why");
    const std::string moved = "x" + std::string(input);
    const auto unaligned = encode::read_flatbuffers(std::string_view(moved).substr(1));
    require(unaligned.error == read.error, "what cannot be read cannot be read anywhere");
    if (read.message) {
        require_same(*read.message, unaligned);
        for (const encode::ResourceSpans& resource_spans : read.message->resource_spans) {
            require_fit(resource_spans);
        }
        check_round_trip(*read.message);
        require_same(*read.message, encode::read_trace_request(encode::write_trace_request(*read.message)));
    }
    if (const auto otlp = encode::read_trace_request(input); otlp.message) {
        check_round_trip(one_scope_each(*otlp.message));
    }
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    judgeval::fuzz::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
