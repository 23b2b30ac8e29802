// Boost.Asio's coroutines, with the current span kept across every co_await, on whatever thread they go on.
//
//     judgeval::Awaitable<void> serve(judgeval::Tracer tracer, tcp::socket socket) {
//         auto span = tracer.span("serve");
//         std::string request(100, '\0');
//         co_await socket.async_read_some(boost::asio::buffer(request), judgeval::use_awaitable);
//         co_await answer(tracer, request);   // another Awaitable, below the span
//     }
//     boost::asio::co_spawn(io, serve(tracer, std::move(socket)), boost::asio::detached);
//
// They are asio::awaitable coroutines with an executor type of their own, which is all that tells them from
// others: one that is suspended by asio::use_awaitable, which would leave its span on the thread, does not
// compile. Neither does one awaiting a coroutine of the plain type; spawn that one:
// `co_await asio::co_spawn(executor, plain(), judgeval::use_awaitable)`.
//
// What a coroutine has open goes from thread to thread inside of the handler that resumes it, so that nothing
// of it is on a thread, or touched by one, while it is suspended. For Boost 1.74 and later, of which it needs
// what is behind use_awaitable (asio::detail).
#pragma once

#include <utility>
// Boost.Asio 1.74 leaves <utility> out
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/version.hpp>
#include <memory>

#include "judgeval/detail/context_chain.hpp"
#include "judgeval/tracer.hpp"

#if !defined(BOOST_ASIO_HAS_CO_AWAIT)
#error \
    "Boost.Asio has no coroutines here; Clang: define BOOST_ASIO_HAS_CO_AWAIT, BOOST_ASIO_HAS_STD_COROUTINE"
#endif

