// Each read_* function below reads one message of the OTLP schema into the struct it is given, so that a
// message that arrives in several pieces is merged, as protobuf demands. A field with a known number but
// another wire type is skipped like an unknown one. Protozero reports broken bytes by exceptions; `guarded`
// turns them into values.
#include "encode/otlp_reader.hpp"

#include <algorithm>
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>
#include <stdexcept>
#include <utility>

#include "encode/objection.hpp"

namespace judgeval::encode {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

/// A request that is well-formed protobuf, yet not to be accepted.
class RefusedRequest : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

constexpr std::uint32_t varint_field(std::uint32_t number) {
    return tag_and_type(number, pbf_wire_type::varint);
}
constexpr std::uint32_t fixed64_field(std::uint32_t number) {
    return tag_and_type(number, pbf_wire_type::fixed64);
}
constexpr std::uint32_t fixed32_field(std::uint32_t number) {
    return tag_and_type(number, pbf_wire_type::fixed32);
}
constexpr std::uint32_t length_field(std::uint32_t number) {
    return tag_and_type(number, pbf_wire_type::length_delimited);
}

/// Protozero reads a length modulo 2^32. A longer one must not pass as a short one.
void check_length(const pbf_reader& reader) {
    const protozero::data_view rest = reader.data();
    const char* position = rest.data();
    const char* const end = position + rest.size();
    const std::uint64_t length = protozero::decode_varint(&position, end);
    if (length > static_cast<std::uint64_t>(end - position)) {
        throw protozero::end_of_buffer_exception{};
    }
}

std::string_view bytes_of(pbf_reader& reader) {
    check_length(reader);
    const protozero::data_view view = reader.get_view();
    return {view.data(), view.size()};
}

pbf_reader message_of(pbf_reader& reader) {
    check_length(reader);
    return reader.get_message();
}

void skip_field(pbf_reader& reader) {
    if (reader.wire_type() == pbf_wire_type::length_delimited) {
        check_length(reader);
    }
    reader.skip();
}

/// Read as an integer: protozero's own bool looks at the first byte only and gets a padded varint wrong.
bool bool_of(pbf_reader& reader) { return reader.get_uint64() != 0; }

std::string text_of(pbf_reader& reader, Objection& objection, std::string_view what) {
    const std::string_view text = bytes_of(reader);
    objection.check_text(text, what);
    return std::string{text};
}

void read_key_value(pbf_reader reader, KeyValue& result, Objection& objection, int depth);

void read_any_value(pbf_reader reader, AnyValue& result, Objection& objection, int depth) {
    if (depth > kMaximumValueDepth) {
        throw RefusedRequest{"an attribute value is nested more than " + std::to_string(kMaximumValueDepth) +
                             " levels deep"};
    }
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(1):
                result.value = text_of(reader, objection, "an attribute's text");
                break;
            case varint_field(2):
                result.value = bool_of(reader);
                break;
            case varint_field(3):
                result.value = reader.get_int64();
                break;
            case fixed64_field(4):
                result.value = reader.get_double();
                break;
            case length_field(5): {
                std::vector<AnyValue> elements;
                for (pbf_reader array = message_of(reader); array.next();) {
                    if (array.tag_and_type() == length_field(1)) {
                        read_any_value(message_of(array), elements.emplace_back(), objection, depth + 1);
                    } else {
                        skip_field(array);
                    }
                }
                result.value = std::move(elements);
                break;
            }
            case length_field(6): {
                std::vector<KeyValue> entries;
                for (pbf_reader list = message_of(reader); list.next();) {
                    if (list.tag_and_type() == length_field(1)) {
                        read_key_value(message_of(list), entries.emplace_back(), objection, depth + 1);
                    } else {
                        skip_field(list);
                    }
                }
                result.value = std::move(entries);
                break;
            }
            case length_field(7):
                result.value = Bytes{std::string{bytes_of(reader)}};
                break;
            default:
                skip_field(reader);
        }
    }
}

