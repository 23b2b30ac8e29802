// Routing a trace to another project: Tracer::override_project.
//
// On the caller's thread. An id that was found before goes straight to the spans; else the name does, and the
// exporter asks for the id while the spans wait (export/project_overrides.hpp).
#include <exception>
#include <string>

#include "export/project_overrides.hpp"
#include "judgeval/detail/tracer_state.hpp"
#include "judgment/tracer_parts.hpp"
#include "record/inherited.hpp"
#include "record/thread_state.hpp"

namespace judgeval::detail {

void override_project(TracerState& tracer, OpenSpan* span, std::string_view name,
                      bool is_allowed_below_root) noexcept try {
    ProjectRouting* const routing = project_routing(tracer);
    if (routing == nullptr) return;
    if (span == nullptr || span->state != SpanState::kRecording) {
        return routing->warn_once("override_project() outside of a span is ignored");
    }
    if (span->parent != ParentIs::kNone && !is_allowed_below_root) {
        return routing->warn_once(
            "override_project() on a span that is not the root of its trace is ignored: a trace belongs to "
            "one "
            "project");
    }
    if (!routing->projects.find) {
        return routing->warn_once(
            "override_project() is ignored: spans go to a file or an OTLP endpoint, which have no projects");
    }
    InheritedEntry entry{
        .key = std::string(kProjectOverrideKey), .value = std::string(name), .is_baggage = false};
    if (auto id = routing->projects.find(entry.value)) {
        entry.value = std::move(*id);
    } else if (!entry.value.empty()) {
        entry.is_project_name = true;
        // relaxed: what publishes the span orders it
        project_names.fetch_add(1, std::memory_order_relaxed);
    }
    if (!set_below(*span, entry)) {
        routing->warn_once("override_project() is ignored: the name is too long, or there is no memory");
    }
} catch (const std::exception&) {  // no memory: it goes to the default project
}

const SpanIdentity* current_kept_span() noexcept {
    const ContextNode* const node = thread_state.current;
    if (node == nullptr) return nullptr;
    const SpanIdentity& here = node->context;
    return here.is_valid() && here.is_sampled() && !here.is_shed ? &here : nullptr;
}

const InheritedEntry* current_override() noexcept {
    const ContextNode* const node = thread_state.current;
    const Inherited* const inherited = node != nullptr ? as_inherited(node->inherited) : nullptr;
    return inherited != nullptr ? inherited->find(kProjectOverrideKey) : nullptr;
}

void follow_override(PlatformRequest& request) {
    if (const InheritedEntry* const entry = current_override()) {
        (entry->is_project_name ? request.project_name : request.project_id) = entry->value;
    }
}

}  // namespace judgeval::detail
