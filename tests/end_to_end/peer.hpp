// What the end-to-end tests share: a tracer that sends to a local backend in this process, and the checks
// that every one of them ends with.
#pragma once

#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <string>
#include <utility>
#include <vector>

#include "client.hpp"
#include "end_to_end/span_programme.hpp"
#include "local/backend.hpp"

namespace judgeval::end_to_end {

using test::client_options;
using test::expect_balanced;
using test::kPatience;
using test::make_tracer;

/// A backend that is already listening.
class RunningBackend : public local::LocalBackend {
  public:
    explicit RunningBackend(local::LocalBackendOptions options = {}) : LocalBackend(std::move(options)) {
        start();
    }
};

/// Waits for memory instead of giving spans up, for as long as a test may take.
inline TracerOptions lossless() {
    TracerOptions options;
    options.pipeline.when_full = WhenFull::kBlock;
    options.pipeline.max_block = kPatience;
    // A sanitized backend can take longer than the default for a batch; a request that timed out is sent
    // again, and then its spans would rightly be received twice.
    options.pipeline.request_timeout = kPatience;
    return options;
}

/// Nothing is open or on its way any more, and nothing was lost.
inline void expect_all_delivered(const Stats& stats, std::uint64_t spans) {
    expect_balanced(stats);
    EXPECT_EQ(stats.started, spans);
    EXPECT_EQ(stats.exported, spans);
    EXPECT_EQ(stats.dropped_total(), 0U);
    EXPECT_EQ(stats.in_flight, 0U);
}

/// These are the recorded spans, each once, with what was recorded in every field.
void expect_recorded(const std::vector<encode::Span>& spans, const std::vector<RecordedSpan>& records);

/// The backend has exactly these spans, each received once, with what was recorded in every field.
void expect_received(local::LocalBackend& backend, const std::vector<RecordedSpan>& records);

/// The one span of that name in the trace; a failure and an empty one when it is not there.
local::StoredSpan find_span(local::LocalBackend& backend, const TraceId& trace_id, const std::string& name);

/// A span's attribute when it is a string, else a text that no test sets.
std::string text_of(const local::StoredSpan& span, std::string_view key);

inline std::string bytes_of(const TraceId& id) { return {id.bytes.begin(), id.bytes.end()}; }
inline std::string bytes_of(const SpanId& id) { return {id.bytes.begin(), id.bytes.end()}; }

}  // namespace judgeval::end_to_end
