// Tracer: the value a program holds to trace its work.
//
// A cheap, counted handle; copies share one pipeline. Two tracers can live side by side, each with its own
// project, resource and exporter, and nothing here is a process-wide singleton. When the last handle goes,
// the spans still waiting are sent.
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "judgeval/agent.hpp"
#include "judgeval/evaluation.hpp"
#include "judgeval/linked_trace.hpp"
#include "judgeval/observe.hpp"
#include "judgeval/span.hpp"

namespace judgeval {
inline namespace JUDGEVAL_MODE {

/// See Tracer::override_project.
struct OverrideOptions {
    /// Also on a span that is not a root: then one trace has spans in two projects.
    bool dangerously_allow_non_root = false;
};

/// Thread-safety: every member may be called from any thread at any time, also while another one shuts the
/// tracer down; only assigning to one and the same Tracer object needs care, as with any object. Nothing
/// throws because tracing failed.
///
/// The operations of SpanOperations (set_attribute, set_input, …) act on the calling thread's innermost open
/// span.
class Tracer : public SpanOperations<Tracer> {
  public:
    /// A tracer that records nothing.
    Tracer() noexcept = default;
    explicit Tracer(std::shared_ptr<detail::TracerState> state) noexcept
        : owner_(std::move(state)), state_(owner_ ? owner_.get() : &detail::no_tracer) {}

    /// Starts a span that is current until its scope ends: `auto span = tracer.span("name", {.type =
    /// "tool"});`
    [[nodiscard]] JUDGEVAL_ALWAYS_INLINE ScopedSpan span(Text name, SpanOptions options = {}) const noexcept {
        return ScopedSpan(*state_, name, options);
    }

    /// Starts a span that is not current and may be moved and ended elsewhere, as a child of the current
    /// context.
    [[nodiscard]] Span start_span(Text name, SpanOptions options = {}) const noexcept {
        return Span(*state_, name, options, nullptr);
    }

    /// The same, as a child of `parent`; an invalid parent makes it a root.
    [[nodiscard]] Span start_span(Text name, SpanOptions options, const Context& parent) const noexcept {
        return Span(*state_, name, options, &parent);
    }

    /// Wraps a callable: same signature, each call a span with its arguments, result or exception. The
    /// wrapper owns a copy of the callable and a handle to the tracer; it is as thread-safe as the callable.
    template <typename Callable>
    [[nodiscard]] auto observe(Callable&& callable, ObserveOptions options = {}) const {
        using Held = std::decay_t<Callable>;
        if constexpr (requires { typename detail::Signature<Held>::Type; }) {
            return detail::Observed<Held, typename detail::Signature<Held>::Type>(
                owner_, state_, std::forward<Callable>(callable), std::move(options));
        } else {
            return detail::Observed<Held>(owner_, state_, std::forward<Callable>(callable),
                                          std::move(options));
        }
    }

    /// Starts a trace of its own that links back to the current one.
    [[nodiscard]] LinkedTrace start_linked_trace(Text name, SpanOptions options = {}) const noexcept {
        return {*state_, name, options};
    }

    /// Sets values for everything that starts below, and on the current span, until the scope ends:
    /// `const auto scope = tracer.scoped_context({.session_id = id});`
    [[nodiscard]] ContextScope scoped_context(const InheritedOptions& options) const noexcept {
        return ContextScope(options);
    }

    /// Wraps a callable as an agent: each call gets a judgment.agent_id of its own, which all spans below
    /// carry, with the enclosing agent's as judgment.parent_agent_id. The first span of a call is the agent's
    /// entry point, so observe what is wrapped: `tracer.agent(tracer.observe(plan), {.class_name =
    /// "Planner"})`.
    template <typename Callable>
    [[nodiscard]] auto agent(Callable&& callable, AgentOptions options = {}) const {
        return [owner = owner_, state = state_, options = std::move(options),
                callable = std::forward<Callable>(callable)]<typename... A>(
                   A&&... arguments) mutable -> decltype(auto) {
            const detail::AgentScope scope(*state, options);
            return std::invoke(callable, std::forward<A>(arguments)...);
        };
    }

    /// Wraps a callable so that it runs, on whatever thread, below the context that is current here and now.
    template <typename Callable>
    [[nodiscard]] auto bind(Callable&& callable) const {
        return [context = current_context(), callable = std::forward<Callable>(callable)]<typename... A>(
                   A&&... arguments) mutable -> decltype(auto) {
            const ContextScope scope(context);
            return std::invoke(callable, std::forward<A>(arguments)...);
        };
    }

    /// The calling thread's current context; invalid outside of any span.
    [[nodiscard]] Context current_context() const noexcept {
        if constexpr (detail::kCompiledIn) {
            return detail::current_context();
        } else {
            return {};
        }
    }

    /// Routes the current trace to another project of the organization: sets judgment.project_id_override on
    /// the current span, which must be a root (else the call is ignored, with a warning, unless it is allowed
    /// here), and on all that starts below it in this process. Never waits: an id that is not known yet is
    /// asked for in the background, while the spans wait in the pipeline's memory. A name that cannot be
    /// found is logged once and its spans go to the default project. An empty name takes the override back.
    void override_project([[maybe_unused]] std::string_view name,
                          [[maybe_unused]] OverrideOptions options = {}) const noexcept {
        if constexpr (detail::kCompiledIn) {
            detail::override_project(*state_, recording_span(), name, options.dangerously_allow_non_root);
        }
    }

    /// Tags the current trace, on the platform. Nothing when no sampled span is current. Queued, and sent by
    /// the exporter's thread: see Stats::platform_requests_queued for what becomes of it.
    void tag(std::string_view tag) const noexcept { tag_all({&tag, 1}); }
    void tag(std::initializer_list<std::string_view> tags) const noexcept {
        tag_all({tags.begin(), tags.size()});
    }

    /// Has the platform judge an example, as a part of the current span. Nothing when no sampled span is
    /// current, or evaluations are off (TracerOptions::enable_evaluation, JUDGMENT_EVALUATIONS). Queued like
    /// a tag.
    void async_evaluate([[maybe_unused]] const Scorer& scorer,
                        [[maybe_unused]] const Example& example) const noexcept {
        if constexpr (detail::kCompiledIn) detail::evaluate(*state_, scorer, example.data());
    }

    /// Has the platform judge the current trace once it is complete: sets judgment.pending_trace_eval on the
    /// calling thread's innermost open span, whose fate it shares. Nothing when there is none, or evaluations
    /// are off. It names the project that the trace goes to; while its id is asked for it waits with the
    /// span. Where there is no project (a file, an OTLP endpoint) the evaluation is left out, counted in
    /// Stats::platform_requests_dropped, and the first one is logged.
    void async_trace_evaluate([[maybe_unused]] const Scorer& scorer) const noexcept {
        if constexpr (detail::kCompiledIn) {
            if (auto* const span = recording_span()) detail::evaluate_trace(*state_, *span, scorer);
        }
    }

    /// Sends every span that ended and every tag and evaluation handed in before the call, and waits until
    /// each was delivered or counted as dropped, at most `timeout`. False when the time was not enough.
    bool force_flush(std::chrono::nanoseconds timeout = std::chrono::seconds(30)) const noexcept {
        if constexpr (detail::kCompiledIn) return detail::force_flush(*state_, timeout);
        return true;
    }

    /// Stops recording, sends what is left and stops the exporter, in at most `timeout`; what could not be
    /// delivered by then is counted under DropReason::kShutdown. False when there was any. Later calls return
    /// at once.
    bool shutdown(std::chrono::nanoseconds timeout = std::chrono::seconds(5)) const noexcept {
        if constexpr (detail::kCompiledIn) return detail::shutdown(*state_, timeout);
        return true;
    }

    /// The run-time switch: off, a new span costs a load and a branch; open spans go on to their end. Has no
    /// effect on a tracer created with monitoring disabled, or after shutdown.
    void set_monitoring(bool enabled) const noexcept {
        if constexpr (detail::kCompiledIn) detail::set_monitoring(*state_, enabled);
    }

    [[nodiscard]] Stats stats() const noexcept {
        if constexpr (detail::kCompiledIn) {
            return detail::stats(*state_);
        } else {
            return {};
        }
    }

  private:
    void tag_all([[maybe_unused]] std::span<const std::string_view> tags) const noexcept {
        if constexpr (detail::kCompiledIn) detail::tag_trace(*state_, tags);
    }

    friend class SpanOperations<Tracer>;
    [[nodiscard]] detail::OpenSpan* recording_span() const noexcept { return detail::current_span(); }
    [[nodiscard]] detail::ContextNode* context_node() const noexcept { return detail::current_node(); }

    std::shared_ptr<detail::TracerState> owner_;
    detail::TracerState* state_ = &detail::no_tracer;
};

}  // namespace JUDGEVAL_MODE

namespace detail {
/// __func__ lives as long as the program, though the compiler does not call it a literal.
template <std::size_t N>
constexpr Text function_name(const char (&name)[N]) noexcept {
    return Text::unchecked_literal(name, N - 1);
}
}  // namespace detail
}  // namespace judgeval

#define JUDGEVAL_JOIN_(a, b) a##b
#define JUDGEVAL_JOIN(a, b) JUDGEVAL_JOIN_(a, b)

/// The rest of the enclosing function (or block) is a span named after the function: JUDGEVAL_OBSERVE(tracer,
/// "tool");
#define JUDGEVAL_OBSERVE(tracer, span_type)                                       \
    [[maybe_unused]] const auto JUDGEVAL_JOIN(judgeval_span_at_line_, __LINE__) = \
        (tracer).span(::judgeval::detail::function_name(__func__), {.type = (span_type)})
