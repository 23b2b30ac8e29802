// The samplers' arithmetic. Runs on the threads that start traces.
#include "arena/root_sampler.hpp"

#include <algorithm>
#include <cmath>

#include "record/clock.hpp"

namespace judgeval::detail {

namespace {

constexpr double kSecond = 1e9;  // nanoseconds

/// A trace is sampled when the last eight bytes of its id, as a number, are below this (OpenTelemetry's
/// TraceIdRatioBased).
std::uint64_t threshold(const Sampler& sampler) noexcept {
    if (sampler.number() >= 1.0) return UINT64_MAX;
    return static_cast<std::uint64_t>(std::ldexp(sampler.number(), 64));
}

std::uint64_t interval(const Sampler& sampler) noexcept {
    if (sampler.kind() != Sampler::Kind::kRate) return 0;
    constexpr double kLongest = 1e18;  // 30 years, which a sum with the time of day still holds
    return static_cast<std::uint64_t>(std::min(kSecond / sampler.number(), kLongest));
}

}  // namespace

RootSampler::RootSampler(const Sampler& sampler) noexcept
    : sampler_(sampler),
      threshold_(sampler.kind() == Sampler::Kind::kRatio ? threshold(sampler) : 0),
      interval_(interval(sampler)),
      most_credit_(std::max(static_cast<std::uint64_t>(kSecond), interval_)) {}

bool RootSampler::keeps(const TraceId& trace_id, std::string_view name, const SpanIdentity* remote_parent,
                        ThreadState& thread, std::uint64_t& now) noexcept {
    switch (sampler_.kind()) {
        case Sampler::Kind::kRatio: {
            if (threshold_ == UINT64_MAX) return true;
            std::uint64_t value = 0;
            for (std::size_t i = 8; i < 16; ++i) value = value << 8U | trace_id.bytes[i];
            return value < threshold_;
        }
        case Sampler::Kind::kRate:
            now = Clock::now(thread);
            return has_credit(now);
        case Sampler::Kind::kFunction:
            try {
                return sampler_.function()(trace_id, name, remote_parent);
            } catch (...) {  // rather a trace too many than one that is missed
                return true;
            }
    }
    return true;
}

bool RootSampler::has_credit(std::uint64_t now) noexcept {
    const std::uint64_t earliest = now - std::min(now, most_credit_);
    // relaxed, here and below: the account stands for itself, nothing else is read because of it
    std::uint64_t used = used_up_to_.load(std::memory_order_relaxed);
    while (true) {
        // One from far ahead was written before the clock was set back.
        const bool is_of_another_time = used > now && used - now > most_credit_;
        const std::uint64_t from = is_of_another_time ? earliest : std::max(used, earliest);
        if (now < from || now - from < interval_) return false;
        if (used_up_to_.compare_exchange_weak(used, from + interval_, std::memory_order_relaxed)) return true;
    }
}

}  // namespace judgeval::detail
