// Which traces are recorded: every sampler, at roots, below parents of this process and of another.
//
// Time is pretended, ids are many; nothing here depends on how long it takes.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "judgeval/detail/test_seams.hpp"
#include "record/random.hpp"
#include "record/recorder.hpp"
#include "record/thread_state.hpp"

namespace judgeval::test {
namespace {

constexpr std::uint64_t kStart = 1'700'000'000'000'000'000;  // nanoseconds since the Unix epoch
constexpr std::uint64_t kSecond = 1'000'000'000;

/// Time is what the test says, while this lives.
class PretendedTime {
  public:
    PretendedTime() { set(kStart); }
    ~PretendedTime() { detail::stop_pretending_time(); }
    PretendedTime(const PretendedTime&) = delete;
    PretendedTime& operator=(const PretendedTime&) = delete;
    void set(std::uint64_t nanoseconds) {
        detail::pretend_time(nanoseconds);
        now_ = nanoseconds;
    }
    void advance(std::uint64_t nanoseconds) { set(now_ + nanoseconds); }

  private:
    std::uint64_t now_ = 0;
};

Context remote(std::uint8_t flags) {
    SpanContext parent;
    parent.trace_id.bytes[0] = 1;
    parent.span_id.bytes[0] = 1;
    parent.is_remote = true;
    parent.trace_flags = flags;
    return Context(parent);
}

bool is_root_kept(const Recorder& recorder, Text name = "root") {
    return recorder.tracer.span(name).is_recording();
}
int roots_kept(const Recorder& recorder, int roots) {
    int kept = 0;
    for (int i = 0; i < roots; ++i) kept += is_root_kept(recorder) ? 1 : 0;
    return kept;
}

TEST(Sampler, OffRecordsNothingAndCountsTraces) {
    Recorder recorder({.sampler = Sampler::parent_based(Sampler::trace_id_ratio(0.0))});
    for (int i = 0; i < 10; ++i) {
        auto root = recorder.tracer.span("root");
        auto child = recorder.tracer.span("child");
        auto detached = recorder.tracer.start_span("detached", {}, root.context());
        EXPECT_FALSE(root.is_recording());
        EXPECT_FALSE(child.is_recording());
        EXPECT_FALSE(detached.is_recording());
        EXPECT_TRUE(root.context().is_valid());
        EXPECT_FALSE(root.context().span_context().is_sampled());
    }
    EXPECT_EQ(recorder.totals().unsampled_traces, 10U);
    EXPECT_EQ(recorder.totals().started, 0U);
}

TEST(Sampler, KeepsOrLosesTracesWhole) {
    Recorder recorder({.sampler = Sampler::parent_based(Sampler::trace_id_ratio(0.5))});
    constexpr std::size_t kTraces = 2000;
    std::vector<Context> contexts;
    for (std::size_t i = 0; i < kTraces; ++i) {
        auto root = recorder.tracer.span("root");
        { auto child = recorder.tracer.span("child"); }
        contexts.push_back(root.context());
        // carried elsewhere, as by bind
        const ContextScope outside{Context()};
        const ContextScope scope(root.context());
        auto far = recorder.tracer.span("far");
        EXPECT_EQ(far.is_recording(), root.is_recording());
        auto detached = recorder.tracer.start_span("detached");
        EXPECT_EQ(detached.is_recording(), root.is_recording());
    }
    std::map<std::string, int> spans;
    for (const auto& span : recorder.take()) ++spans[span.trace_id];
    for (const auto& [trace, count] : spans) EXPECT_EQ(count, 4);
    EXPECT_EQ(spans.size() + recorder.totals().unsampled_traces, kTraces);
    // eight standard deviations of a fair coin
    EXPECT_NEAR(static_cast<double>(spans.size()), kTraces / 2.0, 8 * std::sqrt(kTraces / 4.0));
}

bool keeps(Recorder& recorder, const TraceId& id) {
    std::uint64_t now = 0;
    return recorder.pipeline().sampler().keeps(id, "", nullptr, detail::thread_state, now);
}

TEST(Sampler, GivesOneTraceTheSameAnswerEverywhereAndMoreWithAHigherRatio) {
    Recorder few({.sampler = Sampler::parent_based(Sampler::trace_id_ratio(0.1))});
    Recorder same({.sampler = Sampler::parent_based(Sampler::trace_id_ratio(0.1))});
    Recorder more({.sampler = Sampler::parent_based(Sampler::trace_id_ratio(0.3))});
    detail::ThreadState thread;
    std::size_t sampled = 0;
    constexpr std::size_t kIds = 50'000;
    for (std::size_t i = 0; i < kIds; ++i) {
        const TraceId id = detail::new_trace_id(thread);
        const bool is_sampled = keeps(few, id);
        ASSERT_EQ(is_sampled, keeps(same, id));
        ASSERT_TRUE(!is_sampled || keeps(more, id));
        sampled += is_sampled ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(sampled), 0.1 * kIds, 8 * std::sqrt(kIds * 0.09));
}

TEST(Sampler, FollowsTheParentThatCameFromElsewhere) {
    Recorder recorder({.sampler = Sampler::parent_based(Sampler::trace_id_ratio(0.0))});
    for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{1}}) {
        const ContextScope scope{remote(flags)};
        auto span = recorder.tracer.span("child");
        EXPECT_EQ(span.is_recording(), flags == 1);
    }
    EXPECT_EQ(recorder.take().size(), 1U);
}

