// What every test with a client shares: a tracer for a backend on this machine, and the balance of its
// counters.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <judgeval/judgeval.hpp>
#include <string>
#include <utility>

#include "each_span_once.hpp"
#include "log_lines.hpp"

namespace judgeval::test {

/// Longer than anything in a test takes; a wait that ends by it is a failure.
inline constexpr std::chrono::seconds kPatience{100};

/// Credentials that the backends of the tests take.
inline ClientOptions client_options(const std::string& api_url, LogHandler log_handler = no_log) {
    return {.project_name = "project",
            .api_key = "secret-key",
            .organization_id = "organization",
            .api_url = api_url,
            .log_handler = std::move(log_handler)};
}

inline Tracer make_tracer(const std::string& api_url, const TracerOptions& options = {},
                          LogHandler log_handler = no_log) {
    return Judgeval(client_options(api_url, std::move(log_handler))).tracer.create(each_span_once(options));
}

/// Every span that was started is accounted for, once.
inline void expect_balanced(const Stats& stats) {
    EXPECT_EQ(stats.started + stats.partial_emissions,
              stats.exported + stats.dropped_total() + stats.unsampled_spans + stats.in_flight);
}

}  // namespace judgeval::test
