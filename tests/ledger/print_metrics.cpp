// Prints a snapshot in which every counter has a value of its own, as Prometheus text: for parse_metrics.py.
#include <iostream>
#include <judgeval/judgeval.hpp>

int main() {
    judgeval::Stats stats;
    stats.started = 9'007'199'254'740'991;  // the largest integer that Prometheus' doubles hold exactly
    stats.partial_emissions = 1;
    stats.exported = 2;
    stats.in_flight = 3;
    for (std::size_t i = 0; i < stats.dropped.size(); ++i) stats.dropped[i] = 100 + i;
    stats.open = 4;
    stats.unsampled_traces = 5;
    stats.dropped_attributes = 6;
    stats.truncated_values = 7;
    stats.requests = 8;
    stats.retries = 9;
    stats.encoded_bytes = 10;
    stats.sent_bytes = 11;
    stats.platform_requests_queued = 12;
    stats.platform_requests_delivered = 13;
    stats.platform_requests_dropped = 14;
    stats.unsampled_spans = 15;
    stats.memory_used = 0;
    std::cout << judgeval::to_prometheus(stats);
    return std::cout.flush() ? 0 : 1;
}
