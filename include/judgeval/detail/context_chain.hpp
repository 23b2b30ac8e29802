// ContextChain: the part of a thread's stack of contexts that belongs to a coroutine, taken off when it
// suspends and put on again, on whatever thread, when it goes on.
//
// For judgeval/task.hpp, judgeval/generator.hpp and judgeval/adapters/asio.hpp; a program without them pays
// nothing.
// A chain is used by one thread at a time; whoever resumes a coroutine elsewhere synchronises, as for
// anything else in it.
#pragma once

#include <memory>

#include "judgeval/detail/tracer_state.hpp"

namespace judgeval::detail {

struct ContextChain {
    ContextNode bottom;          ///< what the coroutine runs below; owns what the entries above it borrow
    ContextNode* top = nullptr;  ///< while it is off the stack
    bool is_entered = false;
};

/// Makes `context` current as the bottom of the chain.
JUDGEVAL_API void enter_chain(ContextChain& chain, const Context& context) noexcept;
/// Takes the chain, with all that its coroutine opened, off this thread's stack; what was current before it
/// is current again. Returns what was current in the coroutine.
JUDGEVAL_API Context detach_chain(ContextChain& chain) noexcept;
/// Puts the chain on this thread's stack.
JUDGEVAL_API void attach_chain(ContextChain& chain) noexcept;
/// Undoes enter_chain().
JUDGEVAL_API void leave_chain(ContextChain& chain) noexcept;

/// Somebody else's coroutine that runs on this thread: what it is found by when it is suspended, which it
/// does not tell otherwise. These nest, as their calls do.
struct ChainRun {
    std::unique_ptr<ContextChain> chain;  ///< null once it has been suspended
    const void* coroutine;                ///< stands for it, unlike any other that lives
    ChainRun* outer;
};
/// The calling thread's; null when it runs none.
[[nodiscard]] JUDGEVAL_API ChainRun*& innermost_run() noexcept;

}  // namespace judgeval::detail
