// What a tracer knows for override_project(): how projects are found, and which warnings were given.
#pragma once

#include <atomic>
#include <string_view>

#include "export/log.hpp"
#include "export/project_overrides.hpp"
#include "judgeval/detail/tracer_state.hpp"

namespace judgeval::detail {

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

/// The tracer's; null when it is off (tracer.cpp).
[[nodiscard]] ProjectRouting* project_routing(TracerState& tracer) noexcept;

}  // namespace judgeval::detail
