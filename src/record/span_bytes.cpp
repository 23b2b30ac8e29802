// Room, text, attributes, events, links and status of an open span, beyond what the inline setters do.
#include "record/span_bytes.hpp"

#include <cxxabi.h>
#include <execinfo.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <span>
#include <string>
#include <typeinfo>
#include <vector>

#include "judgeval/detail/tracer_state.hpp"
#include "record/clock.hpp"
#include "record/utf8.hpp"
#include "record/wire.hpp"

namespace judgeval::detail {

namespace {

constexpr std::string_view kTypeKey = "judgment.span_kind";
constexpr std::string_view kUpdateIdKey =
    "judgment.update_id";  ///< written when the span ends, by nobody else
/// A spill buffer up to this size is kept by the thread for its next large span.
constexpr std::size_t kSpareMost = std::size_t{256} << 10U;
constexpr std::size_t kSmallestSpill = std::size_t{16} << 10U;

std::size_t used(const OpenSpan& span) noexcept { return static_cast<std::size_t>(span.cursor - span.begin); }

/// The field that starts at `at`: where its payload begins and where it ends. All of an open span's fields
/// have a length.
struct Field {
    unsigned char tag;
    unsigned char* payload;
    unsigned char* end;
};
Field read_field(unsigned char* at) noexcept {
    const unsigned char* cursor = at + 1;
    const std::uint64_t size = wire::get_varint(cursor);
    unsigned char* const payload = at + (cursor - at);
    return {*at, payload, payload + size};
}

/// The first field for which `matches(field)`, or null.
template <typename Matches>
unsigned char* find_field(const OpenSpan& span, Matches matches) noexcept {
    for (unsigned char* at = span.begin; at < span.cursor;) {
        const Field field = read_field(at);
        if (matches(field)) return at;
        at = field.end;
    }
    return nullptr;
}

/// Removes that field; true when there was one.
template <typename Matches>
bool remove_field(OpenSpan& span, Matches matches) noexcept {
    unsigned char* const at = find_field(span, matches);
    if (at == nullptr) return false;
    const Field field = read_field(at);
    std::memmove(at, field.end, static_cast<std::size_t>(span.cursor - field.end));
    span.cursor -= field.end - at;
    return true;
}

auto is_attribute(std::string_view key) noexcept {
    return [key](const Field& field) {
        if (field.tag != wire::kSpanAttribute) return false;
        const unsigned char* at = field.payload + 1;  // behind KeyValue.key's tag, which we write first
        const std::uint64_t size = wire::get_varint(at);
        return size == key.size() && std::memcmp(at, key.data(), key.size()) == 0;
    };
}

/// Text on its way in: cut to the limit, and mended when it is not UTF-8. `mended` backs the result in that
/// case.
std::string_view admit(OpenSpan& span, const Text& text, std::string& mended, std::size_t most) {
    std::string_view view = cut_utf8(text.view(), most);
    if (!text.is_literal() && !is_valid_utf8(view)) {
        mended = mend_utf8(view);
        view = cut_utf8(mended, most);
    }
    // one value, though it may have been cut before and after it was mended
    if (text.size() > most || mended.size() > most) ++span.tally.truncated_values;
    return view;
}

/// A message that is being written at the cursor with a padded length.
struct OpenMessage {
    std::size_t at;  ///< offset of the length
};
OpenMessage open_message(OpenSpan& span, unsigned char tag) noexcept {
    *span.cursor++ = tag;
    const OpenMessage message{used(span)};
    span.cursor += wire::kPaddedSize;
    return message;
}
void close_message(OpenSpan& span, OpenMessage message) noexcept {
    wire::put_padded(span.begin + message.at, used(span) - message.at - wire::kPaddedSize);
}

/// Room for one KeyValue's tags and lengths, whatever its value.
constexpr std::size_t kFrame = 48;

/// Writes one KeyValue under `tag`. False when there was no room: then the span is as it was.
bool put_key_value(OpenSpan& span, unsigned char tag, const Key& key, const AttributeValue& value) noexcept
    try {
    const std::size_t start = used(span);
    std::string mended_key;
    std::string mended_text;
    // never cut: the limit is the value's, and two keys must not become one
    const std::string_view name =
        admit(span, key.text(), mended_key, std::numeric_limits<std::size_t>::max());
    std::string_view text;
    std::size_t room = name.size() + kFrame;
    if (value.type() == AttributeValue::Type::kString) {
        const std::size_t left = room_left(span);
        if (left <= room) return false;
        text =
            admit(span, value.text(), mended_text, std::min(span.limits->attribute_value_bytes, left - room));
        room += text.size();
    }
    if (!make_room(span, room)) return false;

    if (value.type() == AttributeValue::Type::kString) {
        // The common large value: exact lengths, since they are known.
        const std::size_t any = 1 + wire::varint_size(text.size()) + text.size();
        const std::size_t pair =
            1 + wire::varint_size(name.size()) + name.size() + 1 + wire::varint_size(any) + any;
        unsigned char* at = span.cursor;
        *at++ = tag;
        at = wire::put_varint(at, pair);
        at = wire::put_string(at, 0x0A, name);
        *at++ = 0x12;
        at = wire::put_varint(at, any);
        span.cursor = wire::put_string(at, wire::kAnyString, text);
        return true;
    }

    const OpenMessage pair = open_message(span, tag);
    span.cursor = wire::put_string(span.cursor, 0x0A, name);
    const OpenMessage any = open_message(span, 0x12);
    switch (value.type()) {
        case AttributeValue::Type::kBool:
            *span.cursor++ = 0x10;
            *span.cursor++ = value.integer() != 0 ? 1 : 0;
            break;
        case AttributeValue::Type::kInteger:
            *span.cursor++ = 0x18;
            span.cursor = wire::put_varint(span.cursor, static_cast<std::uint64_t>(value.integer()));
            break;
        case AttributeValue::Type::kDouble: {
            *span.cursor++ = 0x21;
            store_unaligned(span.cursor, value.floating());
            span.cursor += sizeof(double);
            break;
        }
        case AttributeValue::Type::kArray:
        case AttributeValue::Type::kJson: {
            const bool is_array = value.type() == AttributeValue::Type::kArray;
            const OpenMessage content = open_message(span, is_array ? wire::kAnyArray : wire::kAnyString);
            try {
                if (is_array) {
                    ArrayWriter writer(span);
                    value.write_array(writer);
                    if (writer.was_truncated()) ++span.tally.truncated_values;
                } else {
                    JsonWriter writer(span);
                    value.write_json(writer);
                    if (writer.was_truncated()) ++span.tally.truncated_values;
                }
            } catch (...) {  // a user's serializer or iterator: the attribute goes, the application goes on
                span.cursor = span.begin + start;
                return false;
            }
            close_message(span, content);
            break;
        }
        case AttributeValue::Type::kString:
            break;  // written above
    }
    close_message(span, any);
    close_message(span, pair);
    return true;
} catch (...) {  // no memory to mend a text in
    return false;
}

/// Attributes whose keys are UTF-8: the last of several with the same key counts. Returns how many were
/// dropped.
std::uint32_t put_last_of_each_key(OpenSpan& span, unsigned char tag,
                                   std::span<const Attribute> attributes) noexcept {
    std::uint32_t dropped = 0;
    std::uint32_t written = 0;
    for (auto attribute = attributes.begin(); attribute != attributes.end(); ++attribute) {
        const bool is_overridden = std::any_of(attribute + 1, attributes.end(), [&](const Attribute& later) {
            return later.key.text().view() == attribute->key.text().view();
        });
        if (is_overridden) continue;
        if (attribute->key.size() == 0 || written == span.limits->attribute_count ||
            !put_key_value(span, tag, attribute->key, attribute->value)) {
            ++dropped;
            continue;
        }
        ++written;
    }
    return dropped;
}

/// The same, its keys mended first, since two may be the same only then.
std::uint32_t put_mended(OpenSpan& span, unsigned char tag, std::span<const Attribute> attributes) noexcept
    try {
    std::vector<std::string> keys;
    std::vector<Attribute> mended;
    keys.reserve(attributes.size());
    mended.reserve(attributes.size());
    for (const Attribute& attribute : attributes) {
        mended.push_back({keys.emplace_back(mend_utf8(attribute.key.text().view())), attribute.value});
    }
    return put_last_of_each_key(span, tag, mended);
} catch (...) {  // no memory to mend the keys in
    return static_cast<std::uint32_t>(attributes.size());
}

/// The attributes of an event or a link.
void put_nested_attributes(OpenSpan& span, unsigned char tag, unsigned char dropped_tag,
                           std::span<const Attribute> attributes) noexcept {
    const bool are_keys_valid =
        std::all_of(attributes.begin(), attributes.end(), [](const Attribute& attribute) {
            return attribute.key.text().is_literal() || is_valid_utf8(attribute.key.text().view());
        });
    const std::uint32_t dropped =
        are_keys_valid ? put_last_of_each_key(span, tag, attributes) : put_mended(span, tag, attributes);
    if (dropped != 0 && make_room(span, 16)) {
        *span.cursor++ = dropped_tag;
        span.cursor = wire::put_varint(span.cursor, dropped);
    }
}

std::string demangled(const char* name) {
    int status = 0;
    char* const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
    std::string result = status == 0 && text != nullptr ? text : name;
    std::free(text);  // NOLINT: __cxa_demangle allocates with malloc
    return result;
}

/// The frames of the present call, innermost first, as the dynamic linker can name them.
std::string stack_trace() {
    constexpr int kMost = 64;
    void* frames[kMost];
    const int count = ::backtrace(frames, kMost);
    char** const symbols = ::backtrace_symbols(frames, count);
    if (symbols == nullptr) return {};
    std::string text;
    for (int i = 0; i < count; ++i) {
        text.append(symbols[i]);
        text.push_back('\n');
    }
    std::free(symbols);  // NOLINT: backtrace_symbols allocates with malloc
    return text;
}

void append_exception_event(OpenSpan& span, const std::string& type, const std::string& message) {
    append_event(
        span, "exception",
        {{"exception.type", type}, {"exception.message", message}, {"exception.stacktrace", stack_trace()}});
    set_status(span, StatusCode::kError, message);
}

}  // namespace

std::size_t room_left(const OpenSpan& span) noexcept {
    const std::size_t bytes = used(span);
    return bytes < span.limits->span_bytes ? span.limits->span_bytes - bytes : 0;
}

bool make_room(OpenSpan& span, std::size_t bytes) noexcept {
    if (static_cast<std::size_t>(span.limit - span.cursor) >= bytes) return true;
    if (bytes > room_left(span)) return false;
    const std::size_t needed = used(span) + bytes + kCopySlack;
    ThreadState& thread = thread_state;
    unsigned char* memory = nullptr;
    std::size_t size = 0;
    if (thread.spare_size >= needed) {
        memory = std::exchange(thread.spare_bytes, nullptr);
        size = std::exchange(thread.spare_size, 0);
    } else {
        size = std::max({kSmallestSpill, std::bit_ceil(needed)});
        memory = static_cast<unsigned char*>(std::malloc(size));  // NOLINT: must report failure, not throw
        if (memory == nullptr) return false;
    }
    const std::size_t kept = used(span);
    std::memcpy(memory, span.begin, kept);
    release_bytes(span);
    span.bytes_in = BytesIn::kSpill;
    span.begin = memory;
    span.cursor = memory + kept;
    span.limit = memory + size - kCopySlack;
    return true;
}

void release_spill(OpenSpan& span) noexcept {
    ThreadState& thread = thread_state;
    const auto size = static_cast<std::size_t>(span.limit - span.begin) + kCopySlack;
    if (size > thread.spare_size && size <= kSpareMost && !thread.arenas_are_gone) {
        std::free(std::exchange(thread.spare_bytes, span.begin));  // NOLINT: see make_room
        thread.spare_size = size;
    } else {
        std::free(span.begin);  // NOLINT: see make_room
    }
    use_inline_bytes(span);
}

void clear_arena(ThreadState& thread) noexcept {
    if (thread.current == nullptr || thread.current->span == nullptr) return;
    OpenSpan& span = *thread.current->span;
    if (span.bytes_in != BytesIn::kArena) return;
    const unsigned char* const from = span.begin;
    const std::size_t size = used(span);  // at most kInlineBytes: see use_bytes
    use_inline_bytes(span);
    span.cursor = wire::put_bytes(span.cursor, from, size);
}

bool has_attribute(const OpenSpan& span, std::string_view key) noexcept {
    return find_field(span, is_attribute(key)) != nullptr;
}

std::string_view find_attribute_bytes(const OpenSpan& span, std::string_view key) noexcept {
    unsigned char* const at = find_field(span, is_attribute(key));
    if (at == nullptr) return {};
    return {reinterpret_cast<const char*>(at), static_cast<std::size_t>(read_field(at).end - at)};
}

bool remove_attribute(OpenSpan& span, std::string_view key) noexcept {
    return remove_field(span, is_attribute(key));
}

void append_name(OpenSpan& span, Text name) noexcept try {
    std::string mended;
    const std::string_view text =
        admit(span, name, mended, std::min(span.limits->attribute_value_bytes, room_left(span) / 2));
    if (make_room(span, text.size() + 16)) span.cursor = wire::put_string(span.cursor, wire::kSpanName, text);
} catch (...) {  // no memory: a span without a name is still a span
}

void append_type(OpenSpan& span, Text type) noexcept {
    if (!put_key_value(span, wire::kSpanAttribute, kTypeKey, AttributeValue(type.view()))) {
        ++span.tally.dropped_attributes;
    }
    if (type.view() == "llm") emit_open_spans(&span);
}

void set_name(OpenSpan& span, Text name) noexcept {
    remove_field(span, [](const Field& field) { return field.tag == wire::kSpanName; });
    append_name(span, name);
}

void set_type(OpenSpan& span, Text type) noexcept {
    remove_attribute(span, kTypeKey);
    append_type(span, type);
}

void append_attribute(OpenSpan& span, Key key, const AttributeValue& value) noexcept try {
    if (!key.text().is_literal() && !is_valid_utf8(key.text().view())) {
        // mended before it is looked for: set again, it replaces its last value like any other
        const std::string mended = mend_utf8(key.text().view());
        return append_attribute(span, Key(mended), value);
    }
    if (key.text().view() == kTypeKey && value.type() == AttributeValue::Type::kString) {
        return set_type(span, value.text());  // the same attribute by its other name
    }
    if (key.size() == 0 || key.text().view() == kUpdateIdKey) {
        ++span.tally.dropped_attributes;
        return;
    }
    if ((span.tally.key_filter & key.filter_bit()) != 0 && remove_attribute(span, key.text().view())) {
        ++span.tally.attributes_left;
    }
    if (span.tally.attributes_left == 0 || !put_key_value(span, wire::kSpanAttribute, key, value)) {
        ++span.tally.dropped_attributes;
        return;
    }
    span.tally.key_filter |= --span.tally.attributes_left == 0 ? ~std::uint64_t{0} : key.filter_bit();
} catch (...) {  // no memory to mend the key in
    ++span.tally.dropped_attributes;
}

void append_string(OpenSpan& span, std::string_view key, std::string_view value, bool is_literal) noexcept {
    const Text text = is_literal ? Text::unchecked_literal(value.data(), value.size()) : Text(value);
    append_attribute(span, key, AttributeValue::text(text));
}
void append_bool(OpenSpan& span, std::string_view key, bool value) noexcept {
    append_attribute(span, key, value);
}
void append_integer(OpenSpan& span, std::string_view key, std::int64_t value) noexcept {
    append_attribute(span, key, value);
}
void append_unsigned(OpenSpan& span, std::string_view key, std::uint64_t value) noexcept {
    append_attribute(span, key, value);
}
void append_double(OpenSpan& span, std::string_view key, double value) noexcept {
    append_attribute(span, key, value);
}

void append_event(OpenSpan& span, Text name, std::initializer_list<Attribute> attributes) noexcept try {
    std::string mended;
    if (span.tally.events_left == 0 || room_left(span) < 2 * kFrame) {
        ++span.tally.dropped_events;
        return;
    }
    const std::string_view text =
        admit(span, name, mended, std::min(span.limits->attribute_value_bytes, room_left(span) - kFrame));
    if (!make_room(span, text.size() + kFrame)) {
        ++span.tally.dropped_events;
        return;
    }
    --span.tally.events_left;
    const OpenMessage event = open_message(span, wire::kSpanEvent);
    *span.cursor++ = 0x09;
    store_unaligned(span.cursor, Clock::now(thread_state));
    span.cursor += sizeof(std::uint64_t);
    span.cursor = wire::put_string(span.cursor, 0x12, text);
    put_nested_attributes(span, wire::kEventAttribute, 0x20, attributes);
    close_message(span, event);
} catch (...) {
    ++span.tally.dropped_events;
}

void append_link(OpenSpan& span, const SpanContext& linked,
                 std::initializer_list<Attribute> attributes) noexcept try {
    if (!linked.is_valid()) return;
    std::string mended;
    // never cut: half a list of vendors' entries may say something else
    const std::string_view trace_state =
        admit(span, linked.trace_state, mended, std::numeric_limits<std::size_t>::max());
    if (span.tally.links_left == 0 || !make_room(span, trace_state.size() + kFrame + 16)) {
        ++span.tally.dropped_links;
        return;
    }
    --span.tally.links_left;
    const OpenMessage link = open_message(span, wire::kSpanLink);
    unsigned char* at = span.cursor;
    *at++ = 0x0A;
    *at++ = 16;
    at = wire::put_bytes(at, linked.trace_id.bytes.data(), 16);
    *at++ = 0x12;
    *at++ = 8;
    at = wire::put_bytes(at, linked.span_id.bytes.data(), 8);
    if (!trace_state.empty()) at = wire::put_string(at, 0x1A, trace_state);
    *at++ = 0x35;  // flags
    const unsigned trace_flags = linked.trace_flags & ~unsigned{kTentative};
    store_unaligned(at, static_cast<std::uint32_t>(trace_flags | 0x100U | (linked.is_remote ? 0x200U : 0U)));
    span.cursor = at + sizeof(std::uint32_t);
    put_nested_attributes(span, wire::kLinkAttribute, 0x28, attributes);
    close_message(span, link);
} catch (...) {  // no memory to mend a text in
    ++span.tally.dropped_links;
}

void set_status(OpenSpan& span, StatusCode code, Text description) noexcept try {
    // OpenTelemetry: unset is ignored, and OK is final.
    if (code == StatusCode::kUnset || span.status == static_cast<std::uint8_t>(StatusCode::kOk)) return;
    std::string mended;
    std::string_view text;
    if (code == StatusCode::kError) {
        text = admit(span, description, mended,
                     std::min(span.limits->attribute_value_bytes, room_left(span) / 2));
    }
    if (!make_room(span, text.size() + kFrame)) return;
    if (span.status != 0) {
        remove_field(span, [](const Field& field) { return field.tag == wire::kSpanStatus; });
    }
    const OpenMessage status = open_message(span, wire::kSpanStatus);
    if (!text.empty()) span.cursor = wire::put_string(span.cursor, 0x12, text);
    *span.cursor++ = 0x18;
    *span.cursor++ = static_cast<unsigned char>(code);
    close_message(span, status);
    span.status = static_cast<std::uint8_t>(code);
} catch (...) {  // no memory for a mended description
}

void append_exception(OpenSpan& span, const std::exception& exception) noexcept try {
    append_exception_event(span, demangled(typeid(exception).name()), exception.what());
} catch (...) {
    ++span.tally.dropped_events;
}

void append_current_exception(OpenSpan& span) noexcept try {
    try {
        throw;
    } catch (const std::exception& exception) {
        append_exception(span, exception);
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        append_exception_event(span, type != nullptr ? demangled(type->name()) : "unknown", "");
    }
} catch (...) {
    ++span.tally.dropped_events;
}

void ArrayWriter::append(bool value) noexcept {
    if (full_ || (full_ = !make_room(*span_, 4))) return;
    const unsigned char bytes[] = {0x0A, 2, 0x10, static_cast<unsigned char>(value ? 1 : 0)};
    span_->cursor = wire::put_bytes(span_->cursor, bytes, sizeof bytes);
}

void ArrayWriter::append(std::int64_t value) noexcept {
    if (full_ || (full_ = !make_room(*span_, 16))) return;
    unsigned char* at = span_->cursor;
    *at++ = 0x0A;
    *at++ = static_cast<unsigned char>(1 + wire::varint_size(static_cast<std::uint64_t>(value)));
    *at++ = 0x18;
    span_->cursor = wire::put_varint(at, static_cast<std::uint64_t>(value));
}

void ArrayWriter::append(double value) noexcept {
    if (full_ || (full_ = !make_room(*span_, 16))) return;
    unsigned char* at = span_->cursor;
    *at++ = 0x0A;
    *at++ = 9;
    *at++ = 0x21;
    store_unaligned(at, value);
    span_->cursor = at + sizeof value;
}

void ArrayWriter::append(std::string_view value) noexcept try {
    std::string mended;
    if (full_ || (full_ = room_left(*span_) < 2 * kFrame)) return;
    const std::string_view text = admit(
        *span_, value, mended, std::min(span_->limits->attribute_value_bytes, room_left(*span_) - kFrame));
    if ((full_ = !make_room(*span_, text.size() + kFrame))) return;
    unsigned char* at = span_->cursor;
    *at++ = 0x0A;
    at = wire::put_varint(at, 1 + wire::varint_size(text.size()) + text.size());
    span_->cursor = wire::put_string(at, wire::kAnyString, text);
} catch (...) {
    full_ = true;
}

}  // namespace judgeval::detail
