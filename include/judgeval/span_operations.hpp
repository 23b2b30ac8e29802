// SpanOperations: what can be said about a span, once for scoped spans, detached spans and a tracer's current
// span.
//
// All of it runs on the calling thread, touches only the open span, and does nothing when there is none.
#pragma once

#include <chrono>
#include <exception>
#include <initializer_list>
#include <ranges>

#include "judgeval/attribute_value.hpp"
#include "judgeval/detail/tracer_state.hpp"
#include "judgeval/text.hpp"

namespace judgeval {
inline namespace JUDGEVAL_MODE {

/// Base of ScopedSpan, Span and Tracer; `Derived::recording_span()` gives the open span or null.
///
/// Thread-safety: a span belongs to one thread at a time, nothing here is locked. Nothing throws. Text and
/// values are copied before a call returns.
template <typename Derived>
class SpanOperations {
  public:
    /// Sets an attribute; a key set twice keeps the last value. An empty key is ignored and counted as
    /// dropped.
    JUDGEVAL_ALWAYS_INLINE void set_attribute(Key key, Text value) const noexcept {
        if (detail::OpenSpan* const span = open()) detail::set_string(*span, key, value);
    }

    /// The same for every other type: see AttributeValue.
    template <typename T>
    requires(!std::convertible_to<const T&, Text>) JUDGEVAL_ALWAYS_INLINE
        void set_attribute(Key key, const T& value) const noexcept {
        detail::OpenSpan* const span = open();
        if (span == nullptr) return;
        if constexpr (std::is_same_v<T, bool>) {
            detail::set_bool(*span, key, value);
        } else if constexpr (detail::FitsSigned<T>) {
            detail::set_integer(*span, key, static_cast<std::int64_t>(value));
        } else if constexpr (std::unsigned_integral<T> && sizeof(T) == sizeof(std::uint64_t)) {
            detail::set_unsigned(*span, key, value);
        } else if constexpr (std::floating_point<T>) {
            detail::set_double(*span, key, static_cast<double>(value));
        } else {
            detail::append_attribute(*span, key, AttributeValue(value));
        }
    }

    void set_attributes(std::initializer_list<Attribute> attributes) const noexcept {
        detail::OpenSpan* const span = open();
        if (span == nullptr) return;
        for (const auto& attribute : attributes) {
            detail::append_attribute(*span, attribute.key, attribute.value);
        }
    }

    /// From any range of key-value pairs, such as a std::map.
    template <std::ranges::input_range Range>
    void set_attributes(const Range& attributes) const noexcept {
        detail::OpenSpan* const span = open();
        if (span == nullptr) return;
        for (const auto& [key, value] : attributes)
            detail::append_attribute(*span, Key(key), AttributeValue(value));
    }

    /// Sets judgment.input: text as it is, anything else as JSON (see Serializer).
    void set_input(Text input) const noexcept { set_attribute("judgment.input", input); }
    template <typename T>
    requires(!std::convertible_to<const T&, Text>) void set_input(const T& input) const noexcept {
        set_json("judgment.input", input);
    }

    /// Sets judgment.output: text as it is, anything else as JSON (see Serializer).
    void set_output(Text output) const noexcept { set_attribute("judgment.output", output); }
    template <typename T>
    requires(!std::convertible_to<const T&, Text>) void set_output(const T& output) const noexcept {
        set_json("judgment.output", output);
    }

    /// Sets judgment.state_before and judgment.state_after: what an agent knew before and after a step; text
    /// as it is, anything else as JSON.
    void set_state_before(Text state) const noexcept { set_attribute("judgment.state_before", state); }
    template <typename T>
    requires(!std::convertible_to<const T&, Text>) void set_state_before(const T& state) const noexcept {
        set_json("judgment.state_before", state);
    }
    void set_state_after(Text state) const noexcept { set_attribute("judgment.state_after", state); }
    template <typename T>
    requires(!std::convertible_to<const T&, Text>) void set_state_after(const T& state) const noexcept {
        set_json("judgment.state_after", state);
    }

    // Each of the next four sets its value on the span and on every span started below it from then on, on
    // any thread and, through W3C Baggage, in other services. An empty value takes it away again. What does
    // not fit the limits of baggage (4,096 bytes a pair, 8,192 and 180 pairs altogether) is left out and
    // counted as a dropped attribute.

    /// judgment.session_id: traces with the same one are a session.
    void set_session_id(Text session_id) const noexcept { inherit("judgment.session_id", session_id, true); }
    /// judgment.customer_id: the customer this is done for.
    void set_customer_id(Text customer_id) const noexcept {
        inherit("judgment.customer_id", customer_id, true);
    }
    /// judgment.customer_user_id: the customer's own user.
    void set_customer_user_id(Text customer_user_id) const noexcept {
        inherit("judgment.customer_user_id", customer_user_id, true);
    }
    /// An attribute of your own. Keys that begin with "judgment." are the platform's and are left out.
    void set_propagating_attribute(Text key, Text value) const noexcept { inherit(key, value, false); }

    /// Sets judgment.span_kind: "span", "function", "tool", "llm", "agent" or a name of your own.
    void set_span_kind(Text kind) const noexcept {
        if (detail::OpenSpan* const span = open()) detail::set_type(*span, kind);
    }

    /// Adds an event that happened now.
    void add_event(Text name, std::initializer_list<Attribute> attributes = {}) const noexcept {
        if (detail::OpenSpan* const span = open()) detail::append_event(*span, name, attributes);
    }

    /// Links the span to another one. An invalid context is ignored.
    void add_link(const SpanContext& linked,
                  std::initializer_list<Attribute> attributes = {}) const noexcept {
        if (detail::OpenSpan* const span = open()) detail::append_link(*span, linked, attributes);
    }

    /// Adds an `exception` event (type, message, stack trace of this call) and sets the status to error, with
    /// the exception's message (OpenTelemetry semantic conventions, "Exceptions in spans").
    void record_exception(const std::exception& exception) const noexcept {
        if (detail::OpenSpan* const span = open()) detail::append_exception(*span, exception);
    }

    /// The same for whatever is being handled; call it from inside a catch block.
    void record_current_exception() const noexcept {
        if (detail::OpenSpan* const span = open()) detail::append_current_exception(*span);
    }

    /// The description counts for kError only (OpenTelemetry tracing API, "Set Status").
    void set_status(StatusCode code, Text description = {}) const noexcept {
        if (detail::OpenSpan* const span = open()) detail::set_status(*span, code, description);
    }

    /// Sends the span as it stands (its end is its start) and goes on with it: for one that will be open for
    /// long. The backend replaces it when it ends; judgment.update_id counts. See
    /// PipelineOptions::emit_open_after for when that happens by itself.
    void emit_partial() const noexcept {
        if (detail::OpenSpan* const span = open()) detail::emit_partial(*span);
    }
    /// The same if the tracer is set to do so for each span whose input is known.
    void emit_on_entry() const noexcept {
        if (detail::OpenSpan* const span = open()) detail::emit_on_entry(*span);
    }

    void update_name(Text name) const noexcept {
        if (detail::OpenSpan* const span = open()) detail::set_name(*span, name);
    }

  private:
    [[nodiscard]] JUDGEVAL_ALWAYS_INLINE detail::OpenSpan* open() const noexcept {
        if constexpr (detail::kCompiledIn) {
            return static_cast<const Derived*>(this)->recording_span();
        } else {
            return nullptr;
        }
    }

    void inherit(Text key, Text value, bool is_platform) const noexcept {
        if constexpr (detail::kCompiledIn) {
            if (detail::ContextNode* const node = static_cast<const Derived*>(this)->context_node()) {
                const detail::InheritedPair pair{key.view(), value.view(), is_platform};
                detail::set_inherited(*node, {&pair, 1});
            }
        }
    }

    template <typename T>
    void set_json(Key key, const T& value) const noexcept {
        if (detail::OpenSpan* const span = open()) {
            detail::append_attribute(*span, key, AttributeValue::json(value));
        }
    }
};

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
