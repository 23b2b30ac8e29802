// See peer.hpp.
#include "end_to_end/peer.hpp"

#include <map>
#include <unordered_map>
#include <variant>

namespace judgeval::end_to_end {
namespace {

std::string key_of(const std::string& trace_id, const std::string& span_id) { return trace_id + span_id; }

/// Times follow from no number; what is known is their order. All spans of a trace of the programme run on
/// one thread, and each ends before its parent, so that they lie within each other.
void expect_ordered_times(const std::vector<encode::Span>& spans) {
    std::unordered_map<std::string, const encode::Span*> by_id;
    for (const encode::Span& span : spans) by_id[key_of(span.trace_id, span.span_id)] = &span;
    for (const encode::Span& span : spans) {
        EXPECT_GT(span.start_time_unix_nano, 0U);
        EXPECT_LE(span.start_time_unix_nano, span.end_time_unix_nano);
        std::uint64_t before = span.start_time_unix_nano;
        for (const encode::Event& event : span.events) {
            EXPECT_LE(before, event.time_unix_nano);
            EXPECT_LE(event.time_unix_nano, span.end_time_unix_nano);
            before = event.time_unix_nano;
        }
        if (span.is_root()) continue;
        const auto parent = by_id.find(key_of(span.trace_id, span.parent_span_id));
        ASSERT_NE(parent, by_id.end()) << "a span's parent is not in its trace";
        EXPECT_LE(parent->second->start_time_unix_nano, span.start_time_unix_nano);
        EXPECT_LE(span.end_time_unix_nano, parent->second->end_time_unix_nano);
    }
}

}  // namespace

void expect_recorded(const std::vector<encode::Span>& spans, const std::vector<RecordedSpan>& records) {
    std::unordered_map<std::string, const RecordedSpan*> missing;
    for (const RecordedSpan& record : records) {
        missing[key_of(bytes_of(record.self.trace_id), bytes_of(record.self.span_id))] = &record;
    }
    ASSERT_EQ(missing.size(), records.size()) << "two spans were given the same ids";
    for (const encode::Span& span : spans) {
        const auto record = missing.find(key_of(span.trace_id, span.span_id));
        ASSERT_NE(record, missing.end()) << "a span arrived twice, or nobody recorded it";
        const nlohmann::json received = received_span(span);
        const nlohmann::json wanted = expected_span(*record->second);
        ASSERT_EQ(received, wanted) << "differing: " << nlohmann::json::diff(wanted, received).dump();
        missing.erase(record);
    }
    ASSERT_TRUE(missing.empty()) << missing.size() << " spans did not arrive";
    expect_ordered_times(spans);
}

void expect_received(local::LocalBackend& backend, const std::vector<RecordedSpan>& records) {
    std::map<std::string, std::vector<RecordedSpan>> traces;
    for (const RecordedSpan& record : records) traces[bytes_of(record.self.trace_id)].push_back(record);
    const local::Counts counts = backend.counts();
    EXPECT_EQ(counts.spans, records.size());
    EXPECT_EQ(counts.receptions, records.size());
    EXPECT_EQ(counts.traces, traces.size());
    EXPECT_EQ(counts.rejected_spans, 0U);

    for (const auto& [trace_id, expected] : traces) {
        const auto stored = backend.trace(trace_id);
        ASSERT_TRUE(stored) << "a trace did not arrive";
        std::vector<encode::Span> spans;
        for (const local::StoredSpan& span : stored->spans) {
            ASSERT_EQ(span.receptions, 1U);
            spans.push_back(span.span);
        }
        expect_recorded(spans, expected);
        if (::testing::Test::HasFailure()) return;  // one example is enough
    }
}

local::StoredSpan find_span(local::LocalBackend& backend, const TraceId& trace_id, const std::string& name) {
    local::StoredSpan found;
    std::size_t matches = 0;
    if (const auto trace = backend.trace(bytes_of(trace_id))) {
        for (const local::StoredSpan& span : trace->spans) {
            if (span.span.name != name) continue;
            found = span;
            ++matches;
        }
    }
    EXPECT_EQ(matches, 1U) << "spans called " << name;
    return found;
}

std::string text_of(const local::StoredSpan& span, std::string_view key) {
    const encode::AnyValue* const value = encode::find_attribute(span.span.attributes, key);
    const auto* const text = value == nullptr ? nullptr : std::get_if<std::string>(&value->value);
    return text == nullptr ? "<no text>" : *text;
}

}  // namespace judgeval::end_to_end
