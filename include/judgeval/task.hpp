// Task: a coroutine in which the current span stays current across every co_await, on whatever thread it goes
// on.
//
//     judgeval::Task<int> answer(judgeval::Tracer tracer, Pool& pool) {
//         auto span = tracer.span("answer");
//         co_await pool.schedule();     // hops to another thread; the span is still current
//         co_return co_await count();   // a child of the span
//     }
//     int result = judgeval::start(answer(tracer, pool)).get();
//
// What a suspended task has open is on no thread's stack, so whoever resumes it keeps a context of its own,
// and any number of tasks may take turns on one thread. Optional: judgeval/judgeval.hpp does not bring it.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <future>
#include <optional>
#include <type_traits>
#include <utility>

#include "judgeval/detail/context_chain.hpp"
#include "judgeval/tracer.hpp"

namespace judgeval {
inline namespace JUDGEVAL_MODE {

template <typename T>
class Task;

}  // namespace JUDGEVAL_MODE

namespace detail {
inline namespace JUDGEVAL_MODE {

template <typename Awaitable>
decltype(auto) awaiter_of(Awaitable&& awaitable) {
    if constexpr (requires { std::forward<Awaitable>(awaitable).operator co_await(); }) {
        return std::forward<Awaitable>(awaitable).operator co_await();
    } else if constexpr (requires { operator co_await(std::forward<Awaitable>(awaitable)); }) {
        return operator co_await(std::forward<Awaitable>(awaitable));
    } else {
        return std::forward<Awaitable>(awaitable);
    }
}

/// Awaits anything with the task's contexts taken off the thread meanwhile.
template <typename Awaitable>
class DetachingAwaiter {
  public:
    DetachingAwaiter(ContextChain& chain, Awaitable&& awaitable)
        : chain_(&chain), awaiter_(awaiter_of(std::forward<Awaitable>(awaitable))) {}
    DetachingAwaiter(const DetachingAwaiter&) = delete;
    DetachingAwaiter& operator=(const DetachingAwaiter&) = delete;
    ~DetachingAwaiter() = default;

    bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }

    // Not inlined: what is local here must not end up in the coroutine, which may be gone before this
    // returns.
    template <typename Promise>
    [[gnu::noinline]] auto await_suspend(std::coroutine_handle<Promise> handle) {
        if constexpr (!kCompiledIn) {
            return awaiter_.await_suspend(handle);
        } else {
            ContextChain& chain = *chain_;
            is_detached_ = true;
            try {
                // What is begun in order to resume the task belongs below its span.
                const ContextScope lent(detach_chain(chain));
                return awaiter_.await_suspend(handle);
            } catch (...) {  // then the task is not suspended
                is_detached_ = false;
                attach_chain(chain);
                throw;
            }
        }
    }

    decltype(auto) await_resume() {
        if constexpr (kCompiledIn) {
            if (is_detached_) attach_chain(*chain_);
            is_detached_ = false;
        }
        return awaiter_.await_resume();
    }

  private:
    ContextChain* chain_;
    bool is_detached_ = false;
    decltype(awaiter_of(std::declval<Awaitable>())) awaiter_;
};

/// What the promises of all tasks share.
class TaskPromiseBase {
  public:
    TaskPromiseBase() noexcept {
        if constexpr (kCompiledIn) made_below_ = current_context();
    }

    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
        struct Finish {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
                if (promise->is_root()) promise->leave();
                return promise->continuation_;
            }
            void await_resume() noexcept {}
            TaskPromiseBase* promise;
        };
        return Finish{this};
    }
    void unhandled_exception() noexcept { exception_ = std::current_exception(); }

    /// Another task runs in this one's contexts.
    template <typename U>
    auto await_transform(Task<U>&& task) noexcept {
        return typename Task<U>::Awaiter(task, chain_);
    }
    template <typename Awaitable>
    auto await_transform(Awaitable&& awaitable) {
        return DetachingAwaiter<Awaitable>(*chain_, std::forward<Awaitable>(awaitable));
    }