void read_key_value(pbf_reader reader, KeyValue& result, Objection& objection, int depth) {
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(1):
                result.key = text_of(reader, objection, "an attribute's key");
                break;
            case length_field(2):
                read_any_value(message_of(reader), result.value, objection, depth);
                break;
            default:
                skip_field(reader);
        }
    }
}

void read_attribute(pbf_reader reader, Attributes& attributes, Objection& objection) {
    constexpr std::size_t kUsualCount = 8;
    if (attributes.empty()) {
        attributes.reserve(kUsualCount);
    }
    read_key_value(reader, attributes.emplace_back(), objection, 1);
}

void read_event(pbf_reader reader, Event& event, Objection& objection) {
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case fixed64_field(1):
                event.time_unix_nano = reader.get_fixed64();
                break;
            case length_field(2):
                event.name = text_of(reader, objection, "an event's name");
                break;
            case length_field(3):
                read_attribute(message_of(reader), event.attributes, objection);
                break;
            case varint_field(4):
                event.dropped_attributes_count = reader.get_uint32();
                break;
            default:
                skip_field(reader);
        }
    }
}

void read_link(pbf_reader reader, Link& link, Objection& objection) {
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(1):
                link.trace_id = bytes_of(reader);
                break;
            case length_field(2):
                link.span_id = bytes_of(reader);
                break;
            case length_field(3):
                link.trace_state = text_of(reader, objection, "a link's trace state");
                break;
            case length_field(4):
                read_attribute(message_of(reader), link.attributes, objection);
                break;
            case varint_field(5):
                link.dropped_attributes_count = reader.get_uint32();
                break;
            case fixed32_field(6):
                link.flags = reader.get_fixed32();
                break;
            default:
                skip_field(reader);
        }
    }
    objection.check_id(link.trace_id, 16, "a link's trace id");
    objection.check_id(link.span_id, 8, "a link's span id");
}

void read_status(pbf_reader reader, Status& status, Objection& objection) {
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(2):
                status.message = text_of(reader, objection, "a status message");
                break;
            case varint_field(3):
                status.code = static_cast<StatusCode>(reader.get_enum());
                break;
            default:
                skip_field(reader);
        }
    }
}

void read_span_into(std::string_view bytes, Span& span) {
    Objection objection;
    span.encoded = bytes;
    pbf_reader reader{bytes.data(), bytes.size()};
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(1):
                span.trace_id = bytes_of(reader);
                break;
            case length_field(2):
                span.span_id = bytes_of(reader);
                break;
            case length_field(3):
                span.trace_state = text_of(reader, objection, "the trace state");
                break;
            case length_field(4):
                span.parent_span_id = bytes_of(reader);
                break;
            case length_field(5):
                span.name = text_of(reader, objection, "the span's name");
                break;
            case varint_field(6):
                span.kind = reader.get_enum();
                break;
            case fixed64_field(7):
                span.start_time_unix_nano = reader.get_fixed64();
                break;
            case fixed64_field(8):
                span.end_time_unix_nano = reader.get_fixed64();
                break;
            case length_field(9):
                read_attribute(message_of(reader), span.attributes, objection);
                break;
            case varint_field(10):
                span.dropped_attributes_count = reader.get_uint32();
                break;
            case length_field(11):
                read_event(message_of(reader), span.events.emplace_back(), objection);
                break;
            case varint_field(12):
                span.dropped_events_count = reader.get_uint32();
                break;
            case length_field(13):
                read_link(message_of(reader), span.links.emplace_back(), objection);
                break;
            case varint_field(14):
                span.dropped_links_count = reader.get_uint32();
                break;
            case length_field(15):
                read_status(message_of(reader), span.status, objection);
                break;
            case fixed32_field(16):
                span.flags = reader.get_fixed32();
                break;
            default:
                skip_field(reader);
        }
    }
    objection.check_id(span.trace_id, 16, "the trace id");
    objection.check_id(span.span_id, 8, "the span id");
    objection.check_parent_id(span.parent_span_id);
    span.rejection = std::move(objection.reason);
}

