// See flatbuffers_writer.hpp. Children are written before what refers to them, as FlatBuffers demand; what is
// absent or empty is left out.
#include "encode/flatbuffers_writer.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <variant>

namespace judgeval::encode {
namespace {

using flatbuffers::Offset;
using flatbuffers::String;

/// Memory beyond this is given back before the next buffer: one large span must not cost its size for ever.
constexpr std::size_t kKeptBytes = std::size_t{1} << 20U;

template <typename Id>
constexpr std::size_t kLength = sizeof(Id);

template <typename Id>
Id id_of(const std::string& bytes) {
    static_assert(std::is_trivially_copyable_v<Id>);
    Id id;
    std::memcpy(&id, bytes.data(), kLength<Id>);
    return id;
}

bool has_valid_lengths(const Span& span) {
    return span.trace_id.size() == kLength<flat::TraceId> && span.span_id.size() == kLength<flat::SpanId> &&
           (span.parent_span_id.empty() || span.parent_span_id.size() == kLength<flat::SpanId>)&&std::all_of(
               span.links.begin(), span.links.end(), [](const Link& link) {
                   return link.trace_id.size() == kLength<flat::TraceId> &&
                          link.span_id.size() == kLength<flat::SpanId>;
               });
}

}  // namespace

Offset<String> FlatBuffersWriter::text(const std::string& text) {
    return text.empty() ? Offset<String>{} : builder_.CreateString(text);
}

/// For what many spans say: keys and names are in a buffer once.
Offset<String> FlatBuffersWriter::shared_text(const std::string& text) {
    return text.empty() ? Offset<String>{} : builder_.CreateSharedString(text);
}

Offset<flat::KeyValue> FlatBuffersWriter::value(const std::string& key, const AnyValue& value) {
    const Offset<String> shared_key = shared_text(key);
    return std::visit(
        [&](const auto& held) {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, std::string>) {
                // not text(): an empty string is a value
                const auto string = builder_.CreateString(held);
                flat::KeyValueBuilder pair{builder_};
                pair.add_string_value(string);
                pair.add_key(shared_key);
                pair.add_type(flat::ValueType::String);
                return pair.Finish();
            } else if constexpr (std::is_same_v<Held, Bytes>) {
                const auto bytes = builder_.CreateVector(
                    reinterpret_cast<const std::uint8_t*>(held.data.data()), held.data.size());
                flat::KeyValueBuilder pair{builder_};
                pair.add_bytes_value(bytes);
                pair.add_key(shared_key);
                pair.add_type(flat::ValueType::Bytes);
                return pair.Finish();
            } else if constexpr (std::is_same_v<Held, std::vector<AnyValue>>) {
                std::vector<Offset<flat::KeyValue>> offsets;
                offsets.reserve(held.size());
                for (const AnyValue& element : held) {
                    offsets.push_back(this->value({}, element));
                }
                const auto elements = builder_.CreateVector(offsets);
                flat::KeyValueBuilder pair{builder_};
                pair.add_array_value(elements);
                pair.add_key(shared_key);
                pair.add_type(flat::ValueType::Array);
                return pair.Finish();
            } else if constexpr (std::is_same_v<Held, std::vector<KeyValue>>) {
                const auto entries = attributes(held);
                flat::KeyValueBuilder pair{builder_};
                pair.add_kvlist_value(entries);
                pair.add_key(shared_key);
                pair.add_type(flat::ValueType::KeyValueList);
                return pair.Finish();
            } else {
                flat::KeyValueBuilder pair{builder_};
                if constexpr (std::is_same_v<Held, bool>) {
                    pair.add_key(shared_key);
                    pair.add_bool_value(held);
                    pair.add_type(flat::ValueType::Bool);
                } else if constexpr (std::is_same_v<Held, std::int64_t>) {
                    pair.add_int_value(held);
                    pair.add_key(shared_key);
                    pair.add_type(flat::ValueType::Int);
                } else if constexpr (std::is_same_v<Held, double>) {
                    pair.add_double_value(held);
                    pair.add_key(shared_key);
                    pair.add_type(flat::ValueType::Double);
                } else {
                    pair.add_key(shared_key);
                }
                return pair.Finish();
            }
        },
        value.value);
}

