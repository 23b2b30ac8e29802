// Stats as Prometheus text, for a program's own /metrics page.
//
// A pure function of the snapshot, on whatever thread asks; nothing is registered or served here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "judgeval/stats.hpp"

namespace judgeval {

/// The counters of one tracer in the Prometheus text exposition format, version 0.0.4 (Content-Type:
/// text/plain; version=0.0.4). Every reason of judgeval_spans_dropped_total is there from the beginning, with
/// what to change in the help text. Throws nothing but std::bad_alloc.
///
/// The snapshots of several tracers must not be put one after the other: a metric may appear only once.
[[nodiscard]] inline std::string to_prometheus(const Stats& stats) {
    std::string text;
    const auto describe = [&text](std::string_view name, std::string_view type, std::string_view help) {
        text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
        text.append(name).append(" ").append(type).append("\n");
    };
    const auto add = [&](std::string_view name, std::string_view type, std::string_view help,
                         std::uint64_t value) {
        describe(name, type, help);
        text.append(name).append(" ").append(std::to_string(value)).append("\n");
    };
    add("judgeval_spans_started_total", "counter", "Spans that were sampled and started.", stats.started);
    add("judgeval_partial_emissions_total", "counter", "Spans that were sent as they stood while open.",
        stats.partial_emissions);
    add("judgeval_spans_exported_total", "counter", "Spans that the backend acknowledged.", stats.exported);

    std::string help = "Spans that were lost, and what to change.";
    for (const auto& [name, advice] : detail::kDropReasons) {
        help.append(" ").append(name).append(": ").append(advice).append(".");
    }
    describe("judgeval_spans_dropped_total", "counter", help);
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        text.append("judgeval_spans_dropped_total{reason=\"").append(detail::kDropReasons[i].name);
        text.append("\"} ").append(std::to_string(stats.dropped[i])).append("\n");
    }

    add("judgeval_spans_in_flight", "gauge", "Spans that are open, wait in memory, or are on their way.",
        stats.in_flight);
    add("judgeval_spans_open", "gauge", "Spans that are open, a part of those in flight.", stats.open);
    add("judgeval_spans_unsampled_total", "counter",
        "Spans of traces that were recorded in case of an error, and had none.", stats.unsampled_spans);
    add("judgeval_traces_unsampled_total", "counter", "Traces that the sampler did not choose.",
        stats.unsampled_traces);
    add("judgeval_attributes_dropped_total", "counter",
        "Attributes over a limit, or that were not serialized.", stats.dropped_attributes);
    add("judgeval_values_truncated_total", "counter", "Values that were cut to a limit.",
        stats.truncated_values);
    add("judgeval_export_requests_total", "counter", "Requests with spans, retries included.",
        stats.requests);
    add("judgeval_export_retries_total", "counter", "Requests that were sent again.", stats.retries);
    add("judgeval_export_encoded_bytes_total", "counter", "Bytes of request bodies before compression.",
        stats.encoded_bytes);
    add("judgeval_export_sent_bytes_total", "counter", "Bytes of request bodies sent, retries included.",
        stats.sent_bytes);
    add("judgeval_platform_requests_queued_total", "counter", "Tags and evaluations handed in.",
        stats.platform_requests_queued);
    add("judgeval_platform_requests_delivered_total", "counter",
        "Tags and evaluations that the platform acknowledged.", stats.platform_requests_delivered);
    add("judgeval_platform_requests_dropped_total", "counter", "Tags and evaluations that were lost.",
        stats.platform_requests_dropped);
    add("judgeval_memory_used_bytes", "gauge", "Bytes of the memory budget in use.", stats.memory_used);
    return text;
}

}  // namespace judgeval
