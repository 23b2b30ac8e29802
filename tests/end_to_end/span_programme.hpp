// A deterministic programme of spans, recorded through the public API, and what a receiver must then have.
//
// What a span says follows from one number, so a record of a span is small and its expectation can be made
// whenever it is compared. Expectations are JSON in which every value bears its OTLP type, so that 1, 1.0,
// true and "1" differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <judgeval/judgeval.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "encode/otlp_reader.hpp"

namespace judgeval::end_to_end {

/// A span that was recorded: what it said (as the number its content follows from) and where it belongs.
struct RecordedSpan {
    std::uint64_t content = 0;
    SpanContext self;
    SpanId parent;     ///< invalid for a root
    SpanContext link;  ///< invalid when it has none
};

inline constexpr std::size_t kSpansOfTrace = 10;

/// Records `traces` traces of kSpansOfTrace spans each on the calling thread and appends them to `records`.
void record_traces(const Tracer& tracer, std::uint64_t seed, std::size_t traces,
                   std::vector<RecordedSpan>& records);

/// The same on `threads` threads at once, in all `traces` traces a thread.
std::vector<RecordedSpan> record_traces_on_threads(const Tracer& tracer, std::uint64_t seed,
                                                   std::size_t threads, std::size_t traces);

/// All that a receiver must have of the span, but its times.
nlohmann::json expected_span(const RecordedSpan& span);

/// The same view of a span that was received.
nlohmann::json received_span(const encode::Span& span);

}  // namespace judgeval::end_to_end
