// Taking a coroutine's entries off a thread's stack of contexts and putting them on another's. Runs on the
// thread that suspends or resumes the coroutine.
#include "judgeval/detail/context_chain.hpp"

#include "record/context_stack.hpp"

namespace judgeval::detail {

namespace {

/// What an entry borrows may be kept by the thread alone, until its stack is empty: see keep_until_empty.
void own_inherited(ContextChain& chain) noexcept {
    for (ContextNode* node = chain.top; node != &chain.bottom; node = node->previous) {
        if (node->inherited == nullptr || (node->care & kOwnsInherited) != 0) continue;
        retain(node->inherited);
        node->care |= kOwnsInherited;
    }
}

}  // namespace

void enter_chain(ContextChain& chain, const Context& context) noexcept {
    enter_context(chain.bottom, context);
    chain.is_entered = true;
}

Context detach_chain(ContextChain& chain) noexcept {
    ThreadState& thread = thread_state;
    clear_arena(thread);
    Context context = context_of(*thread.current);
    chain.top = thread.current;
    if (thread.orphans != nullptr) own_inherited(chain);
    thread.current = chain.bottom.previous;
    if (thread.current == nullptr && thread.orphans != nullptr) free_orphans(thread);
    return context;
}

void attach_chain(ContextChain& chain) noexcept {
    ThreadState& thread = thread_state;
    clear_arena(thread);
    chain.bottom.previous = thread.current;
    thread.current = chain.top;
    chain.top = nullptr;
    thread.emit_open_at = 0;  // what is open in the chain is looked at when the next span starts or ends
}

void leave_chain(ContextChain& chain) noexcept {
    leave_context(chain.bottom);
    chain.is_entered = false;
}

ChainRun*& innermost_run() noexcept {
    constinit thread_local ChainRun* innermost = nullptr;
    return innermost;
}

}  // namespace judgeval::detail
