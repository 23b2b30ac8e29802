// See peer.hpp.
#include "end_to_end/peer.hpp"

#include <map>
#include <unordered_map>
#include <variant>

namespace judgeval::end_to_end {
namespace {

using Times = std::pair<std::uint64_t, std::uint64_t>;

/// Times follow from no number; what is known is their order. All spans of a trace of the programme run on
/// one thread, and each ends before its parent, so that they lie within each other.
void expect_ordered_times(const local::StoredTrace& trace) {
    std::unordered_map<std::string, Times> times;
    for (const local::StoredSpan& stored : trace.spans) {
        times[stored.span.span_id] = {stored.span.start_time_unix_nano, stored.span.end_time_unix_nano};
    }
    for (const local::StoredSpan& stored : trace.spans) {
        const auto [start, end] = times[stored.span.span_id];
        EXPECT_GT(start, 0U);
        EXPECT_LE(start, end);
        std::uint64_t before = start;
        for (const encode::Event& event : stored.span.events) {
            EXPECT_LE(before, event.time_unix_nano);
            EXPECT_LE(event.time_unix_nano, end);
            before = event.time_unix_nano;
        }
        if (stored.span.is_root()) continue;
        const auto parent = times.find(stored.span.parent_span_id);
        ASSERT_NE(parent, times.end()) << "a span's parent is not in its trace";
        EXPECT_LE(parent->second.first, start);
        EXPECT_LE(end, parent->second.second);
    }
}

}  // namespace

void expect_received(local::LocalBackend& backend, const std::vector<RecordedSpan>& records) {
    std::map<std::string, std::unordered_map<std::string, RecordedSpan>> traces;
    for (const RecordedSpan& record : records) {
        const bool is_new =
            traces[bytes_of(record.self.trace_id)].emplace(bytes_of(record.self.span_id), record).second;
        ASSERT_TRUE(is_new) << "two spans were given the same ids";
    }
    const local::Counts counts = backend.counts();
    EXPECT_EQ(counts.spans, records.size());
    EXPECT_EQ(counts.receptions, records.size());
    EXPECT_EQ(counts.traces, traces.size());
    EXPECT_EQ(counts.rejected_spans, 0U);

    for (const auto& [trace_id, expected] : traces) {
        const auto stored = backend.trace(trace_id);
        ASSERT_TRUE(stored) << "a trace did not arrive";
        ASSERT_EQ(stored->spans.size(), expected.size());
        for (const local::StoredSpan& span : stored->spans) {
            const auto record = expected.find(span.span.span_id);
            ASSERT_NE(record, expected.end()) << "a span arrived that nobody recorded";
            ASSERT_EQ(span.receptions, 1U);
            const nlohmann::json received = received_span(span.span);
            const nlohmann::json wanted = expected_span(record->second);
            ASSERT_EQ(received, wanted) << "differing: " << nlohmann::json::diff(wanted, received).dump();
        }
        expect_ordered_times(*stored);
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