TEST(Sampler, OfRootsOnlyDecidesBelowAParentThatCameFromElsewhere) {
    for (const bool is_on : {false, true}) {
        Recorder recorder({.sampler = is_on ? Sampler::always_on() : Sampler::always_off()});
        for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{1}}) {
            const Context parent = remote(flags);
            const ContextScope scope{parent};
            {
                auto span = recorder.tracer.span("scoped");
                EXPECT_EQ(span.is_recording(), is_on);
                EXPECT_EQ(span.context().span_context().is_sampled(), is_on);
                EXPECT_EQ(span.context().span_context().trace_id, parent.span_context().trace_id);
                // a trace is whole in a process
                auto below = recorder.tracer.span("below");
                EXPECT_EQ(below.is_recording(), is_on);
            }
            auto detached = recorder.tracer.start_span("detached");
            EXPECT_EQ(detached.is_recording(), is_on);
            auto below = recorder.tracer.start_span("below", {}, detached.context());
            EXPECT_EQ(below.is_recording(), is_on);
        }
        EXPECT_EQ(recorder.take().size(), is_on ? 8U : 0U);
        EXPECT_EQ(recorder.totals().unsampled_traces, is_on ? 0U : 4U);
    }
}

TEST(RateLimitingSampler, KeepsSoManyASecondAndSoManyAtOnce) {
    PretendedTime time;
    Recorder recorder({.sampler = Sampler::rate_limiting(10)});
    EXPECT_EQ(roots_kept(recorder, 100), 10) << "a second's worth at once";
    time.advance(kSecond / 10 - 1);
    EXPECT_EQ(roots_kept(recorder, 5), 0);
    time.advance(1);
    EXPECT_EQ(roots_kept(recorder, 5), 1);
    int kept = 0;
    for (int i = 0; i < 10'000; ++i) {  // 100 s
        time.advance(kSecond / 100);
        kept += roots_kept(recorder, 1);
    }
    EXPECT_EQ(kept, 1000);
    time.advance(3600 * kSecond);
    EXPECT_EQ(roots_kept(recorder, 100), 10) << "a quiet hour saves up no more than a second";
}

TEST(RateLimitingSampler, KeepsOneTraceInAWhileWhenThatIsAllowed) {
    PretendedTime time;
    Recorder recorder({.sampler = Sampler::rate_limiting(0.1)});
    EXPECT_EQ(roots_kept(recorder, 5), 1);
    time.advance(10 * kSecond - 1);
    EXPECT_EQ(roots_kept(recorder, 5), 0);
    time.advance(1);
    EXPECT_EQ(roots_kept(recorder, 5), 1);
}

TEST(RateLimitingSampler, GoesOnWhenTheClockIsSetBack) {
    PretendedTime time;
    Recorder recorder({.sampler = Sampler::rate_limiting(10)});
    EXPECT_EQ(roots_kept(recorder, 100), 10);
    time.set(kStart - 3600 * kSecond);
    EXPECT_EQ(roots_kept(recorder, 100), 10);
    EXPECT_EQ(roots_kept(recorder, 100), 0);
}

