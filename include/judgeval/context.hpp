// Trace and span ids, the immutable context of a span, and how a context is carried from thread to thread.
//
// The current context is a per-thread stack; whoever pushes onto it pops from it. A Context is a value that
// can be copied to any thread; a ContextScope makes one current on its own thread for as long as it lives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "judgeval/detail/inherited_ref.hpp"

namespace judgeval {

/// W3C Trace Context trace-id: 16 bytes, all zero is invalid.
struct TraceId {
    std::array<std::uint8_t, 16> bytes{};

    [[nodiscard]] bool is_valid() const noexcept { return *this != TraceId{}; }
    /// 32 lower-case hexadecimal digits.
    [[nodiscard]] std::string to_hex() const { return hex(bytes.data(), bytes.size()); }
    friend bool operator==(const TraceId&, const TraceId&) noexcept = default;

    static std::string hex(const std::uint8_t* bytes, std::size_t size) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        std::string text;
        text.reserve(2 * size);
        for (std::size_t i = 0; i < size; ++i) {
            text.push_back(kDigits[bytes[i] >> 4U]);
            text.push_back(kDigits[bytes[i] & 15U]);
        }
        return text;
    }
};

/// W3C Trace Context parent-id: 8 bytes, all zero is invalid.
struct SpanId {
    std::array<std::uint8_t, 8> bytes{};

    [[nodiscard]] bool is_valid() const noexcept { return *this != SpanId{}; }
    /// 16 lower-case hexadecimal digits.
    [[nodiscard]] std::string to_hex() const { return TraceId::hex(bytes.data(), bytes.size()); }
    friend bool operator==(const SpanId&, const SpanId&) noexcept = default;
};

/// The part of a span's context that has a fixed size. A plain value.
struct SpanIdentity {
    TraceId trace_id;
    SpanId span_id;
    std::uint8_t trace_flags = 0;  ///< W3C trace-flags; bit 0: sampled. Bit 7 is the library's own
                                   ///< (Sampler::keep_on_error) and is never sent.
    bool is_remote = false;        ///< came from another process
    bool is_shed = false;          ///< this process gave the whole trace up to stay within its memory budget

    [[nodiscard]] bool is_valid() const noexcept { return trace_id.is_valid() && span_id.is_valid(); }
    [[nodiscard]] bool is_sampled() const noexcept { return (trace_flags & 1U) != 0; }
};

/// What identifies a span to others (OpenTelemetry's SpanContext).
struct SpanContext : SpanIdentity {
    SpanContext() = default;
    explicit SpanContext(const SpanIdentity& identity) noexcept : SpanIdentity(identity) {}

    /// W3C tracestate as it came from elsewhere. Spans started below carry it on, and so does a link.
    std::string trace_state;
};

namespace detail {
struct ContextParts;
}

/// What is handed from one place to another so that spans there become children of the span here: its ids,
/// and what spans below it inherit (session, customer, propagating attributes and baggage, agent).
///
/// Thread-safety: a value; copy it freely. An invalid context (the default) makes the next span a root.
class Context {
  public:
    Context() = default;
    explicit Context(SpanContext span_context) noexcept : span_context_(std::move(span_context)) {}
    Context(SpanContext span_context, detail::InheritedRef inherited) noexcept
        : span_context_(std::move(span_context)), inherited_(std::move(inherited)) {}

    [[nodiscard]] const SpanContext& span_context() const noexcept { return span_context_; }
    [[nodiscard]] bool is_valid() const noexcept { return span_context_.is_valid(); }
    [[nodiscard]] const detail::InheritedRef& inherited() const noexcept { return inherited_; }

  private:
    friend struct detail::ContextParts;
    SpanContext span_context_;
    detail::InheritedRef inherited_;
};

namespace detail {
/// For a context that the library fills in where it stands.
struct ContextParts {
    static SpanContext& span_context(Context& context) noexcept { return context.span_context_; }
    static InheritedRef& inherited(Context& context) noexcept { return context.inherited_; }
};
}  // namespace detail

}  // namespace judgeval
