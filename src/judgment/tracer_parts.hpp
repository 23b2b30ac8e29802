// What the platform's side of the API (override_project, tags, evaluations) finds in a tracer and in the
// current context. Any thread.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "export/log.hpp"
#include "export/platform_requests.hpp"
#include "export/project_overrides.hpp"
#include "judgeval/detail/tracer_state.hpp"

namespace judgeval::detail {

struct InheritedEntry;

/// What override_project() needs: how projects are found, and whether a warning was given.
struct ProjectRouting {
    ProjectLookup projects;  ///< empty where there are no projects
    const Log* log = nullptr;
    std::atomic<bool> is_warned{false};

    /// The first warning of a tracer is logged; what is wrong once is wrong in every trace.
    void warn_once(std::string_view text) {
        // relaxed: only one gets to log, nothing else follows from it
        if (!is_warned.exchange(true, std::memory_order_relaxed))
            (*log)(LogLevel::kWarning, std::string(text));
    }
};

// ---- of a tracer (tracer.cpp) ----

/// Null when it is off.
[[nodiscard]] ProjectRouting* project_routing(TracerState& tracer) noexcept;
/// With something behind it that sends them; null when the tracer is off.
[[nodiscard]] PlatformRequests* platform_requests(TracerState& tracer) noexcept;
/// False also for a tracer that is off.
[[nodiscard]] bool are_evaluations_on(const TracerState& tracer) noexcept;

// ---- of the current context (project_override.cpp) ----

/// The calling thread's current span, when its trace is kept; else null.
[[nodiscard]] const SpanIdentity* current_kept_span() noexcept;
/// Where override_project() routed the current trace; null: nowhere.
[[nodiscard]] const InheritedEntry* current_override() noexcept;
/// The request goes where the current trace goes.
void follow_override(PlatformRequest& request);

}  // namespace judgeval::detail
