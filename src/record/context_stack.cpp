// The rare cases of the stack of contexts.
#include "record/context_stack.hpp"

#include <new>

namespace judgeval::detail {

namespace {

bool is_on_stack(const ThreadState& thread, const ContextNode& node) noexcept {
    for (const ContextNode* at = thread.current; at != nullptr; at = at->previous) {
        if (at == &node) return true;
    }
    return false;
}

void keep_until_empty(ThreadState& thread, const InheritedBlock* block) noexcept {
    auto* const orphan = new (std::nothrow) OrphanedBlock{InheritedRef(block), thread.orphans};
    // Without memory for it the block stays for good, which is better than too short.
    if (orphan == nullptr) return retain(block);
    thread.orphans = orphan;
}

}  // namespace

void remove_from_stack(ThreadState& thread, ContextNode& node) noexcept {
    // Not found means that another thread owns the stack it is on; that stack is not ours to touch.
    if (!is_on_stack(thread, node)) return;
    for (ContextNode* above = thread.current;; above = above->previous) {
        if (above->span == node.span) above->span = nullptr;  // a scope that stands for a span that is gone
        if (above->previous == &node) {
            above->previous = node.previous;
            return;
        }
    }
}

void free_orphans(ThreadState& thread) noexcept {
    while (OrphanedBlock* const orphan = thread.orphans) {
        thread.orphans = orphan->next;
        delete orphan;  // NOLINT: the counterpart of keep_until_empty
    }
}

void release_inherited(ThreadState& thread, ContextNode& node, bool was_on_top) noexcept {
    if ((node.care & kOwnsInherited) != 0) {
        if (was_on_top || thread.current == nullptr) {
            release(node.inherited);
        } else {
            keep_until_empty(thread, node.inherited);
        }
    }
    node.inherited = nullptr;
    node.care = 0;
    if (thread.current == nullptr && thread.orphans != nullptr) free_orphans(thread);
}

void replace_inherited(ThreadState& thread, ContextNode& node, InheritedRef inherited) noexcept {
    if ((node.care & kOwnsInherited) != 0) {
        // Those who borrow from this entry stand above it.
        const bool is_borrowed = thread.current != &node && is_on_stack(thread, node);
        is_borrowed ? keep_until_empty(thread, node.inherited) : release(node.inherited);
    }
    node.inherited = inherited.take();
    node.care |= kOwnsInherited;
}

}  // namespace judgeval::detail