namespace judgeval {
inline namespace JUDGEVAL_MODE {

/// What Awaitables run on: any executor of Asio's.
class ContextExecutor : public boost::asio::any_io_executor {
  public:
    using boost::asio::any_io_executor::any_io_executor;
    ContextExecutor(const boost::asio::any_io_executor& executor)  // NOLINT: converts, as the others do
        : boost::asio::any_io_executor(executor) {}
};

/// A coroutine of Asio's in which the current span stays current, to be started by asio::co_spawn or awaited
/// by another.
///
/// Spawned, it runs below what was current at co_spawn; awaited, below what is current there. A ScopedSpan or
/// ContextScope of a coroutine must end inside of it, as a local variable does. One that is destroyed while
/// it is suspended ends its spans.
///
/// Thread-safety: as Asio's: it may go on on any thread, on one at a time.
template <typename T = void>
using Awaitable = boost::asio::awaitable<T, ContextExecutor>;

/// The completion token with which an Awaitable awaits an asynchronous operation.
inline constexpr boost::asio::use_awaitable_t<ContextExecutor> use_awaitable;

}  // namespace JUDGEVAL_MODE

namespace detail {
inline namespace JUDGEVAL_MODE {

/// A stack of coroutines that await each other, the innermost of which runs or waits.
using AwaitableThread = boost::asio::detail::awaitable_thread<ContextExecutor>;

/// A coroutine that runs on this thread, from where it is resumed to where it is suspended or ends.
class AwaitableRun {
  public:
    AwaitableRun(std::unique_ptr<ContextChain> chain, const AwaitableThread* coroutine) noexcept
        : run_{std::move(chain), coroutine, innermost_run()} {
        attach_chain(*run_.chain);
        innermost_run() = &run_;
    }
    AwaitableRun(const AwaitableRun&) = delete;
    AwaitableRun& operator=(const AwaitableRun&) = delete;
    ~AwaitableRun() {
        innermost_run() = run_.outer;
        // Without, it is suspended, or running elsewhere already.
        if (run_.chain) leave_chain(*run_.chain);
    }

  private:
    ChainRun run_;
};

/// The contexts of a coroutine that is about to be suspended. One that is only being launched, which happens
/// where it is spawned, gets new ones.
inline std::unique_ptr<ContextChain> chain_of(const AwaitableThread* coroutine) {
    ChainRun* const run = innermost_run();
    if (run != nullptr && run->coroutine == coroutine) return std::move(run->chain);
    auto chain = std::make_unique<ContextChain>();
    enter_chain(*chain, current_context());
    return chain;
}

/// A suspended coroutine that nobody will resume: ends its spans where they are current.
template <typename Coroutine>
class GivenUp {
  public:
    GivenUp(std::unique_ptr<ContextChain> chain, Coroutine coroutine) noexcept
        : chain_(std::move(chain)), coroutine_(std::move(coroutine)) {}
    GivenUp(GivenUp&&) noexcept = default;
    GivenUp& operator=(GivenUp&&) = delete;
    ~GivenUp() { (*this)(); }

    void operator()() noexcept {
        if (!chain_) return;
        attach_chain(*chain_);
        { const Coroutine destroyed(std::move(coroutine_)); }
        leave_chain(*chain_);
        chain_.reset();
    }

  private:
    std::unique_ptr<ContextChain> chain_;
    Coroutine coroutine_;
};

/// Asio's handler, which owns the coroutine that it resumes, with the coroutine's contexts.
template <typename Handler>
class ChainHandler : public Handler {
  public:
    ChainHandler(AwaitableThread* coroutine, std::unique_ptr<ContextChain> chain)
        : Handler(coroutine), chain_(std::move(chain)) {}
    ChainHandler(ChainHandler&&) noexcept = default;
    ChainHandler& operator=(ChainHandler&&) = delete;
    ~ChainHandler() {
        // Asio's own destructor does the same, but for the contexts.
        if (!this->bottom_of_stack_.valid()) return;
        using Coroutine = decltype(this->bottom_of_stack_);
        const ContextExecutor executor = this->get_executor();
        boost::asio::post(executor, GivenUp<Coroutine>(std::move(chain_), std::move(this->bottom_of_stack_)));
    }

    template <typename... Results>
    void operator()(Results&&... results) {
        const AwaitableRun run(std::move(chain_), this);
        Handler::operator()(std::forward<Results>(results)...);
    }

  private:
    std::unique_ptr<ContextChain> chain_;
};

/// Takes a coroutine's contexts off this thread, then begins what will resume it.
///
/// Not inlined: what is local here must not end up in the coroutine, which may be gone before this returns.
template <typename Handler, typename Frame, typename Initiation, typename... Arguments>
[[gnu::noinline]] void begin_detached(Frame& frame, Initiation& initiation, Arguments&... arguments) {
    AwaitableThread* const coroutine = frame.detach_thread();
    std::unique_ptr<ContextChain> chain;
    try {
        chain = chain_of(coroutine);
    } catch (...) {  // no memory; then it is not suspended
        frame.attach_thread(coroutine);
        throw;
    }
    // What is begun in order to resume the coroutine belongs below its span.
    const ContextScope lent(detach_chain(*chain));
    std::move(initiation)(ChainHandler<Handler>(coroutine, std::move(chain)), std::move(arguments)...);
}

}  // namespace JUDGEVAL_MODE
}  // namespace detail
}  // namespace judgeval

/// What Asio does with use_awaitable, see boost/asio/impl/use_awaitable.hpp, with contexts.
template <typename R, typename... Results>
requires(judgeval::detail::kCompiledIn) class boost::asio::async_result<
    boost::asio::use_awaitable_t<judgeval::ContextExecutor>, R(Results...)> {
  public:
    using handler_type =
        boost::asio::detail::awaitable_handler<judgeval::ContextExecutor, std::decay_t<Results>...>;
    using return_type = typename handler_type::awaitable_type;

    template <typename Initiation, typename... Arguments>
    static return_type initiate(Initiation initiation,
                                boost::asio::use_awaitable_t<judgeval::ContextExecutor>,
                                Arguments... arguments) {
        co_await [&](auto* frame) {
            judgeval::detail::begin_detached<handler_type>(*frame, initiation, arguments...);
            return static_cast<handler_type*>(nullptr);
        };
        for (;;) {  // the handler resumes whoever awaits this
        }
    }
};

#if BOOST_ASIO_VERSION >= 102400
/// From Boost 1.80 on, an operation may be awaited without use_awaitable, which would leave the span on the
/// thread; of an Awaitable that does not compile.
template <typename Signature, typename Operation>
class boost::asio::detail::awaitable_async_op<Signature, Operation, judgeval::ContextExecutor>;
#endif
