// A thread's stack of current contexts: pushing, popping, and who frees what is inherited along it.
//
// An entry borrows what it inherits from the one below it, so that a span below a session counts no
// reference. Whoever sets something owns the new block. Should an entry go before those above it (a span
// ended out of order), what it owned is kept until the stack is empty. Runs on the thread whose stack it is.
#pragma once

#include "judgeval/detail/inherited_ref.hpp"
#include "record/span_bytes.hpp"
#include "record/thread_state.hpp"

namespace judgeval::detail {

/// A block that an entry left behind while others might still borrow it.
struct OrphanedBlock {
    InheritedRef block;
    OrphanedBlock* next;
};

/// For an entry that is not on top of the stack (any more): takes it out, and off the entries above it.
void remove_from_stack(ThreadState& thread, ContextNode& node) noexcept;
void free_orphans(ThreadState& thread) noexcept;
/// Lets go of what the entry owns; it inherits nothing afterwards.
void release_inherited(ThreadState& thread, ContextNode& node, bool was_on_top) noexcept;
/// Gives the entry something else to hand down.
void replace_inherited(ThreadState& thread, ContextNode& node, InheritedRef inherited) noexcept;

inline void push(ThreadState& thread, ContextNode& node) noexcept {
    clear_arena(thread);
    node.previous = thread.current;
    thread.current = &node;
}

/// Takes the entry off the stack; what it owns goes with release_inherited(), which wants to know whether it
/// was on top.
inline bool pop(ThreadState& thread, ContextNode& node) noexcept {
    if (thread.current == &node) [[likely]] {
        thread.current = node.previous;
        return true;
    }
    remove_from_stack(thread, node);
    return false;
}

}  // namespace judgeval::detail
