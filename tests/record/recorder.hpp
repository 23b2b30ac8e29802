// A tracer over a pipeline without an exporter: what a test records is read back from the chunks it was
// written to.
//
// Everything is the library's own but the reading, which is encode::otlp_reader's. A recorder belongs to one
// thread; the threads that trace through its tracer may be many. When it goes, it checks that every span was
// counted once.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arena/pipeline.hpp"
#include "encode/otlp_reader.hpp"
#include "export/frame.hpp"
#include "judgeval/judgeval.hpp"
#include "record/clock.hpp"

namespace judgeval::test {

/// Reads records (ScopeSpans.spans entries) as the receiver of a request would.
inline std::vector<encode::Span> read_records(std::string_view records) {
    const detail::Frame frame({}, "judgeval", "test");
    const std::string bytes = frame.before(records.size()) + std::string(records);
    const auto request = encode::read_trace_request(bytes);
    EXPECT_EQ(request.error, "");
    std::vector<encode::Span> spans;
    if (!request.message) return spans;
    for (const auto& resource : request.message->resource_spans) {
        for (const auto& scope : resource.scope_spans) {
            for (encode::Span span : scope.spans) {
                EXPECT_EQ(span.rejection, "") << span.name;
                span.encoded = {};  // the bytes go when this returns
                spans.push_back(std::move(span));
            }
        }
    }
    return spans;
}

/// Takes over, as the exporter does, what threads have published; for one thread at a time.
class Drain {
  public:
    explicit Drain(detail::Pipeline& pipeline) : pipeline_(pipeline) {}

    /// Appends the new records, and returns how many spans they are.
    std::uint64_t operator()(std::string& records) {
        std::vector<detail::Chunk*> current;
        std::vector<detail::Chunk*> full;
        pipeline_.acknowledge_wake();
        pipeline_.snapshot_current(current);
        std::uint64_t spans = 0;
        for (detail::Chunk* chunk = nullptr; pipeline_.dequeue_full(chunk);) {
            spans += read(chunk, records);
            full.push_back(chunk);
        }
        for (detail::Chunk* const chunk : current) spans += read(chunk, records);
        for (detail::Chunk* const chunk : full) pipeline_.release_reference(chunk);
        pipeline_.update_pressure();
        pipeline_.pool().wake_waiters();
        total_ += spans;
        return spans;
    }

    [[nodiscard]] std::uint64_t total() const { return total_; }

  private:
    static std::uint64_t read(detail::Chunk* chunk, std::string& records) {
        const std::uint64_t published = chunk->published.load(std::memory_order_acquire);
        const std::uint32_t spans = detail::Chunk::spans_of(published) - chunk->collected_spans;
        const std::uint32_t bytes = detail::Chunk::bytes_of(published) - chunk->collected_bytes;
        records.append(reinterpret_cast<const char*>(chunk->data) + chunk->collected_bytes, bytes);
        if (spans != 0) {
            for (const detail::Chunk* next = chunk->next; next != nullptr; next = next->next) {
                records.append(reinterpret_cast<const char*>(next->data), next->size);
            }
        }
        chunk->collected_spans += spans;
        chunk->collected_bytes += bytes;
        return spans;
    }

    detail::Pipeline& pipeline_;
    std::uint64_t total_ = 0;
};

struct RecorderOptions {
    SpanLimits limits{};
    Sampler sampler = Sampler::parent_based(Sampler::always_on());
    std::size_t memory_budget_bytes = std::size_t{64} << 20U;
    WhenFull when_full = WhenFull::kShedTraces;
    std::chrono::milliseconds max_block{0};
    std::size_t reserved_chunks = 4;
    std::chrono::milliseconds emit_open_after = std::chrono::milliseconds::max();
};

class Recorder {
  public:
    explicit Recorder(const RecorderOptions& options = {})
        : pipeline_(settings(options)),
          drain_(pipeline_),
          // the tracer does not own what lives here
          tracer(std::shared_ptr<detail::TracerState>(std::shared_ptr<void>(), &state_)) {
        detail::Clock::start();
        state_.pipeline.store(&pipeline_, std::memory_order_release);
        state_.is_recording.store(true, std::memory_order_relaxed);
    }
    ~Recorder() {
        take_records();
        const auto totals = pipeline_.totals();
        EXPECT_EQ(totals.started, totals.ended) << "a span is still open";
        EXPECT_EQ(totals.kept(), drain_.total());
    }
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// The new records of all threads.
    std::string take_records() {
        std::string records;
        drain_(records);
        return records;
    }

    /// The spans that ended since the last call; in their order of ending, when one thread ended them and
    /// none was large enough (30 KiB) to travel alone.
    std::vector<encode::Span> take() {
        std::string records;
        const std::uint64_t count = drain_(records);
        auto spans = read_records(records);
        EXPECT_EQ(spans.size(), count);
        return spans;
    }

    /// The one span that ended since the last call.
    encode::Span take_one() {
        auto spans = take();
        EXPECT_EQ(spans.size(), 1U);
        if (spans.empty()) return {};
        return std::move(spans.front());
    }

    detail::Pipeline& pipeline() { return pipeline_; }
    detail::TracerState& state() { return state_; }
    detail::Pipeline::Totals totals() const { return pipeline_.totals(); }

  private:
    static detail::PipelineSettings settings(const RecorderOptions& options) {
        detail::PipelineSettings settings;
        settings.memory_budget_bytes = options.memory_budget_bytes;
        settings.reserved_chunks = options.reserved_chunks;
        settings.when_full = options.when_full;
        settings.max_block = options.max_block;
        settings.limits = options.limits;
        settings.sampler = options.sampler;
        settings.emit_open_after = options.emit_open_after;
        return settings;
    }

    detail::TracerState state_;
    detail::Pipeline pipeline_;
    Drain drain_;

  public:
    Tracer tracer;
};

/// The attribute's value as a T; fails the test, and gives a T, when it is missing or something else.
template <typename T>
T value_of(const encode::Attributes& attributes, std::string_view key) {
    const encode::AnyValue* const any = encode::find_attribute(attributes, key);
    if (any == nullptr) {
        ADD_FAILURE() << "no attribute " << key;
        return {};
    }
    const T* const value = std::get_if<T>(&any->value);
    if (value == nullptr) {
        ADD_FAILURE() << key << " has alternative " << any->value.index();
        return {};
    }
    return *value;
}
inline std::string text_of(const encode::Attributes& attributes, std::string_view key) {
    return value_of<std::string>(attributes, key);
}

/// The elements of an array attribute.
template <typename T>
std::vector<T> array_of(const encode::Attributes& attributes, std::string_view key) {
    std::vector<T> elements;
    for (const auto& any : value_of<std::vector<encode::AnyValue>>(attributes, key)) {
        const T* const value = std::get_if<T>(&any.value);
        if (value == nullptr) {
            ADD_FAILURE() << key << " has an element with alternative " << any.value.index();
        } else {
            elements.push_back(*value);
        }
    }
    return elements;
}

inline bool has_attribute(const encode::Attributes& attributes, std::string_view key) {
    return encode::find_attribute(attributes, key) != nullptr;
}

/// True when no key occurs twice.
inline bool keys_are_unique(const encode::Attributes& attributes) {
    std::map<std::string, int> count;
    for (const auto& attribute : attributes) ++count[attribute.key];
    for (const auto& [key, times] : count) {
        if (times != 1) return false;
    }
    return true;
}

template <typename Id>
std::string bytes_of(const Id& id) {
    return {id.bytes.begin(), id.bytes.end()};
}

}  // namespace judgeval::test
