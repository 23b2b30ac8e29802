// The two kinds of span: ScopedSpan, current on its thread until its scope ends, and Span, which is nobody's
// current span and may travel.
//
// Both hold all of their state inline (no heap while open) and hand it in when they end.
#pragma once

#include <initializer_list>
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
                   ? detail::context_of(span_.node)
                   : Context();
    }

  protected:
    SpanHolder() noexcept {}  // NOLINT: whoever starts the span fills it in
    ~SpanHolder() = default;

    // mutable: writing down an attribute does not change what the owner sees of the span
    mutable detail::OpenSpan span_;  // NOLINT

  private:
    friend class SpanOperations<SpanHolder>;
    friend class LinkedTrace;
    [[nodiscard]] JUDGEVAL_ALWAYS_INLINE detail::OpenSpan* recording_span() const noexcept {
        return detail::kCompiledIn && span_.state == detail::SpanState::kRecording ? &span_ : nullptr;
    }
    [[nodiscard]] detail::ContextNode* context_node() const noexcept {
        return span_.state != detail::SpanState::kInactive ? &span_.node : nullptr;
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
            // relaxed: a switch, see TracerState
            if (tracer.is_recording.load(std::memory_order_relaxed)) {
                detail::start_scoped(span_, tracer, static_cast<std::uint8_t>(options.kind));
                if (span_.state == detail::SpanState::kRecording) {
                    detail::put_name_and_type(span_, name, options.type);
                } else if (span_.state == detail::SpanState::kUndecided) {
                    detail::start_named(span_, tracer, static_cast<std::uint8_t>(options.kind), name,
                                        options.type);
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
            // relaxed: a switch, see TracerState
            if (tracer.is_recording.load(std::memory_order_relaxed)) {
                detail::start_detached(span_, tracer, static_cast<std::uint8_t>(options.kind), parent);
                if (span_.state == detail::SpanState::kRecording) {
                    detail::put_name_and_type(span_, name, options.type);
                } else if (span_.state == detail::SpanState::kUndecided) {
                    detail::start_named_detached(span_, tracer, static_cast<std::uint8_t>(options.kind),
                                                 parent, name, options.type);
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

/// See SpanOperations::set_propagating_attribute.
struct PropagatingAttribute {
    Text key;
    Text value;
};

/// What a scope sets for everything below it: see SpanOperations::set_session_id and its siblings.
struct InheritedOptions {
    Text session_id{};
    Text customer_id{};
    Text customer_user_id{};
    std::initializer_list<PropagatingAttribute> attributes{};
};

/// Makes something current on this thread for as long as it lives: a context from elsewhere, or the present
/// one with values set. What starts meanwhile is below it.
///
/// Stays on its thread, is not copied and not moved.
class [[nodiscard]] ContextScope {
  public:
    /// The span behind the context stays its owner's: a tracer's set_attribute and its siblings do nothing
    /// through it.
    explicit ContextScope(const Context& context) noexcept {
        if constexpr (detail::kCompiledIn) detail::enter_context(node_, context);
    }
    explicit ContextScope(const InheritedOptions& options) noexcept {
        if constexpr (detail::kCompiledIn) {
            const detail::InheritedPair platform[] = {
                {"judgment.session_id", options.session_id.view(), true},
                {"judgment.customer_id", options.customer_id.view(), true},
                {"judgment.customer_user_id", options.customer_user_id.view(), true}};
            detail::enter_scope(node_);
            for (const auto& pair : platform) {
                if (!pair.value.empty()) detail::set_inherited(node_, {&pair, 1});
            }
            for (const PropagatingAttribute& attribute : options.attributes) {
                const detail::InheritedPair pair{attribute.key.view(), attribute.value.view()};
                detail::set_inherited(node_, {&pair, 1});
            }
        }
    }
    ~ContextScope() {
        if constexpr (detail::kCompiledIn) detail::leave_context(node_);
    }
    ContextScope(const ContextScope&) = delete;
    ContextScope& operator=(const ContextScope&) = delete;

  private:
    detail::ContextNode node_;
};

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
