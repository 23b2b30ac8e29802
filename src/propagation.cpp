// Between a context and the headers of a request: what the inline half of propagation.hpp calls.
//
// Run by the thread that takes or makes the request. A request without tracestate and baggage costs no
// allocation in either direction.
#include "judgeval/propagation.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "propagate/baggage.hpp"
#include "propagate/traceparent.hpp"
#include "propagate/tracestate.hpp"
#include "record/inherited.hpp"
#include "record/thread_state.hpp"

namespace judgeval::detail {

namespace {

/// Keys of this prefix are the platform's: of those that come from elsewhere only these describe a span here.
constexpr std::string_view kReservedPrefix = "judgment.";
constexpr std::array<std::string_view, 3> kTravellingKeys = {"judgment.session_id", "judgment.customer_id",
                                                             "judgment.customer_user_id"};

bool describes_spans(std::string_view key) noexcept {
    return !key.starts_with(kReservedPrefix) ||
           std::find(kTravellingKeys.begin(), kTravellingKeys.end(), key) != kTravellingKeys.end();
}

}  // namespace

Context context_from(const IncomingHeaders& headers) noexcept {
    Context context;  // returned where it stands: to move what was just written costs as much as to write it
    SpanContext& span_context = ContextParts::span_context(context);
    const bool is_valid = parse_traceparent(headers.traceparent, span_context);
    if (headers.baggage.empty() && (headers.tracestate.empty() || !is_valid)) [[likely]]
        return context;
    try {
        if (is_valid) span_context.trace_state = parse_tracestate(headers.tracestate);
        std::vector<InheritedEntry> entries = parse_baggage(headers.baggage);
        for (InheritedEntry& entry : entries) entry.is_attribute = describes_spans(entry.key);
        ContextParts::inherited(context) = inherited_from(std::move(entries), span_context.trace_state);
    } catch (...) {  // no memory: a fresh trace
        context = Context();
    }
    return context;
}

void make_headers(const Context* context, OutgoingHeaders& headers) noexcept try {
    const ContextNode* const current = thread_state.current;
    if (context == nullptr && current == nullptr) return;
    const SpanIdentity& identity = context != nullptr ? context->span_context() : current->context;
    const Inherited* const inherited =
        as_inherited(context != nullptr ? context->inherited().get() : current->inherited);
    if (identity.is_valid()) {
        format_traceparent(identity, headers.traceparent);
        headers.has_traceparent = true;
        static constexpr std::string_view kNone;
        const std::string_view trace_state = context != nullptr     ? context->span_context().trace_state
                                             : inherited != nullptr ? inherited->trace_state
                                                                    : kNone;
        // Checked once more: a program can put anything into a SpanContext of its own.
        if (!trace_state.empty()) headers.tracestate = parse_tracestate(trace_state);
    }
    if (inherited != nullptr) headers.baggage = format_baggage(inherited->entries);
    emit_open_spans(nullptr);
} catch (...) {  // no memory: without what does not fit
}

}  // namespace judgeval::detail
