// See flatbuffers_reader.hpp. Once a buffer is verified, its tables can be followed without a further check
// of bounds; what the verifier does not know is checked here: texts, ids, nesting, and how much is copied.
#include "encode/flatbuffers_reader.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "encode/objection.hpp"

namespace judgeval::encode {
namespace {

constexpr std::size_t kPrefixBytes = sizeof(flatbuffers::uoffset_t);
/// Size, offset of the root, identifier; anything shorter is not even looked at by the verifier.
constexpr std::size_t kLeastBytes = kPrefixBytes + 2 * sizeof(flatbuffers::uoffset_t);
/// A table takes at least so many bytes, with the offset that leads to it. More tables than that are the same
/// ones, referred to again and again.
constexpr std::size_t kLeastTableBytes = 2 * sizeof(flatbuffers::uoffset_t);
/// Batch, span and event stand above the outermost value. One level more is let through, for the message that
/// says what is wrong.
constexpr int kMaximumTableDepth = 3 + kMaximumValueDepth + 1;

/// A buffer that is verified, yet not to be accepted.
class RefusedBatch : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <typename Item, typename Use>
void each(const flatbuffers::Vector<flatbuffers::Offset<Item>>* items, Use use) {
    if (items != nullptr) {
        for (const Item* item : *items) {
            use(*item);
        }
    }
}

template <typename Items>
std::size_t count(const Items* items) {
    return items == nullptr ? 0 : items->size();
}

template <typename Id>
std::string id_of(const Id* id) {
    return id == nullptr ? std::string{}
                         : std::string{reinterpret_cast<const char*>(id->bytes()->data()), sizeof(Id)};
}

/// Copies a batch out of its buffer.
class Copy {
  public:
    explicit Copy(std::size_t& text_bytes_left) : text_bytes_left_{text_bytes_left} {}

    ResourceSpans resource_spans(const flat::SpanBatch& batch) {
        ResourceSpans result;
        ScopeSpans& scope_spans = result.scope_spans.emplace_back();
        if (const flat::Resource* const resource = batch.resource()) {
            result.resource.attributes = attributes(resource->attributes());
            result.resource.dropped_attributes_count = resource->dropped_attributes_count();
        }
        result.schema_url = text(batch.resource_schema_url(), "a schema URL");
        if (const flat::Scope* const scope = batch.scope()) {
            scope_spans.scope.name = text(scope->name(), "the scope's name");
            scope_spans.scope.version = text(scope->version(), "the scope's version");
            scope_spans.scope.attributes = attributes(scope->attributes());
            scope_spans.scope.dropped_attributes_count = scope->dropped_attributes_count();
        }
        scope_spans.schema_url = text(batch.scope_schema_url(), "a schema URL");
        if (!objection_.reason.empty()) {
            throw RefusedBatch{"in the resource or scope, " + objection_.reason};
        }
        scope_spans.spans.reserve(count(batch.spans()));
        each(batch.spans(), [&](const flat::Span& span) { scope_spans.spans.push_back(this->span(span)); });
        return result;
    }

  private:
    std::string bytes(const void* data, std::size_t size) {
        if (size > text_bytes_left_) {
            throw RefusedBatch{"the texts amount to more than is taken"};
        }
        text_bytes_left_ -= size;
        return {static_cast<const char*>(data), size};
    }

    std::string text(const flatbuffers::String* string, std::string_view what) {
        if (string == nullptr) {
            return {};
        }
        objection_.check_text(string->string_view(), what);
        return bytes(string->data(), string->size());
    }

    AnyValue value(const flat::KeyValue& pair, int depth) {
        if (depth > kMaximumValueDepth) {
            throw RefusedBatch{"an attribute value is nested more than " +
                               std::to_string(kMaximumValueDepth) + " levels deep"};
        }
        switch (pair.type()) {
            case flat::ValueType::String:
                return {text(pair.string_value(), "an attribute's text")};
            case flat::ValueType::Bool:
                return {pair.bool_value()};
            case flat::ValueType::Int:
                return {pair.int_value()};
            case flat::ValueType::Double:
                return {pair.double_value().value_or(0.0)};
            case flat::ValueType::Bytes:
                return {pair.bytes_value() == nullptr
                            ? Bytes{}
                            : Bytes{bytes(pair.bytes_value()->data(), pair.bytes_value()->size())}};
            case flat::ValueType::Array: {
                std::vector<AnyValue> elements;
                elements.reserve(count(pair.array_value()));
                each(pair.array_value(),
                     [&](const flat::KeyValue& element) { elements.push_back(value(element, depth + 1)); });
                return {std::move(elements)};
            }
            case flat::ValueType::KeyValueList:
                return {attributes(pair.kvlist_value(), depth + 1)};
            case flat::ValueType::None:
                break;
        }
        return {};  // also a type that a later version of the schema may bring
    }

    Attributes attributes(const flatbuffers::Vector<flatbuffers::Offset<flat::KeyValue>>* pairs,
                          int depth = 1) {
        Attributes result;
        result.reserve(count(pairs));
        each(pairs, [&](const flat::KeyValue& pair) {
            result.push_back({text(pair.key(), "an attribute's key"), value(pair, depth)});
        });
        return result;
    }

    Event event(const flat::Event& event) {
        return {.time_unix_nano = event.time_unix_nano(),
                .name = text(event.name(), "an event's name"),
                .attributes = attributes(event.attributes()),
                .dropped_attributes_count = event.dropped_attributes_count()};
    }

