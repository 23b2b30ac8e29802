// The two kinds of span: ScopedSpan, current on its thread until its scope ends, and Span, which is nobody's
// current span and may travel.
//
// Both hold all of their state inline (no heap while open) and hand it in when they end.
#pragma once

#include <utility>

#include "judgeval/span_operations.hpp"

namespace judgeval {

/// OpenTelemetry's SpanKind; not to be confused with Judgment's span_kind, which is SpanOptions::type.
enum class SpanKind : std::uint8_t { kInternal = 1, kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5 };

struct SpanOptions {
    Text type =
        "span";  ///< judgment.span_kind: "span", "function", "tool", "llm", "agent" or a name of your own
    SpanKind kind = SpanKind::kInternal;
};

inline namespace JUDGEVAL_MODE {

/// What the two kinds of span share.
class SpanHolder : public SpanOperations<SpanHolder> {
  public:
    SpanHolder(const SpanHolder&) = delete;
    SpanHolder& operator=(const SpanHolder&) = delete;

    /// True while what is set on the span will be sent.
    [[nodiscard]] bool is_recording() const noexcept { return recording_span() != nullptr; }

    /// For children and links; invalid once the span has ended. For a span whose trace is not kept, a context
    /// that keeps its children out as well.
    [[nodiscard]] Context context() const noexcept {
        return detail::kCompiledIn && span_.state != detail::SpanState::kInactive
                   ? Context(SpanContext(span_.node.context))
                   : Context();
    }

  protected:
    SpanHolder() noexcept {}  // NOLINT: whoever starts the span fills it in
    ~SpanHolder() = default;

    // mutable: writing down an attribute does not change what the owner sees of the span
    mutable detail::OpenSpan span_;  // NOLINT

  private:
    friend class SpanOperations<SpanHolder>;
    [[nodiscard]] JUDGEVAL_ALWAYS_INLINE detail::OpenSpan* recording_span() const noexcept {
        return detail::kCompiledIn && span_.state == detail::SpanState::kRecording ? &span_ : nullptr;
    }
};

/// A span that is current from its construction to the end of its scope: `auto span = tracer.span("name");`
///
/// Stays on the thread that made it, is not copied and not moved. A span left by an exception gets the status
/// error. Must not outlive the last handle of its tracer by more than its own end: ending it then is harmless
/// and counted.
class [[nodiscard]] ScopedSpan : public SpanHolder {
  public:
    JUDGEVAL_ALWAYS_INLINE ScopedSpan(detail::TracerState& tracer, Text name, SpanOptions options) noexcept {
        if constexpr (detail::kCompiledIn) {
            if (tracer.is_recording.load(std::memory_order_relaxed)) {
                detail::start_scoped(span_, tracer, static_cast<std::uint8_t>(options.kind));
                if (span_.state == detail::SpanState::kRecording) {
                    detail::put_name_and_type(span_, name, options.type);
                }
            } else {
                span_.state = detail::SpanState::kInactive;
            }
        }
    }
    JUDGEVAL_ALWAYS_INLINE ~ScopedSpan() {
        if constexpr (detail::kCompiledIn) {
            if (span_.state != detail::SpanState::kInactive) detail::end(span_);
        }
    }

    /// Ends the span before its scope does; what follows is ignored.
    JUDGEVAL_ALWAYS_INLINE void end() noexcept {
        if constexpr (detail::kCompiledIn) {
            if (span_.state == detail::SpanState::kInactive) return;
            detail::end(span_);
            span_.state = detail::SpanState::kInactive;
        }
    }
};

/// A span that is not current: made by `tracer.start_span`, movable, may end on another thread.
///
/// Handing it to another thread must synchronise as for any object (a queue, a future, a join). Ends in its
/// destructor when `end()` was not called. To make it the parent of other spans, make its context() current
/// with a ContextScope.
class [[nodiscard]] Span : public SpanHolder {
  public:
    Span(detail::TracerState& tracer, Text name, SpanOptions options, const Context* parent) noexcept {
        if constexpr (detail::kCompiledIn) {
            span_.state = detail::SpanState::kInactive;
            if (tracer.is_recording.load(std::memory_order_relaxed)) {
                detail::start_detached(span_, tracer, static_cast<std::uint8_t>(options.kind), parent);
                if (span_.state == detail::SpanState::kRecording) {
                    detail::put_name_and_type(span_, name, options.type);
                }
            }
        }
    }
    Span(Span&& other) noexcept : SpanHolder() { take(other); }
    Span& operator=(Span&& other) noexcept {
        if (this != &other) {
            end();
            take(other);
        }
        return *this;
    }
    ~Span() { end(); }

    /// Ends the span; what follows is ignored.
    void end() noexcept {
        if constexpr (detail::kCompiledIn) {
            if (span_.state == detail::SpanState::kInactive) return;
            detail::end(span_);
            span_.state = detail::SpanState::kInactive;
        }
    }

  private:
    void take(Span& other) noexcept {
        if constexpr (detail::kCompiledIn) {
            span_.state = detail::SpanState::kInactive;
            if (other.span_.state != detail::SpanState::kInactive) detail::relocate(other.span_, span_);
        }
    }
};

/// Makes a context current on this thread for as long as it lives. What starts meanwhile is its child.
///
/// The span behind the context stays its owner's: a tracer's set_attribute and its siblings do nothing
/// through it.
class [[nodiscard]] ContextScope {
  public:
    explicit ContextScope(const Context& context) noexcept {
        if constexpr (detail::kCompiledIn) {
            node_.span = nullptr;
            node_.context = context.span_context();
            detail::push_context(node_);
        }
    }
    ~ContextScope() {
        if constexpr (detail::kCompiledIn) detail::pop_context(node_);
    }
    ContextScope(const ContextScope&) = delete;
    ContextScope& operator=(const ContextScope&) = delete;

  private:
    detail::ContextNode node_;
};

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
