// Traces that are recorded although they were not sampled (Sampler::keep_on_error), until their local root
// ends and it is known whether there was an error in them.
//
// Their spans are taken out of the segments as these are collected, and copied, so that a trace that stays
// open for long does not hold the chunks of all the others. Bounded: the oldest traces are given up for newer
// ones. On the exporter's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arena/counters.hpp"
#include "export/batch.hpp"
#include "judgeval/context.hpp"

namespace judgeval::detail {

/// Written by the exporter, read by anyone.
struct UndecidedCounters {
    Counter unsampled_spans;   ///< see Stats
    Counter unsampled_traces;  ///< the same
    Counter left_out;          ///< spans that were taken over from the threads and go no further
    Counter bytes;             ///< held now
};

class UndecidedTraces {
  public:
    /// Holds at most so many bytes. What is given up is counted in `dropped` too.
    UndecidedTraces(std::size_t most_bytes, UndecidedCounters& counters, DropCounters& dropped)
        : most_bytes_(most_bytes), counters_(counters), dropped_(dropped) {}

    /// Leaves in the segment what goes on: spans of sampled traces, and of those that were kept.
    void sift(Segment& segment);

    /// Local roots were sifted since take_ended().
    [[nodiscard]] bool has_ended() const noexcept { return !ended_.empty(); }
    /// Their traces, which may be decided once every span that ended before them was sifted as well.
    [[nodiscard]] std::vector<TraceId> take_ended() noexcept { return std::exchange(ended_, {}); }
    /// Lets the traces without an error go, and returns the records of those that are kept.
    [[nodiscard]] std::string decide(const std::vector<TraceId>& ended);

    void abandon(DropReason reason) noexcept;

  private:
    enum class Decision : std::uint8_t { kKept, kUnsampled, kGivenUp };
    struct Trace {
        TraceId id;
        std::string records;
        std::uint32_t spans = 0;
        bool has_error = false;
    };
    using Traces = std::list<Trace>;
    using Bytes = std::array<std::uint8_t, 16>;

    [[nodiscard]] bool goes_on(unsigned char* head, const Segment& segment);
    void hold(const TraceId& id, std::string_view record, bool is_local_root);
    void give_up_oldest();
    void remember(const TraceId& id, Decision decision);
    void erase(Traces::iterator trace) noexcept;
    [[nodiscard]] static std::size_t bytes_of(const Trace& trace) noexcept;
    void change_bytes(std::size_t from, std::size_t to) noexcept;
    void drop(DropReason reason, std::uint64_t spans) noexcept;

    const std::size_t most_bytes_;
    UndecidedCounters& counters_;
    DropCounters& dropped_;
    Traces traces_;  ///< the oldest first
    std::map<Bytes, Traces::iterator> undecided_;
    std::map<Bytes, Decision> decided_;  ///< for spans that end after their local root
    std::deque<Bytes> decided_order_;    ///< the oldest first
    std::vector<TraceId> ended_;
    std::size_t bytes_ = 0;
};

}  // namespace judgeval::detail
