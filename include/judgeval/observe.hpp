// observe: a callable wrapped so that each call of it is a span.
//
// The wrapper runs on the calling thread: it starts a scoped span, records the arguments by name, calls
// through, records the result, and passes exceptions on after recording them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "judgeval/linked_trace.hpp"

namespace judgeval {

struct ObserveOptions {
    std::string name{};         ///< of the span; default "function"
    std::string type = "span";  ///< judgment.span_kind
    std::vector<std::string>
        args{};  ///< names of the parameters, in order; the others are called arg0, arg1, …
    bool record_input = true;
    bool record_output = true;
    /// Each call is a trace of its own, linked to the span that was current: see LinkedTrace.
    bool fork = false;
};

namespace detail {

template <typename Callable>
struct Signature {};  // generic or overloaded: whatever the arguments make of it
template <typename R, typename... A>
struct Signature<R (*)(A...)> {
    using Type = R(A...);
};
template <typename R, typename... A>
struct Signature<R (*)(A...) noexcept> {
    using Type = R(A...);
};
template <typename Member>
struct MemberSignature {};
#define JUDGEVAL_MEMBER_SIGNATURE(qualifiers)                    \
    template <typename R, typename C, typename... A>             \
    struct MemberSignature<R (C::*)(A...) qualifiers> {          \
        using Type = R(A...);                                    \
    };                                                           \
    template <typename R, typename C, typename... A>             \
    struct MemberSignature<R (C::*)(A...) qualifiers noexcept> { \
        using Type = R(A...);                                    \
    };
JUDGEVAL_MEMBER_SIGNATURE()
JUDGEVAL_MEMBER_SIGNATURE(const)
JUDGEVAL_MEMBER_SIGNATURE(&)
JUDGEVAL_MEMBER_SIGNATURE(const&)
#undef JUDGEVAL_MEMBER_SIGNATURE
template <typename Callable>
requires requires { &Callable::operator(); }
struct Signature<Callable> : MemberSignature<decltype(&Callable::operator())> {};

inline namespace JUDGEVAL_MODE {

/// The arguments of a call, to be written as one JSON object.
template <typename... A>
struct Arguments {
    const std::vector<std::string>& names;
    std::tuple<const A&...> values;

    void write(JsonWriter& json) const {
        json.begin_object();
        write_each(json, std::index_sequence_for<A...>());
        json.end_object();
    }

  private:
    template <std::size_t... I>
    void write_each(JsonWriter& json, std::index_sequence<I...>) const {
        (write_one<I>(json), ...);
    }
    template <std::size_t I>
    void write_one(JsonWriter& json) const {
        if (I < names.size()) {
            json.key(names[I]);
        } else {
            json.key("arg" + std::to_string(I));
        }
        write_json(json, std::get<I>(values));
    }
};

/// What the wrappers below share: the tracer, the options and the callable.
template <typename Callable>
class ObservedCall {
  public:
    ObservedCall(std::shared_ptr<TracerState> owner, TracerState* tracer, Callable callable,
                 ObserveOptions options)
        : owner_(std::move(owner)),
          tracer_(tracer),
          callable_(std::move(callable)),
          options_(std::move(options)) {
        if (options_.name.empty()) options_.name = "function";
    }

  protected:
    template <typename Self, typename... A>
    static decltype(auto) call(Self& self, A&&... arguments) {
        using Result = std::invoke_result_t<decltype((self.callable_)), A...>;
        if constexpr (!kCompiledIn) {
            return static_cast<Result>(std::invoke(self.callable_, std::forward<A>(arguments)...));
        } else {
            const SpanOptions options{.type = self.options_.type};
            if (self.options_.fork) [[unlikely]] {
                const LinkedTrace spans(*self.tracer_, self.options_.name, options);
                return run<Result>(
                    self,
                    [&spans](auto&& use) {
                        use(spans.root());
                        if (spans.invocation() != nullptr) use(*spans.invocation());
                    },
                    std::forward<A>(arguments)...);
            }
            const ScopedSpan span(*self.tracer_, self.options_.name, options);
            return run<Result>(
                self, [&span](auto&& use) { use(span); }, std::forward<A>(arguments)...);
        }
    }

  private:
    /// Calls through. `each` hands what is to be done to the span, or to both spans of a linked trace.
    template <typename Result, typename Self, typename Each, typename... A>
    static Result run(Self& self, const Each& each, A&&... arguments) {
        if (self.options_.record_input) {
            each([&](const auto& span) {
                if (!span.is_recording()) return;
                span.set_input(Arguments<std::remove_reference_t<A>...>{self.options_.args, {arguments...}});
            });
        }
        each([](const auto& span) { span.emit_on_entry(); });
        try {
            if constexpr (std::is_void_v<Result>) {
                std::invoke(self.callable_, std::forward<A>(arguments)...);
            } else if constexpr (std::is_reference_v<Result>) {
                Result result = std::invoke(self.callable_, std::forward<A>(arguments)...);
                if (self.options_.record_output) each([&](const auto& span) { span.set_output(result); });
                return static_cast<Result>(result);
            } else if constexpr (std::is_move_constructible_v<Result>) {
                Result result = std::invoke(self.callable_, std::forward<A>(arguments)...);
                if (self.options_.record_output) each([&](const auto& span) { span.set_output(result); });
                return result;
            } else {
                // neither copied nor moved: it must be made in place, and cannot be looked at on its way
                return std::invoke(self.callable_, std::forward<A>(arguments)...);
            }
        } catch (...) {
            each([](const auto& span) { span.record_current_exception(); });
            throw;
        }
    }

    std::shared_ptr<TracerState> owner_;
    TracerState* tracer_;
    Callable callable_;
    ObserveOptions options_;
};

/// For callables whose signature cannot be named: generic lambdas, overloaded call operators.
template <typename Callable, typename Signature = void>
class Observed : public ObservedCall<Callable> {
  public:
    using ObservedCall<Callable>::ObservedCall;
    template <typename... A>
    requires std::invocable<Callable&, A...>
    decltype(auto) operator()(A&&... arguments) { return this->call(*this, std::forward<A>(arguments)...); }
    template <typename... A>
    requires std::invocable<const Callable&, A...>
    decltype(auto) operator()(A&&... arguments) const {
        return this->call(*this, std::forward<A>(arguments)...);
    }
};

template <typename Callable, typename R, typename... A>
class Observed<Callable, R(A...)> : public ObservedCall<Callable> {
  public:
    using ObservedCall<Callable>::ObservedCall;
    R operator()(A... arguments) { return this->call(*this, std::forward<A>(arguments)...); }
    R operator()(A... arguments) const requires std::is_invocable_r_v<R, const Callable&, A...> {
        return this->call(*this, std::forward<A>(arguments)...);
    }
};

}  // namespace JUDGEVAL_MODE
}  // namespace detail

template <typename... A>
struct Serializer<detail::Arguments<A...>> {
    static void write(JsonWriter& json, const detail::Arguments<A...>& arguments) { arguments.write(json); }
};

}  // namespace judgeval
