// How a trace goes on in another process: its context travels in the headers of a request.
//
//     judgeval::inject(request.headers);                             // the caller, within a span
//     const auto scope = judgeval::continue_trace(request.headers);  // the callee: what follows is below it
//
// Three headers: traceparent and tracestate (W3C Trace Context level 2) say which span calls, baggage (W3C
// Baggage) carries session, customer and propagating attributes. Run by the thread that makes or takes the
// request; nothing here blocks, fails or throws, whatever a carrier holds.
//
// A carrier is
//   - anything like a map from names to values: std::map, unordered_map, multimap, a vector of pairs. Names
//     are found in any case; several headers of one name count as one, joined with commas, as in HTTP;
//   - to inject: a callable that takes a name and a value;
//   - to extract: a callable that takes a name and returns text, or a pointer to or an optional of it; empty
//     or null means that there is no such header;
//   - what CarrierTraits is specialised for: judgeval/adapters/ has the headers of some HTTP libraries.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "judgeval/context.hpp"
#include "judgeval/detail/tracer_state.hpp"
#include "judgeval/export.hpp"
#include "judgeval/span.hpp"

namespace judgeval {

namespace detail {

inline constexpr const char* kTraceparentName = "traceparent";
inline constexpr const char* kTracestateName = "tracestate";
inline constexpr const char* kBaggageName = "baggage";

/// What an incoming request says; empty means that there is no such header.
struct IncomingHeaders {
    std::string_view traceparent;
    std::string_view tracestate;
    std::string_view baggage;
};

/// What an outgoing request is to say; empty means that there is to be no such header.
struct OutgoingHeaders {
    std::array<char, 55> traceparent;
    bool has_traceparent = false;
    std::string tracestate;
    std::string baggage;
};

[[nodiscard]] JUDGEVAL_API Context context_from(const IncomingHeaders& headers) noexcept;
/// For `context`, or where that is null, for the calling thread's current one. `headers` are new.
JUDGEVAL_API void make_headers(const Context* context, OutgoingHeaders& headers) noexcept;

/// Whether `name` is, in any case, `wanted`, which consists of lower-case letters.
[[nodiscard]] inline bool is_header(std::string_view name, std::string_view wanted) noexcept {
    if (name.size() != wanted.size()) return false;
    constexpr std::uint64_t kLowerCase = 0x2020202020202020ULL;
    const auto is_same = [&](std::size_t at) {
        return (load_unaligned<std::uint64_t>(name.data() + at) | kLowerCase) ==
               load_unaligned<std::uint64_t>(wanted.data() + at);
    };
    if (name.size() >= 8) {  // a word at a time, the last one over the one before
        std::size_t at = 0;
        while (at + 8 < name.size()) {
            if (!is_same(at)) return false;
            at += 8;
        }
        return is_same(name.size() - 8);
    }
    unsigned difference = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        difference |= (static_cast<unsigned char>(name[i]) | 0x20U) ^ static_cast<unsigned char>(wanted[i]);
    }
    return difference == 0;
}

template <typename Value>
concept Textual = std::convertible_to<const Value&, std::string_view>;

/// The text in what a getter returned.
template <typename Value>
constexpr std::string_view text_in(const Value& value) noexcept {
    if constexpr (std::convertible_to<const Value&, const char*>) {
        const char* const text = value;
        return text != nullptr ? std::string_view(text) : std::string_view();
    } else if constexpr (Textual<Value>) {
        return value;
    } else {
        return value ? text_in(*value) : std::string_view();
    }
}

template <typename Value>
concept PerhapsTextual = Textual<Value> || requires(const Value& value) {
    value ? 0 : 1;
    { *value } -> std::convertible_to<std::string_view>;
};

/// Like a map: its elements are pairs of texts.
template <typename Carrier>
concept HeaderRange = std::ranges::input_range<const Carrier> &&
    requires(std::ranges::range_reference_t<const Carrier> entry) {
    { entry.first } -> std::convertible_to<std::string_view>;
    { entry.second } -> std::convertible_to<std::string_view>;
};

// Names go as literals, which become any kind of text.

template <typename Callable>
concept Getter = std::invocable<Callable&, const char*> &&
    PerhapsTextual<std::remove_cvref_t<std::invoke_result_t<Callable&, const char*>>>;

template <typename Callable>
concept Setter = std::invocable<Callable&, const char*, std::string_view> ||
    std::invocable<Callable&, const char*, std::string>;

/// The values of one header. Borrows the first; joins it with others.
class HeaderValues {
  public:
    void add(std::string_view value) {
        if (text_.empty()) {
            text_ = value;
        } else if (!value.empty()) {
            if (joined_.empty()) joined_ = text_;
            joined_ += ',';
            joined_ += value;
            text_ = joined_;
        }
    }
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

  private:
    std::string_view text_;
    std::string joined_;
};

}  // namespace detail

/// How the headers of a `Carrier` are reached. A specialisation has one of these functions, or both:
///
///     // Removes every header of that name, whatever its case, and unless `value` is empty adds this one.
///     static void set(Carrier& carrier, std::string_view name, std::string_view value);
///     // Calls visit(name, value) for each header: two std::string_view that live as long as the carrier.
///     template <typename Visit>
///     static void visit(const Carrier& carrier, Visit visit);
template <typename Carrier>
struct CarrierTraits {};

