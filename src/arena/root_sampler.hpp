// What decides whether a trace is recorded, when its first span in this process starts.
//
// Belongs to a pipeline; asked by any thread, for such spans only. Never locks or allocates, but for what a
// function of the user's does. The one thing it writes is the rate limit's account.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "judgeval/context.hpp"
#include "judgeval/options.hpp"
#include "record/thread_state.hpp"

namespace judgeval::detail {

class RootSampler {
  public:
    /// The sampler must outlive it.
    explicit RootSampler(const Sampler& sampler) noexcept;

    /// True when a remote parent's decision is to be followed instead of asking.
    [[nodiscard]] bool follows_remote() const noexcept { return sampler_.is_parent_based(); }
    /// True when what it does not keep is recorded until it is known whether there was an error.
    [[nodiscard]] bool keeps_errors() const noexcept { return sampler_.keeps_errors(); }
    [[nodiscard]] bool needs_name() const noexcept { return sampler_.kind() == Sampler::Kind::kFunction; }

    /// `remote_parent` may be null. Where it takes the time to decide, the thread's clock is read, and what
    /// it said stands in `now`, for the span's start.
    [[nodiscard]] bool keeps(const TraceId& trace_id, std::string_view name,
                             const SpanIdentity* remote_parent, ThreadState& thread,
                             std::uint64_t& now) noexcept;

  private:
    [[nodiscard]] bool has_credit(std::uint64_t now) noexcept;

    const Sampler& sampler_;
    const std::uint64_t threshold_;  ///< of a ratio
    const std::uint64_t interval_;   ///< of a rate: nanoseconds a trace
    const std::uint64_t most_credit_;
    /// Time since then that no trace has used up is credit; an interval of it buys a trace.
    std::atomic<std::uint64_t> used_up_to_{0};
};

}  // namespace judgeval::detail
