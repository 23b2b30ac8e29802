// What the inline API shares with the library: the switch that every span looks at, and the calls behind it.
//
// A tracer's state is made and owned by the library; a Tracer is a counted handle to it. Only the switch is
// read on the hot path. With JUDGEVAL_DISABLE none of these calls is ever emitted.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "judgeval/attribute_value.hpp"
#include "judgeval/context.hpp"
#include "judgeval/detail/open_span.hpp"
#include "judgeval/export.hpp"
#include "judgeval/options.hpp"
#include "judgeval/stats.hpp"

// The API's classes live in an inline namespace of their own for each of the two modes, so that translation
// units compiled with and without JUDGEVAL_DISABLE can be linked into one program.
#if defined(JUDGEVAL_DISABLE)
#define JUDGEVAL_MODE compiled_out
#else
#define JUDGEVAL_MODE compiled_in
#endif

namespace judgeval {

enum class StatusCode : std::uint8_t { kUnset = 0, kOk = 1, kError = 2 };

namespace detail {

#if defined(JUDGEVAL_DISABLE)
inline namespace compiled_out {
inline constexpr bool kCompiledIn = false;
}
#else
inline namespace compiled_in {
inline constexpr bool kCompiledIn = true;
}
#endif

struct TracerState {
    /// Relaxed: a switch, not a message; a thread that sees it late records or skips a few spans more.
    std::atomic<bool> is_recording{false};
    /// Where its spans go; null until needed (and again in a forked child).
    std::atomic<Pipeline*> pipeline{nullptr};
};

/// What a tracer without a client points to: always off.
inline constinit TracerState no_tracer{};

struct ClientState;

[[nodiscard]] JUDGEVAL_API std::shared_ptr<ClientState> make_client(ClientOptions options);
class OfflineExamples;
/// With `offline_examples` its traces are offline ones, and each becomes an example.
[[nodiscard]] JUDGEVAL_API std::shared_ptr<TracerState> make_tracer(
    ClientState& client, TracerOptions options, std::shared_ptr<OfflineExamples> offline_examples = nullptr);
JUDGEVAL_API bool force_flush(TracerState& tracer, std::chrono::nanoseconds timeout) noexcept;
JUDGEVAL_API bool shutdown(TracerState& tracer, std::chrono::nanoseconds timeout) noexcept;
JUDGEVAL_API void set_monitoring(TracerState& tracer, bool enabled) noexcept;
JUDGEVAL_API Stats stats(const TracerState& tracer) noexcept;

/// Asks the platform to tag the trace that is current here.
JUDGEVAL_API void tag_trace(TracerState& tracer, std::span<const std::string_view> tags) noexcept;

/// Routes the trace of `span` (null: there is none) to the project of that name.
JUDGEVAL_API void override_project(TracerState& tracer, OpenSpan* span, std::string_view name,
                                   bool is_allowed_below_root) noexcept;

/// The calling thread's innermost open span, or null.
[[nodiscard]] JUDGEVAL_API OpenSpan* current_span() noexcept;
/// The calling thread's current context, as an entry of its stack; null outside of any.
[[nodiscard]] JUDGEVAL_API ContextNode* current_node() noexcept;
[[nodiscard]] JUDGEVAL_API Context current_context() noexcept;
[[nodiscard]] JUDGEVAL_API Context context_of(const ContextNode& node) noexcept;

/// A value that spans inherit. An empty one is taken out.
struct InheritedPair {
    std::string_view key;
    std::string_view value;
    bool is_platform = false;  ///< one of the library's own keys, which begin with "judgment."
};
/// Sets values on the entry's span and for everything that starts below it.
JUDGEVAL_API void set_inherited(ContextNode& node, std::span<const InheritedPair> pairs) noexcept;

// Each of these fills in the entry and makes it current; leave_context() undoes it, on the same thread.
JUDGEVAL_API void enter_context(ContextNode& node, const Context& context) noexcept;
/// What is current already, for values to be set.
JUDGEVAL_API void enter_scope(ContextNode& node) noexcept;
/// What is current already, for a new agent.
JUDGEVAL_API void enter_agent(ContextNode& node, std::string_view class_name,
                              std::string_view instance_name) noexcept;
/// Outside of any span, with what is inherited here.
JUDGEVAL_API void enter_new_trace(ContextNode& node) noexcept;
JUDGEVAL_API void leave_context(ContextNode& node) noexcept;

// Operations on a span that is recording; the calling thread owns it.
JUDGEVAL_API void set_type(OpenSpan& span, Text type) noexcept;
JUDGEVAL_API void set_name(OpenSpan& span, Text name) noexcept;
JUDGEVAL_API void set_status(OpenSpan& span, StatusCode code, Text description) noexcept;
JUDGEVAL_API void append_event(OpenSpan& span, Text name,
                               std::initializer_list<Attribute> attributes) noexcept;
JUDGEVAL_API void append_link(OpenSpan& span, const SpanContext& linked,
                              std::initializer_list<Attribute> attributes) noexcept;
JUDGEVAL_API void append_exception(OpenSpan& span, const std::exception& exception) noexcept;
JUDGEVAL_API void emit_partial(OpenSpan& span) noexcept;
JUDGEVAL_API void emit_on_entry(OpenSpan& span) noexcept;
/// Call it from inside a catch block.
JUDGEVAL_API void append_current_exception(OpenSpan& span) noexcept;

}  // namespace detail
}  // namespace judgeval
