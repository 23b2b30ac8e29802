// JsonWriter: JSON straight into the bytes of an open span, on the thread that owns it.
#include "judgeval/json_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "record/span_bytes.hpp"
#include "record/utf8.hpp"
#include "record/wire.hpp"

namespace judgeval {

using detail::cut_utf8;

JsonWriter::JsonWriter(detail::OpenSpan& span) noexcept
    : span_(&span), bytes_left_(std::min(span.limits->attribute_value_bytes, detail::room_left(span))) {}

JsonWriter::JsonWriter(std::string& text) noexcept : span_(nullptr), text_(&text), bytes_left_(SIZE_MAX) {}

void JsonWriter::put(std::string_view bytes) noexcept try {
    if (full_) return;
    if (bytes.size() > bytes_left_) {
        bytes = cut_utf8(bytes, bytes_left_);
        full_ = true;
    }
    if (span_ == nullptr) {
        text_->append(bytes);
        return;
    }
    if (!detail::make_room(*span_, bytes.size())) {
        full_ = true;
        return;
    }
    span_->cursor = detail::wire::put_bytes(span_->cursor, bytes.data(), bytes.size());
    bytes_left_ -= bytes.size();
} catch (...) {  // no memory for the text
    full_ = true;
}

void JsonWriter::separate() noexcept {
    if (needs_comma_) put(",");
    needs_comma_ = true;
}

void JsonWriter::quoted(std::string_view text) noexcept try {
    std::string mended;
    if (!detail::is_valid_utf8(text)) {
        mended = detail::mend_utf8(text);
        text = mended;
    }
    put("\"");
    std::size_t from = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        put(text.substr(from, at - from));
        from = at + 1;
        switch (byte) {
            case '"':
                put("\\\"");
                break;
            case '\\':
                put("\\\\");
                break;
            case '\n':
                put("\\n");
                break;
            case '\r':
                put("\\r");
                break;
            case '\t':
                put("\\t");
                break;
            case '\b':
                put("\\b");
                break;
            case '\f':
                put("\\f");
                break;
            default: {
                constexpr std::string_view kDigits = "0123456789abcdef";
                const char escape[] = {'\\', 'u', '0', '0', kDigits[byte >> 4U], kDigits[byte & 15U]};
                put({escape, sizeof escape});
            }
        }
    }
    put(text.substr(from));
    put("\"");
} catch (...) {  // no memory to mend in
    full_ = true;
}

void JsonWriter::null() noexcept {
    separate();
    put("null");
}

void JsonWriter::boolean(bool value) noexcept {
    separate();
    put(value ? "true" : "false");
}

void JsonWriter::integer(std::int64_t value) noexcept {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    separate();
    put({text, static_cast<std::size_t>(end - text)});
}

void JsonWriter::unsigned_integer(std::uint64_t value) noexcept {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    separate();
    put({text, static_cast<std::size_t>(end - text)});
}

void JsonWriter::number(double value) noexcept {
    if (!std::isfinite(value)) return null();
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text - 2, value).ptr;
    std::string_view digits(text, static_cast<std::size_t>(end - text));
    separate();
    put(digits);
    // 3.0 stays a floating-point number for whoever reads it
    if (digits.find_first_of(".e") == std::string_view::npos) put(".0");
}

void JsonWriter::string(std::string_view value) noexcept {
    separate();
    quoted(value);
}

void JsonWriter::begin_object() noexcept {
    separate();
    put("{");
    needs_comma_ = false;
}

void JsonWriter::key(std::string_view name) noexcept {
    separate();
    quoted(name);
    put(":");
    needs_comma_ = false;
}

void JsonWriter::end_object() noexcept {
    put("}");
    needs_comma_ = true;
}

void JsonWriter::begin_array() noexcept {
    separate();
    put("[");
    needs_comma_ = false;
}

void JsonWriter::end_array() noexcept {
    put("]");
    needs_comma_ = true;
}

void JsonWriter::raw(std::string_view json) noexcept try {
    separate();
    if (detail::is_valid_utf8(json)) return put(json);
    put(detail::mend_utf8(json));
} catch (...) {
    full_ = true;
}

}  // namespace judgeval
