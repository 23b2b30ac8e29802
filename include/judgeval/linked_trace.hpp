// LinkedTrace: a trace of its own that remembers what it was started by, for work that outlives or outgrows
// the trace it comes from.
//
// Two spans: the invocation, in the trace that is current, and the root of the new trace, current until the
// scope ends. Each carries the other's ids as judgment.link.* and as an OpenTelemetry link.
#pragma once

#include <optional>

#include "judgeval/span.hpp"

namespace judgeval {
inline namespace JUDGEVAL_MODE {

/// `const auto linked = tracer.start_linked_trace("reindex");` What is set on it is set on the new root.
/// Where no span is being recorded there is nothing to link to, and it is an ordinary span.
///
/// Stays on its thread, is not copied and not moved; both spans end with it.
class [[nodiscard]] LinkedTrace : public SpanOperations<LinkedTrace> {
  public:
    LinkedTrace(detail::TracerState& tracer, Text name, SpanOptions options) noexcept
        : outside_(invocation_, tracer, name, options), root_(tracer, name, options) {
        if (!invocation_) return;
        const SpanContext source = invocation_->context().span_context();
        const SpanContext target = root_.context().span_context();
        set_ids(root_, source, "judgment.link.source_trace_id", "judgment.link.source_span_id");
        set_ids(*invocation_, target, "judgment.link.target_trace_id", "judgment.link.target_span_id");
    }
    LinkedTrace(const LinkedTrace&) = delete;
    LinkedTrace& operator=(const LinkedTrace&) = delete;

    /// The root of the new trace.
    [[nodiscard]] const ScopedSpan& root() const noexcept { return root_; }
    /// The span in the trace that was current, or null when there was none.
    [[nodiscard]] const Span* invocation() const noexcept { return invocation_ ? &*invocation_ : nullptr; }
    [[nodiscard]] bool is_recording() const noexcept { return root_.is_recording(); }
    [[nodiscard]] Context context() const noexcept { return root_.context(); }

  private:
    friend class SpanOperations<LinkedTrace>;
    [[nodiscard]] detail::OpenSpan* recording_span() const noexcept { return root_.recording_span(); }
    [[nodiscard]] detail::ContextNode* context_node() const noexcept { return root_.context_node(); }

    /// Starts the invocation, then stands outside of its trace.
    class Outside {
      public:
        Outside(std::optional<Span>& invocation, detail::TracerState& tracer, Text name,
                SpanOptions options) noexcept {
            if constexpr (detail::kCompiledIn) {
                if (detail::current_span() == nullptr) return;
                invocation.emplace(tracer, name, options, nullptr);
                if (!invocation->is_recording()) {
                    invocation.reset();
                    return;
                }
                detail::enter_new_trace(node_);
                is_entered_ = true;
            }
        }
        ~Outside() {
            if constexpr (detail::kCompiledIn) {
                if (is_entered_) detail::leave_context(node_);
            }
        }
        Outside(const Outside&) = delete;
        Outside& operator=(const Outside&) = delete;

      private:
        detail::ContextNode node_;
        bool is_entered_ = false;
    };

    static void set_ids(const SpanHolder& on, const SpanContext& other, Key trace_id, Key span_id) noexcept
        try {
        on.set_attribute(trace_id, other.trace_id.to_hex());
        on.set_attribute(span_id, other.span_id.to_hex());
        on.add_link(other);
    } catch (...) {  // no memory for the text
    }

    std::optional<Span> invocation_;
    Outside outside_;
    ScopedSpan root_;
};

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