FlatBuffersWriter::Attributes FlatBuffersWriter::attributes(const encode::Attributes& attributes) {
    if (attributes.empty()) {
        return {};
    }
    std::vector<Offset<flat::KeyValue>> offsets;
    offsets.reserve(attributes.size());
    for (const KeyValue& attribute : attributes) {
        offsets.push_back(value(attribute.key, attribute.value));
    }
    return builder_.CreateVector(offsets);
}

void FlatBuffersWriter::begin(const ResourceSpans& resource, const ScopeSpans& scope) {
    if (builder_.GetSize() > kKeptBytes) {
        builder_.Reset();  // with its memory
    } else {
        builder_.Clear();
    }
    spans_.clear();
    resource_ = flat::CreateResource(builder_, attributes(resource.resource.attributes),
                                     resource.resource.dropped_attributes_count);
    resource_schema_url_ = text(resource.schema_url);
    const auto name = text(scope.scope.name);
    const auto version = text(scope.scope.version);
    scope_ = flat::CreateScope(builder_, name, version, attributes(scope.scope.attributes),
                               scope.scope.dropped_attributes_count);
    scope_schema_url_ = text(scope.schema_url);
}

bool FlatBuffersWriter::add(const Span& span) {
    if (!has_valid_lengths(span)) {
        return false;
    }
    std::vector<Offset<flat::Event>> events;
    for (const Event& event : span.events) {
        const auto name = shared_text(event.name);
        events.push_back(flat::CreateEvent(builder_, event.time_unix_nano, name, attributes(event.attributes),
                                           event.dropped_attributes_count));
    }
    std::vector<Offset<flat::Link>> links;
    for (const Link& link : span.links) {
        const auto trace_id = id_of<flat::TraceId>(link.trace_id);
        const auto span_id = id_of<flat::SpanId>(link.span_id);
        const auto trace_state = text(link.trace_state);
        links.push_back(flat::CreateLink(builder_, &trace_id, &span_id, trace_state,
                                         attributes(link.attributes), link.dropped_attributes_count,
                                         link.flags));
    }
    const auto event_vector =
        events.empty() ? decltype(builder_.CreateVector(events)){} : builder_.CreateVector(events);
    const auto link_vector =
        links.empty() ? decltype(builder_.CreateVector(links)){} : builder_.CreateVector(links);
    const auto pairs = attributes(span.attributes);
    const auto trace_id = id_of<flat::TraceId>(span.trace_id);
    const auto span_id = id_of<flat::SpanId>(span.span_id);
    const auto parent_span_id = span.is_root() ? flat::SpanId{} : id_of<flat::SpanId>(span.parent_span_id);
    const auto trace_state = text(span.trace_state);
    const auto name = shared_text(span.name);
    const auto status_message = text(span.status.message);
    spans_.push_back(flat::CreateSpan(
        builder_, &trace_id, &span_id, span.is_root() ? nullptr : &parent_span_id, trace_state, span.flags,
        name, span.kind, span.start_time_unix_nano, span.end_time_unix_nano, pairs,
        span.dropped_attributes_count, event_vector, span.dropped_events_count, link_vector,
        span.dropped_links_count, static_cast<std::int32_t>(span.status.code), status_message));
    return true;
}

std::string_view FlatBuffersWriter::finish() {
    const auto spans = builder_.CreateVector(spans_);
    builder_.FinishSizePrefixed(
        flat::CreateSpanBatch(builder_, resource_, resource_schema_url_, scope_, scope_schema_url_, spans),
        flat::SpanBatchIdentifier());
    return {reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()};
}

std::string write_flatbuffers(const TraceRequest& request) {
    FlatBuffersWriter writer;
    std::string body;
    for (const ResourceSpans& resource : request.resource_spans) {
        for (const ScopeSpans& scope : resource.scope_spans) {
            writer.begin(resource, scope);
            for (const Span& span : scope.spans) {
                if (!writer.add(span)) {
                    return {};
                }
            }
            body += writer.finish();
        }
    }
    return body;
}

}  // namespace judgeval::encode
