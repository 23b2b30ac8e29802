// The calling thread's current context: entering and leaving one, and setting what is inherited below it.
//
// Runs on the thread that traces; allocates when something is set or a Context is made, never when a span
// starts below another.
#include <array>
#include <utility>

#include "judgeval/detail/tracer_state.hpp"
#include "record/context_stack.hpp"
#include "record/inherited.hpp"
#include "record/random.hpp"

namespace judgeval::detail {

namespace {

constexpr std::string_view kReservedPrefix = "judgment.";

/// The open span behind an entry, when it is the owner's to write to.
OpenSpan* recording_span(const ContextNode& node) noexcept {
    return node.span != nullptr && node.span->state == SpanState::kRecording ? node.span : nullptr;
}

void set_entries(ContextNode& node, std::span<const InheritedEntry> entries) noexcept {
    ThreadState& thread = thread_state;
    OpenSpan* const span = recording_span(node);
    bool is_done = false;
    InheritedRef made = with_entries(node.inherited, entries, is_done);
    if (!is_done) {
        if (span != nullptr) span->tally.dropped_attributes += static_cast<std::uint32_t>(entries.size());
        return;
    }
    replace_inherited(thread, node, std::move(made));
    if (span == nullptr) return;
    const bool is_own_entry = &span->node == &node;
    for (const InheritedEntry& entry : entries) {
        if (!entry.is_attribute) continue;
        if (!is_own_entry) {  // a scope above the span: the span does not inherit from it
            append_string(*span, entry.key, entry.value, false);
        } else if ((span->tally.key_filter & key_filter_bit(entry.key)) != 0 &&
                   remove_attribute(*span, entry.key)) {
            ++span->tally.attributes_left;
        }
    }
}

}  // namespace

bool set_below(OpenSpan& span, const InheritedEntry& entry) noexcept {
    ThreadState& thread = thread_state;
    bool is_set = false;
    for (ContextNode* node = thread.current; node != nullptr && !is_set; node = node->previous) {
        if (node->span != &span) continue;
        bool is_done = false;
        InheritedRef made = with_entries(node->inherited, {&entry, 1}, is_done);
        if (!is_done) return false;
        replace_inherited(thread, *node, std::move(made));
        is_set = node == &span.node;
    }
    return is_set;
}

ContextNode* current_node() noexcept { return thread_state.current; }

OpenSpan* current_span() noexcept {
    const ContextNode* const node = thread_state.current;
    return node != nullptr ? node->span : nullptr;
}

Context context_of(const ContextNode& node) noexcept try {
    retain(node.inherited);
    InheritedRef inherited(node.inherited);
    SpanContext context(node.context);
    if (const Inherited* const block = as_inherited(inherited.get()))
        context.trace_state = block->trace_state;
    return {std::move(context), std::move(inherited)};
} catch (...) {  // no memory for the tracestate
    return Context(SpanContext(node.context));
}

Context current_context() noexcept {
    const ContextNode* const node = thread_state.current;
    return node != nullptr ? context_of(*node) : Context();
}

const InheritedBlock* inherited_of(const Context& context) noexcept {
    const Inherited* const block = as_inherited(context.inherited().get());
    const std::string& trace_state = context.span_context().trace_state;
    const bool is_same = block != nullptr ? block->trace_state == trace_state : trace_state.empty();
    if (!is_same) return with_trace_state(block, trace_state).take();
    retain(block);
    return block;
}

void enter_context(ContextNode& node, const Context& context) noexcept {
    node.span = nullptr;
    node.context = context.span_context();
    node.inherited = inherited_of(context);
    node.care = kOwnsInherited;
    push(thread_state, node);
}

void enter_scope(ContextNode& node) noexcept {
    ThreadState& thread = thread_state;
    if (ContextNode* const above = thread.current) {
        node.span = above->span;
        node.context = above->context;
        node.inherited = above->inherited;
    } else {
        node.span = nullptr;
        node.context = {};
        node.inherited = nullptr;
    }
    node.care = 0;
    push(thread, node);
}

void leave_context(ContextNode& node) noexcept {
    ThreadState& thread = thread_state;
    const bool was_on_top = pop(thread, node);
    release_inherited(thread, node, was_on_top);
}

void set_inherited(ContextNode& node, std::span<const InheritedPair> pairs) noexcept try {
    std::vector<InheritedEntry> entries;
    entries.reserve(pairs.size());
    for (const auto& [key, value, is_platform] : pairs) {
        if (key.empty()) continue;
        if (!is_platform && key.starts_with(kReservedPrefix)) {
            if (OpenSpan* const span = recording_span(node)) ++span->tally.dropped_attributes;
            continue;
        }
        entries.push_back({.key = std::string(key), .value = std::string(value)});
    }
    if (!entries.empty()) set_entries(node, entries);
} catch (...) {  // no memory
    if (OpenSpan* const span = recording_span(node)) ++span->tally.dropped_attributes;
}

void enter_agent(ContextNode& node, std::string_view class_name, std::string_view instance_name) noexcept
    try {
    ThreadState& thread = thread_state;
    node.span = nullptr;
    node.context = {};
    node.inherited = nullptr;
    node.care = 0;
    const InheritedBlock* outer = nullptr;
    if (const ContextNode* const above = thread.current) {
        node.context = above->context;
        outer = node.inherited = above->inherited;
    }
    const InheritedEntry* const parent =
        outer != nullptr ? as_inherited(outer)->find("judgment.agent_id") : nullptr;
    // What another service calls by that name is no attribute here.
    const bool has_parent = parent != nullptr && parent->is_attribute;
    const auto entry = [](std::string_view key, std::string_view value) {
        return InheritedEntry{.key = std::string(key), .value = std::string(value), .is_baggage = false};
    };
    const std::array entries = {entry("judgment.parent_agent_id", has_parent ? parent->value : ""),
                                entry("judgment.agent_id", new_uuid()),
                                entry("judgment.agent_class_name", class_name),
                                entry("judgment.agent_instance_name", instance_name)};
    bool is_done = false;
    InheritedRef made = with_entries(outer, entries, is_done);
    node.inherited = with_entry_point(std::move(made)).take();
    node.care |= kOwnsInherited;
    push(thread, node);
} catch (...) {  // no memory for what says which agent it is
    push(thread_state, node);
}

void enter_new_trace(ContextNode& node) noexcept {
    // without tracestate, which is the other trace's
    enter_context(node, Context(SpanContext(), current_context().inherited()));
}

}  // namespace judgeval::detail
