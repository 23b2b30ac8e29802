// Making blocks of inherited attributes, and the careful way of appending one to a span.
#include "record/inherited.hpp"

#include <algorithm>

#include "record/span_bytes.hpp"
#include "record/utf8.hpp"
#include "record/wire.hpp"

namespace judgeval::detail {

namespace {

constexpr unsigned char kSpanTraceState = 0x1A;
constexpr unsigned char kAnyBytes = 0x3A;

void put(std::string& out, unsigned char tag, std::string_view text) {
    unsigned char head[16];
    unsigned char* at = head;
    *at++ = tag;
    at = wire::put_varint(at, text.size());
    out.append(reinterpret_cast<const char*>(head), static_cast<std::size_t>(at - head));
    out.append(text);
}

std::string valid(const std::string& text) { return is_valid_utf8(text) ? text : mend_utf8(text); }

void encode(Inherited& block) {
    block.bytes.clear();
    block.key_filter = 0;
    block.attribute_count = 0;
    if (!block.trace_state.empty()) put(block.bytes, kSpanTraceState, block.trace_state);
    std::string any;
    std::string pair;
    for (const InheritedEntry& entry : block.entries) {
        if (!entry.is_attribute) continue;
        any.clear();
        pair.clear();
        if (entry.is_project_name) {
            put(any, kAnyBytes, padded_project_name(entry.value, kProjectIdMost));
        } else {
            put(any, wire::kAnyString, entry.value);
        }
        put(pair, 0x0A, entry.key);
        put(pair, 0x12, any);
        put(block.bytes, wire::kSpanAttribute, pair);
        block.key_filter |= key_filter_bit(entry.key);
        ++block.attribute_count;
    }
    block.size = block.bytes.size();
    block.bytes.append(kCopySlack, '\0');
}

void set(std::vector<InheritedEntry>& entries, const InheritedEntry& entry) {
    InheritedEntry mended = entry;
    mended.key = valid(entry.key);
    mended.value = valid(entry.value);
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const InheritedEntry& other) { return other.key == mended.key; });
    if (mended.value.empty()) {
        if (found != entries.end()) entries.erase(found);
    } else if (found != entries.end()) {
        *found = std::move(mended);
    } else {
        entries.push_back(std::move(mended));
    }
}

/// As they would stand in a baggage header, if nothing has to be encoded.
bool fits(const std::vector<InheritedEntry>& entries) noexcept {
    std::size_t total = 0;
    for (const InheritedEntry& entry : entries) {
        const std::size_t properties = entry.properties.empty() ? 0 : 1 + entry.properties.size();
        const std::size_t size = entry.key.size() + 1 + entry.value.size() + properties;
        if (size > kBaggageEntryMost) return false;
        total += (total == 0 ? 0 : 1) + size;
    }
    return total <= kBaggageBytesMost && entries.size() <= kBaggageEntriesMost;
}

Inherited* copy_of(const InheritedBlock* base) {
    auto made = new Inherited;  // NOLINT: counted, see InheritedBlock
    const InheritedRef guard(made);
    if (const Inherited* const from = as_inherited(base)) {
        made->entries = from->entries;
        made->trace_state = from->trace_state;
    }
    retain(made);
    return made;
}

InheritedRef same(const InheritedBlock* base) noexcept {
    retain(base);
    return InheritedRef(base);
}

}  // namespace

Inherited::Inherited()
    : InheritedBlock([](const InheritedBlock* block) noexcept { delete as_inherited(block); }) {}

const InheritedEntry* Inherited::find(std::string_view key) const noexcept {
    for (const InheritedEntry& entry : entries) {
        if (entry.key == key) return &entry;
    }
    return nullptr;
}

InheritedRef with_entries(const InheritedBlock* base, std::span<const InheritedEntry> entries,
                          bool& is_done) noexcept try {
    is_done = false;
    Inherited* const made = copy_of(base);
    InheritedRef result(made);
    for (const InheritedEntry& entry : entries) set(made->entries, entry);
    if (!fits(made->entries)) return same(base);
    encode(*made);
    is_done = true;
    if (made->entries.empty() && made->trace_state.empty()) return {};
    return result;
} catch (...) {  // no memory
    return same(base);
}

InheritedRef inherited_from(std::vector<InheritedEntry> entries, std::string trace_state) {
    if (entries.empty() && trace_state.empty()) return {};
    auto* const made = new Inherited;  // NOLINT: counted, see InheritedBlock
    InheritedRef result(made);
    made->entries = std::move(entries);
    made->trace_state = std::move(trace_state);
    encode(*made);
    return result;
}

InheritedRef with_trace_state(const InheritedBlock* base, const std::string& trace_state) noexcept try {
    Inherited* const made = copy_of(base);
    InheritedRef result(made);
    made->trace_state = trace_state;
    encode(*made);
    if (made->entries.empty() && made->trace_state.empty()) return {};
    return result;
} catch (...) {  // no memory
    return same(base);
}

InheritedRef with_entry_point(InheritedRef base) noexcept try {
    Inherited* const made = copy_of(base.get());
    InheritedRef result(made);
    encode(*made);
    made->after_entry_point = std::move(base);
    return result;
} catch (...) {  // no memory
    return base;
}

void append_inherited(OpenSpan& span) noexcept {
    const Inherited& inherited = *as_inherited(span.node.inherited);
    const auto* const from = reinterpret_cast<const unsigned char*>(inherited.bytes.data());
    if ((span.tally.key_filter & inherited.key_filter) == 0) {
        if (make_room(span, inherited.size)) {
            span.cursor = wire::put_bytes(span.cursor, from, inherited.size);
        } else {
            span.tally.dropped_attributes += inherited.attribute_count;
        }
        return;
    }
    // One by one: some key may be set on the span.
    for (const unsigned char* at = from; at < from + inherited.size;) {
        const unsigned char* payload = at + 1;
        const std::uint64_t size = wire::get_varint(payload);
        const unsigned char* const end = payload + size;
        if (*at != wire::kSpanAttribute) {
            if (make_room(span, static_cast<std::size_t>(end - at))) {
                span.cursor = wire::put_bytes(span.cursor, at, static_cast<std::size_t>(end - at));
            }
        } else {
            const unsigned char* key = payload + 1;
            const std::uint64_t key_size = wire::get_varint(key);
            if (!has_attribute(span, {reinterpret_cast<const char*>(key), key_size})) {
                if (make_room(span, static_cast<std::size_t>(end - at))) {
                    span.cursor = wire::put_bytes(span.cursor, at, static_cast<std::size_t>(end - at));
                } else {
                    ++span.tally.dropped_attributes;
                }
            }
        }
        at = end;
    }
}

}  // namespace judgeval::detail
