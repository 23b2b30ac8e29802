// Holding spans, and letting them go. See the header.
#include "export/undecided_traces.hpp"

#include <cstring>
#include <protozero/pbf_reader.hpp>

#include "arena/record_writer.hpp"
#include "judgeval/detail/tracer_state.hpp"

namespace judgeval::detail {

namespace {

/// So many decisions are remembered; a span that ends later than that waits for a local root in vain.
constexpr std::size_t kDecisionsMost = 16384;
/// Of a trace that waits, beside its records; about.
constexpr std::size_t kTraceBytes = 256;

// Field numbers of opentelemetry/proto/trace/v1/trace.proto.
constexpr protozero::pbf_tag_type kScopeSpansSpans = 2;
constexpr protozero::pbf_tag_type kSpanStatus = 15;
constexpr protozero::pbf_tag_type kStatusCode = 3;

bool has_error_status(std::string_view record) {
    protozero::pbf_reader scope_spans(record.data(), record.size());
    if (!scope_spans.next(kScopeSpansSpans)) return false;
    protozero::pbf_reader span = scope_spans.get_message();
    if (!span.next(kSpanStatus)) return false;
    protozero::pbf_reader status = span.get_message();
    return status.next(kStatusCode) && status.get_enum() == static_cast<int>(StatusCode::kError);
}

/// A record that is sent is one of a sampled trace.
void mark_as_sampled(unsigned char* record) noexcept {
    unsigned char& flags = *read_head(record).trace_flags;
    flags = static_cast<unsigned char>((flags & ~kTentative) | kSampled);
}

}  // namespace

void UndecidedTraces::sift(Segment& segment) {
    unsigned char* const begin = segment.chunk->data + segment.offset;
    if (segment.chunk->next != nullptr) {  // one large record
        if (!goes_on(begin, segment)) segment.spans = 0;
        return;
    }
    unsigned char* to = begin;
    for (unsigned char* from = begin; from != begin + segment.size;) {
        const std::size_t size = read_head(from).record_bytes;
        if (goes_on(from, {segment.chunk, static_cast<std::uint32_t>(from - segment.chunk->data),
                           static_cast<std::uint32_t>(size), 1, static_cast<std::uint32_t>(size)})) {
            if (to != from) std::memmove(to, from, size);
            to += size;
        } else {
            --segment.spans;
        }
        from += size;
    }
    segment.size = segment.total_size = static_cast<std::uint32_t>(to - begin);
}

/// False for a record that is not sent, or not yet. `segment` is of this record alone.
bool UndecidedTraces::goes_on(unsigned char* record, const Segment& segment) {
    const RecordHead head = read_head(record);
    if ((*head.trace_flags & kTentative) == 0) return true;
    if (const auto decided = decided_.find(head.trace_id.bytes); decided != decided_.end()) {
        if (decided->second == Decision::kKept) {
            mark_as_sampled(record);
            return true;
        }
        if (decided->second == Decision::kGivenUp) {
            drop(DropReason::kBudgetExhausted, 1);
        } else {
            counters_.unsampled_spans.add(1);
            counters_.left_out.add(1);
        }
        return false;
    }
    hold(head.trace_id, records_of(segment), head.is_local_root);
    return false;
}

void UndecidedTraces::hold(const TraceId& id, std::string_view record, bool is_local_root) {
    auto found = undecided_.find(id.bytes);
    if (found == undecided_.end()) {
        traces_.push_back({id, {}, 0, false});
        found = undecided_.emplace(id.bytes, std::prev(traces_.end())).first;
        change_bytes(0, bytes_of(traces_.back()));
    }
    Trace& trace = *found->second;
    const std::size_t before = bytes_of(trace);
    trace.records.append(record);
    ++trace.spans;
    trace.has_error = trace.has_error || has_error_status(record);
    change_bytes(before, bytes_of(trace));
    if (is_local_root) ended_.push_back(id);
    while (bytes_ > most_bytes_) give_up_oldest();
}

std::string UndecidedTraces::decide(const std::vector<TraceId>& ended) {
    std::string kept;
    for (const TraceId& id : ended) {
        const auto found = undecided_.find(id.bytes);
        if (found == undecided_.end()) continue;  // decided already, or given up
        Trace& trace = *found->second;
        if (trace.has_error) {
            for (std::size_t at = 0; at < trace.records.size();) {
                auto* const record = reinterpret_cast<unsigned char*>(trace.records.data() + at);
                mark_as_sampled(record);
                at += read_head(record).record_bytes;
            }
            kept.append(trace.records);
            remember(id, Decision::kKept);
        } else {
            counters_.unsampled_traces.add(1);
            counters_.unsampled_spans.add(trace.spans);
            counters_.left_out.add(trace.spans);
            remember(id, Decision::kUnsampled);
        }
        erase(found->second);
    }
    return kept;
}

void UndecidedTraces::give_up_oldest() {
    const auto oldest = traces_.begin();
    drop(DropReason::kBudgetExhausted, oldest->spans);
    remember(oldest->id, Decision::kGivenUp);
    erase(oldest);
}

void UndecidedTraces::abandon(DropReason reason) noexcept {
    while (!traces_.empty()) {
        drop(reason, traces_.front().spans);
        erase(traces_.begin());
    }
    ended_.clear();
}

void UndecidedTraces::remember(const TraceId& id, Decision decision) {
    if (!decided_.emplace(id.bytes, decision).second) return;
    decided_order_.push_back(id.bytes);
    if (decided_order_.size() <= kDecisionsMost) return;
    decided_.erase(decided_order_.front());
    decided_order_.pop_front();
}

void UndecidedTraces::erase(Traces::iterator trace) noexcept {
    change_bytes(bytes_of(*trace), 0);
    undecided_.erase(trace->id.bytes);
    traces_.erase(trace);
}

std::size_t UndecidedTraces::bytes_of(const Trace& trace) noexcept {
    return kTraceBytes + trace.records.capacity();
}

void UndecidedTraces::change_bytes(std::size_t from, std::size_t to) noexcept {
    bytes_ = bytes_ - from + to;
    counters_.bytes.add(static_cast<std::uint64_t>(to) - from);
}

void UndecidedTraces::drop(DropReason reason, std::uint64_t spans) noexcept {
    dropped_[static_cast<std::size_t>(reason)].add(spans);
    counters_.left_out.add(spans);
}

}  // namespace judgeval::detail
