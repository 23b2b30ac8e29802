// judgeval::testing: for the tests of programs that trace. Spans are captured in memory; time and ids can be
// fixed.
//
// A library of its own (CMake: judgeval::testing, which brings judgeval::judgeval along), so that nothing of
// it is in the program that ships. GoogleTest matchers: judgeval/testing/matchers.hpp. Beside a
// `using namespace judgeval`, write ::testing for GoogleTest's namespace.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "judgeval/judgeval.hpp"

namespace judgeval::testing {

using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// An attribute's value as it was sent. What is neither a number, boolean, string nor an array of these was
/// recorded as a JSON string.
struct CapturedValue {
    std::variant<std::string, bool, std::int64_t, double, std::vector<CapturedValue>> value;

    friend bool operator==(const CapturedValue&, const CapturedValue&) = default;
};

using CapturedAttributes = std::vector<std::pair<std::string, CapturedValue>>;

struct CapturedEvent {
    std::string name;
    Time time;
    CapturedAttributes attributes;
};

struct CapturedLink {
    SpanContext context;
    CapturedAttributes attributes;
};

/// A span as it was sent. A plain value.
struct CapturedSpan {
    std::string name;
    TraceId trace_id;
    SpanId span_id;
    SpanId parent_span_id;  ///< invalid: a root
    std::uint32_t flags = 0;
    Time start;
    Time end;
    CapturedAttributes attributes;
    std::vector<CapturedEvent> events;
    std::vector<CapturedLink> links;
    StatusCode status = StatusCode::kUnset;
    std::string status_message;

    /// Null when there is none.
    [[nodiscard]] const CapturedValue* attribute(std::string_view key) const noexcept;
    [[nodiscard]] bool is_root() const noexcept { return !parent_span_id.is_valid(); }
    [[nodiscard]] std::chrono::nanoseconds duration() const noexcept { return end - start; }
};

/// The spans of a capture in order of their start. GoogleTest prints them as trees when an expectation fails.
class CapturedSpans {
  public:
    using value_type = CapturedSpan;
    using const_iterator = std::vector<CapturedSpan>::const_iterator;
    using iterator = const_iterator;

    explicit CapturedSpans(std::vector<CapturedSpan> spans) : spans_(std::move(spans)) {}

    [[nodiscard]] const_iterator begin() const noexcept { return spans_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return spans_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return spans_.size(); }
    [[nodiscard]] bool empty() const noexcept { return spans_.empty(); }
    [[nodiscard]] const CapturedSpan& operator[](std::size_t index) const { return spans_.at(index); }

    /// The one span of that name; std::out_of_range, with the trees, when there is none or more than one.
    [[nodiscard]] const CapturedSpan& find(std::string_view name) const;
    /// The spans right below `parent`.
    [[nodiscard]] CapturedSpans children_of(const CapturedSpan& parent) const;
    /// One line a span, below its parent.
    [[nodiscard]] std::string tree() const;

  private:
    std::vector<CapturedSpan> spans_;
};

/// Makes a tracer and keeps what it exports: the very pipeline that ships, but for the network. Needs no
/// credentials, and JUDGMENT_MONITORING and OTEL_SDK_DISABLED do not switch it off.
///
/// Thread-safety: the tracer's own; spans() from one thread at a time.
class SpanCapture {
  public:
    /// Of the options exporter, enable_monitoring, encoding and compression are the capture's own. Throws
    /// SetupError for an invalid one, std::system_error when memory is out.
    explicit SpanCapture(TracerOptions options = {});
    ~SpanCapture();
    SpanCapture(const SpanCapture&) = delete;
    SpanCapture& operator=(const SpanCapture&) = delete;

    /// To be handed to what is tested.
    [[nodiscard]] const Tracer& tracer() const noexcept { return tracer_; }

    /// Every span that ended before the call, and those still open that were emitted as they stand (their end
    /// is their start); of one that was emitted several times the last emission. Waits for the exporter, at
    /// most a minute: then it throws std::runtime_error.
    [[nodiscard]] CapturedSpans spans() const;
    /// Forgets what ended before the call.
    void clear();

  private:
    [[nodiscard]] std::vector<CapturedSpan> read() const;

    int file_ = -1;
    std::size_t forgotten_ = 0;  ///< bytes of the file
    Tracer tracer_;
};

/// While it lives, the spans and events of every thread and tracer get the time that it says. Deadlines,
/// retries and the export interval go by the real time. One at a time: a second one is a std::logic_error.
class FakeClock {
  public:
    /// 2001-09-09 01:46:40 UTC, when there is nothing better to say.
    explicit FakeClock(Time start = Time(std::chrono::seconds(1'000'000'000)));
    ~FakeClock();
    FakeClock(const FakeClock&) = delete;
    FakeClock& operator=(const FakeClock&) = delete;

    /// From one thread at a time.
    void set(Time time);
    void advance(std::chrono::nanoseconds by) { set(now_ + by); }
    [[nodiscard]] Time now() const noexcept { return now_; }

  private:
    Time now_;
};

/// While it lives, the ids of traces and spans that start on this thread follow from the seed: the same test
/// makes the same ids. Other threads make random ones, or have FixedIds of their own (with another seed, or
/// they make the same ids). To be destroyed on the thread that made it.
class FixedIds {
  public:
    explicit FixedIds(std::uint64_t seed = 1) noexcept;
    ~FixedIds();
    FixedIds(const FixedIds&) = delete;
    FixedIds& operator=(const FixedIds&) = delete;
};

// How GoogleTest prints them.
void PrintTo(const CapturedValue& value, std::ostream* out);
void PrintTo(const CapturedSpan& span, std::ostream* out);
void PrintTo(const CapturedSpans& spans, std::ostream* out);

}  // namespace judgeval::testing
