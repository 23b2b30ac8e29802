// Looking things up in captured spans, and showing them. Pure functions of the values.
#include <algorithm>
#include <map>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "encode/json_view.hpp"
#include "encode/otlp_reader.hpp"
#include "encode/trace_tree.hpp"
#include "judgeval/testing.hpp"

namespace judgeval::testing {

namespace {

encode::AnyValue to_encode(const CapturedValue& value) {
    if (const auto* const array = std::get_if<std::vector<CapturedValue>>(&value.value)) {
        std::vector<encode::AnyValue> values;
        for (const CapturedValue& element : *array) values.push_back(to_encode(element));
        return {std::move(values)};
    }
    if (const auto* const text = std::get_if<std::string>(&value.value)) return {*text};
    if (const auto* const boolean = std::get_if<bool>(&value.value)) return {*boolean};
    if (const auto* const integer = std::get_if<std::int64_t>(&value.value)) return {*integer};
    return {std::get<double>(value.value)};
}

template <typename Id>
std::string bytes_of(const Id& id) {
    return {id.bytes.begin(), id.bytes.end()};
}

/// As much of it as a tree shows.
encode::Span to_encode(const CapturedSpan& span) {
    encode::Span drawn;
    drawn.span_id = bytes_of(span.span_id);
    if (!span.is_root()) drawn.parent_span_id = bytes_of(span.parent_span_id);
    drawn.name = span.name;
    drawn.start_time_unix_nano = static_cast<std::uint64_t>(span.start.time_since_epoch().count());
    drawn.end_time_unix_nano = static_cast<std::uint64_t>(span.end.time_since_epoch().count());
    for (const auto& [key, value] : span.attributes) drawn.attributes.push_back({key, to_encode(value)});
    drawn.status = {static_cast<encode::StatusCode>(span.status), span.status_message};
    return drawn;
}

std::string text_of(const CapturedValue& value) {
    return encode::to_text(encode::json_view(to_encode(value)));
}

}  // namespace

const CapturedValue* CapturedSpan::attribute(std::string_view key) const noexcept {
    const auto found = std::find_if(attributes.begin(), attributes.end(),
                                    [key](const auto& attribute) { return attribute.first == key; });
    return found == attributes.end() ? nullptr : &found->second;
}

const CapturedSpan& CapturedSpans::find(std::string_view name) const {
    const auto has_name = [name](const CapturedSpan& span) { return span.name == name; };
    const auto found = std::find_if(spans_.begin(), spans_.end(), has_name);
    const bool is_one =
        found != spans_.end() && std::find_if(found + 1, spans_.end(), has_name) == spans_.end();
    if (!is_one) {
        throw std::out_of_range((found == spans_.end() ? "no span" : "more than one span") +
                                (" is named " + std::string(name)) + ":\n" + tree());
    }
    return *found;
}

CapturedSpans CapturedSpans::children_of(const CapturedSpan& parent) const {
    std::vector<CapturedSpan> children;
    std::copy_if(spans_.begin(), spans_.end(), std::back_inserter(children), [&](const CapturedSpan& span) {
        return span.parent_span_id == parent.span_id && span.trace_id == parent.trace_id;
    });
    return CapturedSpans(std::move(children));
}

std::string CapturedSpans::tree() const {
    std::vector<encode::Span> spans;
    spans.reserve(spans_.size());  // their addresses are kept
    std::vector<std::string> order;
    std::map<std::string, encode::TraceToDraw> traces;
    for (const CapturedSpan& span : spans_) {
        const std::string id = bytes_of(span.trace_id);
        auto [trace, is_new] = traces.try_emplace(id);
        if (is_new) {
            order.push_back(id);
            trace->second = {.trace_id = id, .name = "captured", .spans = {}, .has_open_spans = false};
        }
        trace->second.spans.push_back(&spans.emplace_back(to_encode(span)));
    }
    std::string text;
    for (const std::string& id : order) text += draw_trace(traces.at(id), encode::Colours::off);
    return text.empty() ? "no spans\n" : text;
}

void PrintTo(const CapturedValue& value, std::ostream* out) { *out << text_of(value); }

void PrintTo(const CapturedSpan& span, std::ostream* out) {
    *out << "span " << span.span_id.to_hex() << " \"" << span.name << "\"";
    if (span.status != StatusCode::kUnset) {
        *out << ", status " << static_cast<int>(span.status) << " \"" << span.status_message << "\"";
    }
    for (const auto& [key, value] : span.attributes) *out << ", " << key << " " << text_of(value);
    for (const CapturedEvent& event : span.events) *out << ", event \"" << event.name << "\"";
}

void PrintTo(const CapturedSpans& spans, std::ostream* out) { *out << "\n" << spans.tree(); }

}  // namespace judgeval::testing