template <detail::HeaderRange Carrier>
struct CarrierTraits<Carrier> {
    // clang-format off
    static void set(Carrier& carrier, std::string_view name, std::string_view value)
        requires requires { carrier.erase(carrier.begin()); } {
        // clang-format on
        for (auto at = carrier.begin(); at != carrier.end();) {
            at = detail::is_header(at->first, name) ? carrier.erase(at) : std::next(at);
        }
        if (value.empty()) return;
        if constexpr (requires { typename Carrier::mapped_type; }) {
            carrier.emplace(name, value);
        } else {
            carrier.emplace_back(name, value);
        }
    }
    template <typename Visit>
    static void visit(const Carrier& carrier, Visit visit) {
        for (const auto& [name, value] : carrier) visit(std::string_view(name), std::string_view(value));
    }
};

namespace detail {
struct AnyVisit {
    void operator()(std::string_view name, std::string_view value) const;
};
}  // namespace detail

/// What headers can be written into.
template <typename Carrier>
concept OutgoingCarrier = requires(Carrier& carrier, std::string_view text) {
    CarrierTraits<Carrier>::set(carrier, text, text);
}
|| detail::Setter<Carrier>;

/// What headers can be read from.
template <typename Carrier>
concept IncomingCarrier = requires(const Carrier& carrier) {
    CarrierTraits<Carrier>::visit(carrier, detail::AnyVisit());
}
|| detail::Getter<Carrier>;

namespace detail {

template <typename Carrier>
void write_headers(Carrier& carrier, const Context* context) noexcept {
    try {
        OutgoingHeaders headers;
        make_headers(context, headers);
        const std::string_view traceparent(headers.traceparent.data(), headers.traceparent.size());
        const auto write = [&carrier](const char* name, std::string_view value) {
            if constexpr (requires { CarrierTraits<Carrier>::set(carrier, name, value); }) {
                CarrierTraits<Carrier>::set(carrier, name, value);
            } else if (value.empty()) {
                return;
            } else if constexpr (std::invocable<Carrier&, const char*, std::string_view>) {
                std::invoke(carrier, name, value);
            } else {
                std::invoke(carrier, name, std::string(value));
            }
        };
        if (headers.has_traceparent) {
            write(kTraceparentName, traceparent);
            write(kTracestateName, headers.tracestate);
        }
        if (headers.has_traceparent || !headers.baggage.empty()) write(kBaggageName, headers.baggage);
    } catch (...) {
        // No memory, or the carrier's own exception: the request goes out without what could not be written.
    }
}

template <typename Carrier>
Context read_headers(Carrier& carrier) noexcept {
    try {
        using Traits = CarrierTraits<std::remove_const_t<Carrier>>;
        if constexpr (requires { Traits::visit(carrier, AnyVisit()); }) {
            HeaderValues traceparent;
            HeaderValues tracestate;
            HeaderValues baggage;
            Traits::visit(carrier, [&](std::string_view name, std::string_view value) {
                if (is_header(name, kTraceparentName)) traceparent.add(value);
                if (is_header(name, kTracestateName)) tracestate.add(value);
                if (is_header(name, kBaggageName)) baggage.add(value);
            });
            return context_from({traceparent.text(), tracestate.text(), baggage.text()});
        } else {
            const auto& traceparent = std::invoke(carrier, kTraceparentName);
            const auto& tracestate = std::invoke(carrier, kTracestateName);
            const auto& baggage = std::invoke(carrier, kBaggageName);
            return context_from({text_in(traceparent), text_in(tracestate), text_in(baggage)});
        }
    } catch (...) {
        return {};  // no memory, or the carrier's own exception: a fresh trace
    }
}

}  // namespace detail

inline namespace JUDGEVAL_MODE {

/// Writes the calling thread's current context into an outgoing request: traceparent and, where there are
/// any, tracestate (512 bytes at most) and baggage (8192 bytes, 4096 a pair, 180 pairs at most; pairs that do
/// not fit are left out whole). Of these three, headers that the carrier has already are replaced or removed.
/// Outside of any span, or when nothing is traced, there is no traceparent, and the carrier is left alone.
///
/// Thread-safety: that of the carrier. Never throws; what the carrier throws ends the writing.
template <typename Carrier>
requires OutgoingCarrier<std::remove_reference_t<Carrier>>
void inject(Carrier&& carrier) noexcept {
    if constexpr (detail::kCompiledIn) detail::write_headers(carrier, nullptr);
}

/// The same for another context, such as a span's `context()`.
template <typename Carrier>
requires OutgoingCarrier<std::remove_reference_t<Carrier>>
void inject(Carrier&& carrier, const Context& context) noexcept {
    if constexpr (detail::kCompiledIn) detail::write_headers(carrier, &context);
}

/// The context that an incoming request carries, to start spans below: its span context is remote. A
/// traceparent that is missing or malformed gives an invalid one, below which a fresh trace starts; a
/// tracestate that is malformed is left out, and so is each malformed pair of the baggage. What baggage is
/// within the caps (see inject) becomes attributes of the spans below, and is passed on. Keys that begin with
/// `judgment.` become attributes only when they are judgment.session_id, judgment.customer_id or
/// judgment.customer_user_id.
///
/// Thread-safety: that of the carrier. Never throws.
template <typename Carrier>
requires IncomingCarrier<std::remove_cvref_t<Carrier>>
[[nodiscard]] Context extract(Carrier&& carrier) noexcept {
    if constexpr (detail::kCompiledIn) {
        return detail::read_headers(carrier);
    } else {
        return {};
    }
}

/// Makes that context current on this thread for as long as the result lives. Whatever was current before is
/// hidden meanwhile, also when the request carries none: what starts then is a trace of its own.
template <typename Carrier>
requires IncomingCarrier<std::remove_cvref_t<Carrier>>
[[nodiscard]] ContextScope continue_trace(Carrier&& carrier) noexcept {
    return ContextScope(extract(carrier));
}

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