    Link link(const flat::Link& link) {
        Link result{.trace_id = id_of(link.trace_id()),
                    .span_id = id_of(link.span_id()),
                    .trace_state = text(link.trace_state(), "a link's trace state"),
                    .attributes = attributes(link.attributes()),
                    .dropped_attributes_count = link.dropped_attributes_count(),
                    .flags = link.flags()};
        objection_.check_id(result.trace_id, 16, "a link's trace id");
        objection_.check_id(result.span_id, 8, "a link's span id");
        return result;
    }

    Span span(const flat::Span& span) {
        objection_ = {};
        Span result;
        result.trace_id = id_of(span.trace_id());
        result.span_id = id_of(span.span_id());
        result.parent_span_id = id_of(span.parent_span_id());
        result.trace_state = text(span.trace_state(), "the trace state");
        result.flags = span.flags();
        result.name = text(span.name(), "the span's name");
        result.kind = span.kind();
        result.start_time_unix_nano = span.start_time_unix_nano();
        result.end_time_unix_nano = span.end_time_unix_nano();
        result.attributes = attributes(span.attributes());
        result.dropped_attributes_count = span.dropped_attributes_count();
        result.events.reserve(count(span.events()));
        each(span.events(), [&](const flat::Event& event) { result.events.push_back(this->event(event)); });
        result.dropped_events_count = span.dropped_events_count();
        result.links.reserve(count(span.links()));
        each(span.links(), [&](const flat::Link& link) { result.links.push_back(this->link(link)); });
        result.dropped_links_count = span.dropped_links_count();
        result.status.code = static_cast<StatusCode>(span.status_code());
        result.status.message = text(span.status_message(), "a status message");
        objection_.check_id(result.trace_id, 16, "the trace id");
        objection_.check_id(result.span_id, 8, "the span id");
        objection_.check_parent_id(result.parent_span_id);
        result.rejection = std::move(objection_.reason);
        return result;
    }

    std::size_t& text_bytes_left_;
    Objection objection_;
};

}  // namespace

const flat::SpanBatch* FlatBuffersReader::next() {
    error_.clear();
    buffer_ = {};
    if (rest_.empty()) {
        return nullptr;
    }
    flatbuffers::uoffset_t size = 0;
    if (rest_.size() >= kPrefixBytes) {
        std::memcpy(&size, rest_.data(), kPrefixBytes);
        size = flatbuffers::EndianScalar(size);
    }
    if (rest_.size() < kPrefixBytes || size > rest_.size() - kPrefixBytes) {
        error_ = "malformed FlatBuffers: a buffer reaches beyond the end";
        rest_ = {};
        return nullptr;
    }
    const std::string_view buffer = rest_.substr(0, kPrefixBytes + size);
    rest_.remove_prefix(buffer.size());

    const auto* begin = reinterpret_cast<const std::uint8_t*>(buffer.data());
    if (reinterpret_cast<std::uintptr_t>(begin) % alignof(std::uint64_t) != 0) {
        aligned_.resize(buffer.size() / sizeof(std::uint64_t) + 1);
        std::memcpy(aligned_.data(), buffer.data(), buffer.size());
        begin = reinterpret_cast<const std::uint8_t*>(aligned_.data());
    }
    bool is_valid = buffer.size() >= kLeastBytes && buffer.size() < FLATBUFFERS_MAX_BUFFER_SIZE;
    if (is_valid) {
        flatbuffers::Verifier verifier{
            begin, buffer.size(), kMaximumTableDepth,
            static_cast<flatbuffers::uoffset_t>(buffer.size() / kLeastTableBytes + 1)};
        is_valid = flat::VerifySizePrefixedSpanBatchBuffer(verifier);
    }
    if (!is_valid) {
        error_ = "malformed FlatBuffers: a buffer that is no batch of spans";
        return nullptr;
    }
    buffer_ = buffer;
    return flat::GetSizePrefixedSpanBatch(begin);
}

ReadResult<ResourceSpans> read_span_batch(const flat::SpanBatch& batch, std::size_t& text_bytes_left) {
    try {
        return {Copy{text_bytes_left}.resource_spans(batch), {}};
    } catch (const RefusedBatch& refused) {
        return {std::nullopt, refused.what()};
    }
}

ReadResult<TraceRequest> read_flatbuffers(std::string_view bytes, std::size_t maximum_text_bytes) {
    FlatBuffersReader reader{bytes};
    TraceRequest request;
    while (const flat::SpanBatch* const batch = reader.next()) {
        ReadResult<ResourceSpans> read = read_span_batch(*batch, maximum_text_bytes);
        if (!read.message) {
            return {std::nullopt, std::move(read.error)};
        }
        request.resource_spans.push_back(std::move(*read.message));
    }
    if (!reader.error().empty()) {
        return {std::nullopt, reader.error()};
    }
    return {std::move(request), {}};
}

bool is_flatbuffers(std::string_view bytes) {
    constexpr std::size_t kIdentifierAt = kPrefixBytes + sizeof(flatbuffers::uoffset_t);
    constexpr std::size_t kIdentifierBytes = 4;
    return bytes.size() >= kIdentifierAt + kIdentifierBytes &&
           bytes.substr(kIdentifierAt, kIdentifierBytes) == flat::SpanBatchIdentifier();
}

}  // namespace judgeval::encode
