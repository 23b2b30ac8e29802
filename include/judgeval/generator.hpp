// Generator: a coroutine that yields values to a loop. What its body opens is current only while the body
// runs, and ends with the generator: after its last value, or when it is destroyed before.
//
//     for (const std::string& token : judgeval::observe_items(tracer, tokens(), {.name = "answer"})) …
//
// Optional: judgeval/judgeval.hpp does not bring it.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "judgeval/detail/context_chain.hpp"
#include "judgeval/tracer.hpp"

namespace judgeval {
inline namespace JUDGEVAL_MODE {

/// Values that are made one at a time. Starts when the loop begins, below what is current there.
///
/// An exception that leaves the body goes to whoever asked for the value. Thread-safety: one thread at a
/// time. A ScopedSpan or ContextScope of the body must end inside of it, as a local variable does.
template <typename T>
class [[nodiscard]] Generator {
  public:
    class promise_type {
      public:
        promise_type() noexcept = default;
        promise_type(const promise_type&) = delete;
        promise_type& operator=(const promise_type&) = delete;
        // after the coroutine's local variables
        ~promise_type() {
            if constexpr (detail::kCompiledIn) {
                if (chain_.is_entered) detail::leave_chain(chain_);
            }
        }
        Generator get_return_object() noexcept {
            return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(const T& value) noexcept {
            value_ = std::addressof(value);
            return {};
        }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { exception_ = std::current_exception(); }
        /// A generator does not wait.
        template <typename Awaitable>
        void await_transform(Awaitable&&) = delete;

      private:
        friend class Generator;
        detail::ContextChain chain_;
        const T* value_ = nullptr;
        std::exception_ptr exception_;
    };

    class iterator {
      public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;

        iterator() noexcept = default;
        const T& operator*() const noexcept { return *generator_->handle_.promise().value_; }
        iterator& operator++() {
            generator_->advance();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const noexcept { return generator_->handle_.done(); }

      private:
        friend class Generator;
        explicit iterator(Generator& generator) noexcept : generator_(&generator) {}
        Generator* generator_ = nullptr;
    };

    Generator(Generator&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Generator& operator=(Generator other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Generator() {
        if (!handle_) return;
        if constexpr (detail::kCompiledIn) {
            if (handle_.promise().chain_.is_entered) detail::attach_chain(handle_.promise().chain_);
        }
        handle_.destroy();
    }

    /// Once.
    iterator begin() {
        advance();
        return iterator(*this);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

  private:
    explicit Generator(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

    void advance() {
        promise_type& promise = handle_.promise();
        if constexpr (detail::kCompiledIn) {
            if (promise.chain_.is_entered) {
                detail::attach_chain(promise.chain_);
            } else {
                detail::enter_chain(promise.chain_, detail::current_context());
            }
        }
        handle_.resume();
        if constexpr (detail::kCompiledIn) {
            if (handle_.done()) {
                detail::leave_chain(promise.chain_);
            } else {
                static_cast<void>(detail::detach_chain(promise.chain_));
            }
        }
        if (promise.exception_) std::rethrow_exception(std::exchange(promise.exception_, nullptr));
    }

    std::coroutine_handle<promise_type> handle_;
};

struct ObserveItemsOptions {
    std::string name = "generator";  ///< of the span, and of each item's
    bool record_items = true;        ///< each value a span of type "generator_item" with the value as output
};

/// The same values, with a span of type "generator" that is open from the first to the end. What the
/// generator's body opens is below it.
template <typename T>
Generator<T> observe_items(Tracer tracer, Generator<T> items, ObserveItemsOptions options) {
    auto span = tracer.span(options.name, {.type = "generator"});
    if (options.record_items) span.set_output("<generator>");
    for (auto item = items.begin(); item != items.end(); ++item) {
        if (options.record_items) {
            auto yielded = tracer.span(options.name, {.type = "generator_item"});
            yielded.set_output(*item);
        }
        co_yield *item;
    }
}

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