TEST(RateLimitingSampler, HoldsForAllThreadsTogether) {
    PretendedTime time;
    Recorder recorder({.sampler = Sampler::rate_limiting(100)});
    std::vector<std::thread> threads;
    std::atomic<int> kept{0};
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { kept += roots_kept(recorder, 500); });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(kept, 100);
}

TEST(RateLimitingSampler, LeavesATraceWhole) {
    PretendedTime time;
    Recorder recorder({.sampler = Sampler::rate_limiting(1)});
    {
        auto root = recorder.tracer.span("root");
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(recorder.tracer.span("child").is_recording());
    }
    auto root = recorder.tracer.span("root");
    EXPECT_FALSE(root.is_recording());
    time.advance(10 * kSecond);
    EXPECT_FALSE(recorder.tracer.span("child").is_recording());
    EXPECT_EQ(recorder.take()[0].start_time_unix_nano, kStart) << "the time it was decided at";
}

TEST(FunctionSampler, IsAskedOnceATraceForItsNameAndId) {
    std::vector<std::string> names;
    std::vector<TraceId> ids;
    Recorder recorder({.sampler = Sampler::function(
                           [&](const TraceId& id, std::string_view name, const SpanIdentity* parent) {
                               EXPECT_EQ(parent, nullptr);
                               names.emplace_back(name);
                               ids.push_back(id);
                               return name != "health";
                           })});
    for (const char* const name : {"health", "answer"}) {
        auto root = recorder.tracer.span(std::string(name), {.type = "tool"});
        EXPECT_EQ(root.is_recording(), name == std::string("answer"));
        EXPECT_EQ(root.context().span_context().trace_id, ids.back());
        auto child = recorder.tracer.span("child");
        EXPECT_EQ(child.is_recording(), root.is_recording());
    }
    for (const char* const name : {"health", "job"}) {
        auto root = recorder.tracer.start_span(std::string(name), {.type = "tool"});
        EXPECT_EQ(root.is_recording(), name == std::string("job"));
        auto child = recorder.tracer.start_span("child", {}, root.context());
        EXPECT_EQ(child.is_recording(), root.is_recording());
    }
    EXPECT_EQ(names, (std::vector<std::string>{"health", "answer", "health", "job"}));
    const auto spans = recorder.take();
    ASSERT_EQ(spans.size(), 4U);
    EXPECT_EQ(spans[1].name, "answer");
    EXPECT_EQ(text_of(spans[1].attributes, "judgment.span_kind"), "tool");
    EXPECT_EQ(spans[3].name, "job");
    EXPECT_EQ(text_of(spans[3].attributes, "judgment.span_kind"), "tool");
}

TEST(FunctionSampler, SeesAParentThatCameFromElsewhereUnlessThatDecides) {
    int asked = 0;
    const auto function =
        Sampler::function([&](const TraceId&, std::string_view, const SpanIdentity* parent) {
            ++asked;
            return parent != nullptr && !parent->is_sampled();
        });
    Recorder asking({.sampler = function});
    Recorder following({.sampler = Sampler::parent_based(function)});
    for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{1}}) {
        const ContextScope scope{remote(flags)};
        EXPECT_EQ(asking.tracer.span("child").is_recording(), flags == 0);
        EXPECT_EQ(asking.tracer.start_span("child").is_recording(), flags == 0);
        EXPECT_EQ(asked, 2);
        EXPECT_EQ(following.tracer.span("child").is_recording(), flags == 1);
        EXPECT_EQ(following.tracer.start_span("child").is_recording(), flags == 1);
        EXPECT_EQ(asked, 2);
        asked = 0;
    }
    EXPECT_FALSE(following.tracer.span("root").is_recording());
    EXPECT_EQ(asked, 1);
}

TEST(FunctionSampler, ThatThrowsKeepsTheTrace) {
    Recorder recorder(
        {.sampler = Sampler::function([](const TraceId&, std::string_view, const SpanIdentity*) -> bool {
             throw std::runtime_error("no idea");
         })});
    EXPECT_TRUE(is_root_kept(recorder));
    EXPECT_EQ(recorder.take_one().name, "root");
}

}  // namespace
}  // namespace judgeval::test