void read_scope(pbf_reader reader, Scope& scope, Objection& objection) {
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(1):
                scope.name = text_of(reader, objection, "the scope's name");
                break;
            case length_field(2):
                scope.version = text_of(reader, objection, "the scope's version");
                break;
            case length_field(3):
                read_attribute(message_of(reader), scope.attributes, objection);
                break;
            case varint_field(4):
                scope.dropped_attributes_count = reader.get_uint32();
                break;
            default:
                skip_field(reader);
        }
    }
}

void read_scope_spans(pbf_reader reader, ScopeSpans& scope_spans, Objection& objection) {
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(1):
                read_scope(message_of(reader), scope_spans.scope, objection);
                break;
            case length_field(2):
                read_span_into(bytes_of(reader), scope_spans.spans.emplace_back());
                break;
            case length_field(3):
                scope_spans.schema_url = text_of(reader, objection, "a schema URL");
                break;
            default:
                skip_field(reader);
        }
    }
}

void read_resource(pbf_reader reader, Resource& resource, Objection& objection) {
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(1):
                read_attribute(message_of(reader), resource.attributes, objection);
                break;
            case varint_field(2):
                resource.dropped_attributes_count = reader.get_uint32();
                break;
            default:
                skip_field(reader);
        }
    }
}

void read_resource_spans(pbf_reader reader, ResourceSpans& resource_spans) {
    Objection objection;
    while (reader.next()) {
        switch (reader.tag_and_type()) {
            case length_field(1):
                read_resource(message_of(reader), resource_spans.resource, objection);
                break;
            case length_field(2):
                read_scope_spans(message_of(reader), resource_spans.scope_spans.emplace_back(), objection);
                break;
            case length_field(3):
                resource_spans.schema_url = text_of(reader, objection, "a schema URL");
                break;
            default:
                skip_field(reader);
        }
    }
    if (!objection.reason.empty()) {
        throw RefusedRequest{"in the resource or scope, " + objection.reason};
    }
}

template <typename Message, typename Read>
ReadResult<Message> guarded(Read read) {
    try {
        Message message;
        read(message);
        return {std::move(message), {}};
    } catch (const RefusedRequest& refused) {
        return {std::nullopt, refused.what()};
    } catch (const protozero::end_of_buffer_exception&) {
        return {std::nullopt, "malformed protobuf: a field reaches beyond the end of its message"};
    } catch (const protozero::varint_too_long_exception&) {
        return {std::nullopt, "malformed protobuf: a varint is longer than ten bytes"};
    } catch (const protozero::unknown_pbf_wire_type_exception&) {
        return {std::nullopt, "malformed protobuf: a field has an unknown wire type"};
    } catch (const protozero::exception&) {
        return {std::nullopt, "malformed protobuf: a field has an invalid tag or length"};
    }
}

}  // namespace

ReadResult<TraceRequest> read_trace_request(std::string_view bytes) {
    return guarded<TraceRequest>([bytes](TraceRequest& request) {
        pbf_reader reader{bytes.data(), bytes.size()};
        while (reader.next()) {
            if (reader.tag_and_type() == length_field(1)) {
                read_resource_spans(message_of(reader), request.resource_spans.emplace_back());
            } else {
                skip_field(reader);
            }
        }
    });
}

ReadResult<Span> read_span(std::string_view bytes) {
    return guarded<Span>([bytes](Span& span) { read_span_into(bytes, span); });
}

const AnyValue* find_attribute(const Attributes& attributes, std::string_view key) {
    const auto found = std::find_if(attributes.rbegin(), attributes.rend(),
                                    [key](const KeyValue& attribute) { return attribute.key == key; });
    return found == attributes.rend() ? nullptr : &found->value;
}

}  // namespace judgeval::encode
