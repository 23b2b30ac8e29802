// Stats: where every span went, counted.
//
// A snapshot, made by Tracer::stats() on any thread by adding up counters that each have one writer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace judgeval {

/// Why a span was not delivered. Each lost span is counted under exactly one of these.
enum class DropReason : std::uint8_t {
    kTraceShed,        ///< the memory budget ran low: its whole trace was given up when its root started
    kBudgetExhausted,  ///< no memory was left when it ended (WhenFull::kBlock: not within max_block either)
    kRefused,   ///< the backend answered with a status that must not be retried, or a file takes no more
    kRejected,  ///< the backend took the batch and rejected this many spans of it (OTLP partial success)
    kRetriesExhausted,   ///< the backend was out of reach for longer than max_retry_time
    kProjectUnresolved,  ///< the platform does not know the project, or refused to say
    kShutdown,           ///< still on its way when the tracer's shutdown timed out, or ended after it
    kInternal,           ///< compression failed, or the process ran out of memory
};
inline constexpr std::size_t kDropReasonCount = 8;

namespace detail {

struct DropReasonText {
    std::string_view name;
    std::string_view advice;
};

/// By DropReason: what each is called, and what its spans are lost by no more.
inline constexpr std::array<DropReasonText, kDropReasonCount> kDropReasons = {{
    {"trace_shed", "raise pipeline.memory_budget_bytes, or sample fewer traces"},
    {"budget_exhausted",
     "raise pipeline.memory_budget_bytes, sample fewer traces, or with WhenFull::kBlock raise "
     "pipeline.max_block"},
    {"refused", "the log has the backend's answer; judgeval-doctor checks key, organization and URL"},
    {"rejected", "the log has what the backend objects to"},
    {"retries_exhausted",
     "judgeval-doctor checks the way to the backend; raise pipeline.max_retry_time to bridge longer outages"},
    {"project_unresolved", "check project_name, JUDGMENT_API_KEY and JUDGMENT_ORG_ID"},
    {"shutdown",
     "call force_flush() before the end, or give shutdown() (pipeline.shutdown_timeout) more time"},
    {"internal", "the process ran out of memory, or this is a defect of judgeval: please report it"},
}};

}  // namespace detail

/// A short name, as it appears in logs and metrics: "trace_shed", "budget_exhausted", …
constexpr std::string_view to_string(DropReason reason) noexcept {
    return detail::kDropReasons[static_cast<std::size_t>(reason)].name;
}

/// What to change, so that no more spans are lost for that reason.
constexpr std::string_view advice_for(DropReason reason) noexcept {
    return detail::kDropReasons[static_cast<std::size_t>(reason)].advice;
}

/// Counters since the tracer was created. In a forked child: since the fork; spans that were open then are
/// the parent's and are not counted in the child.
///
/// `started + partial_emissions == exported + dropped_total() + unsampled_spans + in_flight` holds whenever
/// no span starts or ends while the snapshot is made. A span that was lost without a reason would stay in
/// flight for ever.
struct Stats {
    std::uint64_t started = 0;  ///< spans that were sampled and started
    /// Spans sent as they stood, while they were open: each is counted as exported, dropped or in flight
    /// beside the span itself.
    std::uint64_t partial_emissions = 0;
    std::uint64_t exported = 0;  ///< spans the backend acknowledged
    /// Spans of traces that were recorded in case of an error, and had none (Sampler::keep_on_error).
    std::uint64_t unsampled_spans = 0;
    std::uint64_t in_flight = 0;  ///< open, waiting in memory, or on their way
    std::array<std::uint64_t, kDropReasonCount> dropped{};

    std::uint64_t open = 0;                ///< part of in_flight: started and not ended
    std::uint64_t unsampled_traces = 0;    ///< traces the sampler did not choose; their spans are not
                                           ///< `started`, or are `unsampled_spans`
    std::uint64_t dropped_attributes = 0;  ///< over a limit, or their serializer threw
    std::uint64_t truncated_values = 0;    ///< values cut to a limit, at a UTF-8 boundary
    std::uint64_t requests = 0;            ///< export requests sent, retries included
    std::uint64_t retries = 0;
    std::uint64_t encoded_bytes = 0;  ///< request bodies before compression
    std::uint64_t sent_bytes = 0;     ///< request bodies sent, retries included
    std::uint64_t memory_used = 0;    ///< bytes of the budget in use now

    /// Tags and evaluations handed in, whatever became of them: those not delivered and not dropped wait, or
    /// are on their way.
    std::uint64_t platform_requests_queued = 0;
    std::uint64_t platform_requests_delivered = 0;  ///< the platform acknowledged them
    /// Refused, out of reach for max_retry_time, without a project, left at shutdown, with no platform to go
    /// to (a file or an OTLP endpoint), larger than an attribute may be (async_trace_evaluate), by a scorer
    /// that was not found, or more than the 1024 (in at most 4 MiB) that wait.
    std::uint64_t platform_requests_dropped = 0;

    [[nodiscard]] std::uint64_t dropped_by(DropReason reason) const noexcept {
        return dropped[static_cast<std::size_t>(reason)];
    }
    [[nodiscard]] std::uint64_t dropped_total() const noexcept {
        std::uint64_t total = 0;
        for (const auto count : dropped) total += count;
        return total;
    }
};

}  // namespace judgeval
