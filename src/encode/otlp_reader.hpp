// Reads an OTLP ExportTraceServiceRequest into plain structs, one struct for each message of the OTLP trace
// schema. The bytes come from outside and are trusted in nothing: whatever is wrong with them is told as a
// value, with a message for whoever sent them. The functions keep no state, so any thread may call them on
// bytes it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace judgeval::encode {

/// Attribute values nested deeper than this are refused as malformed.
inline constexpr int kMaximumValueDepth = 32;

struct AnyValue;
struct KeyValue;

/// Raw bytes, kept apart from text: text is checked to be UTF-8, bytes are not.
struct Bytes {
    std::string data;
};

/// An attribute's value. `std::monostate` is a value of which no alternative was set.
struct AnyValue {
    std::variant<std::monostate, std::string, bool, std::int64_t, double, Bytes, std::vector<AnyValue>,
                 std::vector<KeyValue>>
        value;
};

struct KeyValue {
    std::string key;
    AnyValue value;
};

using Attributes = std::vector<KeyValue>;

struct Event {
    std::uint64_t time_unix_nano = 0;
    std::string name;
    Attributes attributes;
    std::uint32_t dropped_attributes_count = 0;
};

struct Link {
    std::string trace_id;
    std::string span_id;
    std::string trace_state;
    Attributes attributes;
    std::uint32_t dropped_attributes_count = 0;
    std::uint32_t flags = 0;
};

enum class StatusCode : std::int32_t { unset = 0, ok = 1, error = 2 };

struct Status {
    StatusCode code = StatusCode::unset;
    std::string message;
};

struct Span {
    std::string trace_id;        ///< 16 bytes
    std::string span_id;         ///< 8 bytes
    std::string parent_span_id;  ///< 8 bytes, or empty for a root span
    std::string trace_state;
    std::string name;
    std::int32_t kind = 0;
    std::uint32_t flags = 0;
    std::uint64_t start_time_unix_nano = 0;
    std::uint64_t end_time_unix_nano = 0;
    Attributes attributes;
    std::uint32_t dropped_attributes_count = 0;
    std::vector<Event> events;
    std::uint32_t dropped_events_count = 0;
    std::vector<Link> links;
    std::uint32_t dropped_links_count = 0;
    Status status;

    /// Why a receiver must reject this span (an invalid id, text that is not UTF-8); empty when there is
    /// nothing to object to.
    std::string rejection;

    /// The Span message as it was received. Points into the bytes that were read and lives as long as they
    /// do. Empty when the span came in another encoding.
    std::string_view encoded;

    bool is_root() const { return parent_span_id.empty(); }
};

struct Scope {
    std::string name;
    std::string version;
    Attributes attributes;
    std::uint32_t dropped_attributes_count = 0;
};

struct ScopeSpans {
    Scope scope;
    std::string schema_url;
    std::vector<Span> spans;
};

struct Resource {
    Attributes attributes;
    std::uint32_t dropped_attributes_count = 0;
};

struct ResourceSpans {
    Resource resource;
    std::string schema_url;
    std::vector<ScopeSpans> scope_spans;
};

struct TraceRequest {
    std::vector<ResourceSpans> resource_spans;
};

/// What was read, or why it could not be.
template <typename Message>
struct ReadResult {
    std::optional<Message> message;
    std::string error;  ///< empty exactly when `message` holds a value
};

/// Reads a whole ExportTraceServiceRequest. A request that is not well-formed protobuf, nests values too
/// deeply, or has text in a resource or scope that is not UTF-8 is an error as a whole; what is wrong with a
/// single span is told in `Span::rejection`. Unknown fields are skipped. Does not throw, except
/// std::bad_alloc.
ReadResult<TraceRequest> read_trace_request(std::string_view bytes);

/// Reads one Span message, such as `Span::encoded`; same rules.
ReadResult<Span> read_span(std::string_view bytes);

/// The last attribute of that key, as a later value replaces an earlier one; nullptr when there is none.
const AnyValue* find_attribute(const Attributes& attributes, std::string_view key);

}  // namespace judgeval::encode