    /// To run before the task does: with the awaiting task's contexts, or with its own.
    void begin(std::coroutine_handle<> continuation, ContextChain* awaiting) noexcept {
        continuation_ = continuation;
        chain_ = awaiting != nullptr ? awaiting : &own_chain_;
        if constexpr (kCompiledIn) {
            if (awaiting == nullptr) enter_chain(own_chain_, made_below_);
        }
    }
    /// A task that goes while it is suspended ends its spans where they are current.
    void prepare_to_go() noexcept {
        if (is_root() && own_chain_.top != nullptr) attach_chain(own_chain_);
    }
    [[nodiscard]] bool is_root() const noexcept { return own_chain_.is_entered; }
    void leave() noexcept {
        if constexpr (kCompiledIn) leave_chain(own_chain_);
    }

  protected:
    TaskPromiseBase(const TaskPromiseBase&) = delete;
    TaskPromiseBase& operator=(const TaskPromiseBase&) = delete;
    // after the coroutine's local variables
    ~TaskPromiseBase() {
        if (is_root()) leave();
    }

    void rethrow() const {
        if (exception_) std::rethrow_exception(exception_);
    }

  private:
    std::coroutine_handle<> continuation_;
    ContextChain own_chain_;
    ContextChain* chain_ = &own_chain_;
    Context made_below_;
    std::exception_ptr exception_;
};

template <typename T>
class TaskPromise : public TaskPromiseBase {
  public:
    Task<T> get_return_object() noexcept;
    template <typename U>
    requires std::convertible_to<U&&, T>
    void return_value(U&& value) { result_.emplace(std::forward<U>(value)); }
    T take() {
        rethrow();
        return std::move(*result_);
    }

  private:
    std::optional<T> result_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
  public:
    Task<void> get_return_object() noexcept;
    void return_void() noexcept {}
    void take() const { rethrow(); }
};

}  // namespace JUDGEVAL_MODE
}  // namespace detail

inline namespace JUDGEVAL_MODE {

/// A coroutine that starts when it is awaited, once: `co_await child()`, or `start(task)` from outside of
/// coroutines. An exception that leaves it goes to whoever awaits it.
///
/// Awaited by a Task it runs below the span that is current there; started in any other way, below what was
/// current where it was made. A ScopedSpan or ContextScope of a task must end inside of it, as a local
/// variable does. A Task that is destroyed while it is suspended ends its spans.
///
/// Thread-safety: as a coroutine: it may go on on any thread, on one at a time. T is no reference.
template <typename T = void>
class [[nodiscard]] Task {
    static_assert(!std::is_reference_v<T>, "a Task returns a value, or nothing");

  public:
    using promise_type = detail::TaskPromise<T>;

    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (!handle_) return;
        if constexpr (detail::kCompiledIn) handle_.promise().prepare_to_go();
        handle_.destroy();
    }

    auto operator co_await() && noexcept { return Awaiter(*this, nullptr); }

  private:
    friend promise_type;
    friend class detail::TaskPromiseBase;

    class Awaiter {
      public:
        Awaiter(Task& task, detail::ContextChain* awaiting) noexcept
            : handle_(task.handle_), awaiting_(awaiting) {}
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> continuation) noexcept {
            handle_.promise().begin(continuation, awaiting_);
            return handle_;
        }
        T await_resume() { return handle_.promise().take(); }

      private:
        std::coroutine_handle<promise_type> handle_;
        detail::ContextChain* awaiting_;
    };

    explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

    std::coroutine_handle<promise_type> handle_;
};

}  // namespace JUDGEVAL_MODE

namespace detail {
inline namespace JUDGEVAL_MODE {

template <typename T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

/// A coroutine that nobody waits for.
struct Started {
    struct promise_type {
        Started get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }  // the promise takes them all
    };
};

template <typename T>
Started run(Task<T> task, std::promise<T> result) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            result.set_value();
        } else {
            result.set_value(co_await std::move(task));
        }
    } catch (...) {
        result.set_exception(std::current_exception());
    }
}

}  // namespace JUDGEVAL_MODE
}  // namespace detail

inline namespace JUDGEVAL_MODE {

/// Runs a task from outside of coroutines, on this thread up to where it first suspends. The future has its
/// result, or its exception. A task that nobody ever resumes is never freed.
template <typename T>
std::future<T> start(Task<T> task) {
    std::promise<T> result;
    std::future<T> future = result.get_future();
    detail::run(std::move(task), std::move(result));
    return future;
}

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
