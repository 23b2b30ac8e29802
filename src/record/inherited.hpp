// Inherited attributes: what a span hands down to every span below it, on its thread, on others and in other
// processes (session, customer, propagating attributes, foreign baggage, project override, agent,
// tracestate).
//
// Encoded once, when something is set, as the OTLP fields that each span below appends to its own
// (opentelemetry/proto/trace/v1/trace.proto, message Span). A block never changes: setting another value
// makes a new one. Made on the calling thread, with allocations; reading one takes none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "judgeval/detail/inherited_ref.hpp"
#include "judgeval/detail/open_span.hpp"
#include "record/project_marks.hpp"

namespace judgeval::detail {

/// Limits of W3C Baggage, which hold for what is inherited here too: it all may have to travel.
inline constexpr std::size_t kBaggageBytesMost = 8192;
inline constexpr std::size_t kBaggageEntryMost = 4096;
inline constexpr std::size_t kBaggageEntriesMost = 180;

struct InheritedEntry {
    std::string key;
    std::string value;
    std::string properties{};  ///< of a baggage entry, as they came
    bool is_attribute = true;  ///< of each span below
    bool is_baggage = true;    ///< goes to other services
    /// The value is the name of a project whose id is not known yet: see record/project_marks.hpp.
    bool is_project_name = false;

    friend bool operator==(const InheritedEntry&, const InheritedEntry&) = default;
};

struct Inherited final : InheritedBlock {
    Inherited();

    std::vector<InheritedEntry> entries;
    std::string trace_state;  ///< W3C, of a remote parent
    std::string bytes;        ///< what a span appends, and kCopySlack more
    std::size_t size = 0;     ///< of it without the slack
    std::uint64_t key_filter = 0;
    std::uint32_t attribute_count = 0;
    /// Of an agent of which no span has started: what is inherited once one has. The first is the agent's
    /// entry point.
    InheritedRef after_entry_point;

    [[nodiscard]] const InheritedEntry* find(std::string_view key) const noexcept;
};

[[nodiscard]] inline const Inherited* as_inherited(const InheritedBlock* block) noexcept {
    return static_cast<const Inherited*>(block);  // there is no other kind
}

/// `base` (null: nothing) with entries set, those with an empty value taken out. The same as `base` when they
/// do not fit the limits of baggage, or there is no memory; false in `is_done` then.
[[nodiscard]] InheritedRef with_entries(const InheritedBlock* base, std::span<const InheritedEntry> entries,
                                        bool& is_done) noexcept;
/// What came from elsewhere: valid UTF-8, no key twice, within the limits of baggage. Throws only
/// std::bad_alloc.
[[nodiscard]] InheritedRef inherited_from(std::vector<InheritedEntry> entries, std::string trace_state);
/// `base` with another tracestate.
[[nodiscard]] InheritedRef with_trace_state(const InheritedBlock* base,
                                            const std::string& trace_state) noexcept;
/// What spans below a context inherit; a reference for the caller. See SpanContext::trace_state.
[[nodiscard]] const InheritedBlock* inherited_of(const Context& context) noexcept;
/// `base` for an agent that begins: see after_entry_point.
[[nodiscard]] InheritedRef with_entry_point(InheritedRef base) noexcept;

/// Sets an entry for the calling thread's open span and all that starts below it, also below scopes that
/// stand above the span. False when it does not fit.
bool set_below(OpenSpan& span, const InheritedEntry& entry) noexcept;

/// Appends what the span inherits to its own bytes. A key that is set on the span itself keeps that value.
void append_inherited(OpenSpan& span) noexcept;

}  // namespace judgeval::detail
