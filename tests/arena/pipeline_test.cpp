// From the threads' arenas to whoever drains them: order, large records, threads that come and go, and
// flushes while owners write.
#include "arena/pipeline.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;

TEST(ThreadArena, KeepsOrderWithinAChunkAndOverChunks) {
    Recorder recorder;
    constexpr int kSpans = 5000;  // about a megabyte: 30 chunks
    for (int i = 0; i < kSpans; ++i) {
        auto span = recorder.tracer.span("span");
        span.set_attribute("number", i);
        span.set_attribute("text", std::string(static_cast<std::size_t>(i % 300), 'x'));
    }
    const auto spans = recorder.take();
    ASSERT_EQ(spans.size(), static_cast<std::size_t>(kSpans));
    for (int i = 0; i < kSpans; ++i) {
        const auto& attributes = spans[static_cast<std::size_t>(i)].attributes;
        ASSERT_EQ(value_of<std::int64_t>(attributes, "number"), i);
        ASSERT_EQ(text_of(attributes, "text").size(), static_cast<std::size_t>(i % 300));
    }
}

TEST(ThreadArena, TakesRecordsOfEverySizeAroundAChunk) {
    Recorder recorder;
    std::set<std::size_t> sizes;
    for (std::size_t size = detail::kChunkData - 400; size < detail::kChunkData + 100; ++size)
        sizes.insert(size);
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{60'000}, std::size_t{65'000}, std::size_t{300'000}}) {
        sizes.insert(size);
    }
    for (const std::size_t size : sizes) {
        auto span = recorder.tracer.start_span("sized");
        span.set_attribute("text", std::string(size, 'x'));
        span.end();
        const auto read = recorder.take_one();
        ASSERT_EQ(text_of(read.attributes, "text").size(), size);
    }
}

TEST(ThreadArena, LargeAndSmallRecordsMixAndMemoryComesBack) {
    Recorder recorder;
    std::multiset<std::size_t> expected;
    for (std::size_t i = 0; i < 300; ++i) {
        const std::size_t size = i % 7 == 0 ? 100'000 + i : i;
        auto span = recorder.tracer.start_span("mixed");
        span.set_attribute("text", std::string(size, 'x'));
        expected.insert(size);
    }
    std::multiset<std::size_t> found;
    for (const auto& span : recorder.take()) found.insert(text_of(span.attributes, "text").size());
    EXPECT_EQ(found, expected);
    EXPECT_GE(recorder.pipeline().pool().free(), recorder.pipeline().pool().total() - 1);
}

TEST(ThreadArena, ARecordThatFindsNoMemoryIsCountedAndLeaksNothing) {
    Recorder recorder({.memory_budget_bytes = 8 * detail::kChunkBytes, .reserved_chunks = 2});
    {
        // started while there is memory
        auto large = recorder.tracer.start_span("too large");
        large.set_attribute("text", std::string(300'000, 'x'));
    }
    const auto totals = recorder.totals();
    EXPECT_EQ(totals.dropped[static_cast<std::size_t>(DropReason::kBudgetExhausted)], 1U);
    EXPECT_EQ(totals.kept(), 0U);
    EXPECT_EQ(recorder.pipeline().pool().free(), 8U);
    recorder.pipeline().update_pressure();
    { auto span = recorder.tracer.span("small"); }
    EXPECT_EQ(recorder.take().size(), 1U);
}

TEST(ThreadArena, IsHandedInAndUsedAgainWhenThreadsEnd) {
    Recorder recorder;
    constexpr int kThreads = 1000;
    std::set<const detail::ThreadArena*> arenas;  // threads take turns
    for (int i = 0; i < kThreads; ++i) {
        std::thread([&] {
            { auto span = recorder.tracer.span("short life"); }
            arenas.insert(detail::thread_state.arena);
        }).join();
    }
    // One current chunk is what is left of a thread at most; those that ended left none.
    std::vector<detail::Chunk*> current;
    recorder.pipeline().snapshot_current(current);
    EXPECT_TRUE(current.empty());
    EXPECT_EQ(recorder.take().size(), static_cast<std::size_t>(kThreads));
    EXPECT_EQ(recorder.pipeline().pool().free(), recorder.pipeline().pool().total());
    EXPECT_EQ(arenas.size(), 1U) << "as many as threads were alive at once";
}

TEST(ThreadArena, TracesFromThreadsThatAreAlmostGone) {
    // A thread-local that is older than the arenas' is destroyed after them: its span takes the shared arena.
    static const Tracer* tracer = nullptr;
    struct Late {
        bool is_armed = false;
        ~Late() {
            if (!is_armed) return;
            auto span = tracer->span("late");
            span.set_attribute("text", std::string(2000, 'x'));
        }
    };
    Recorder recorder;
    tracer = &recorder.tracer;
    std::thread([] {
        thread_local Late late;
        late.is_armed = true;  // constructed before the thread's first span
        auto span = tracer->span("in time");
    }).join();
    std::set<std::string> names;
    for (const auto& span : recorder.take()) names.insert(span.name);
    EXPECT_EQ(names, (std::set<std::string>{"in time", "late"}));
}

TEST(Pipeline, AFlushFindsEverySpanWhileOwnersWrite) {
    // Many short rounds: whatever had ended when a drain began is in it, however the owners change chunks
    // meanwhile.
    constexpr std::size_t kThreads = 3;
    constexpr std::uint64_t kSpans = 30'000;
    Recorder recorder({.memory_budget_bytes = std::size_t{256} << 20U});
    std::atomic<std::uint64_t> ended[kThreads] = {};
    std::vector<std::thread> owners;
    std::barrier start(static_cast<std::ptrdiff_t>(kThreads) + 1);
    for (std::size_t id = 0; id < kThreads; ++id) {
        owners.emplace_back([&, id] {
            start.arrive_and_wait();
            for (std::uint64_t i = 0; i < kSpans; ++i) {
                {
                    auto span = recorder.tracer.span("span");
                    span.set_attribute("thread", id);
                    span.set_attribute("number", i);
                    // large enough that chunks change all the time; sometimes larger than one
                    if (i % 50 == 0)
                        span.set_attribute("text", std::string(i % 2000 == 0 ? 70'000 : 9'000, 'x'));
                }
                ended[id].store(i + 1, std::memory_order_release);
            }
        });
    }
    start.arrive_and_wait();
    std::string records;
    std::vector<std::vector<bool>> seen(kThreads, std::vector<bool>(kSpans, false));
    std::uint64_t total = 0;
    while (total < kThreads * kSpans) {
        std::uint64_t before[kThreads];
        for (std::size_t id = 0; id < kThreads; ++id) before[id] = ended[id].load(std::memory_order_acquire);
        for (const auto& span : recorder.take()) {
            const auto id = static_cast<std::size_t>(value_of<std::int64_t>(span.attributes, "thread"));
            const auto number = static_cast<std::size_t>(value_of<std::int64_t>(span.attributes, "number"));
            ASSERT_LT(id, kThreads);
            ASSERT_FALSE(seen[id][number]) << "found twice";
            seen[id][number] = true;
            ++total;
        }
        static_assert(kThreads == 3);
        for (std::size_t id = 0; id < kThreads; ++id) {
            for (std::uint64_t i = before[id] > 200 ? before[id] - 200 : 0; i < before[id]; ++i) {
                ASSERT_TRUE(seen[id][i]) << "a flush missed span " << i << " of thread " << id;
            }
        }
    }
    for (auto& owner : owners) owner.join();
    for (const auto& mine : seen)
        EXPECT_EQ(std::count(mine.begin(), mine.end(), true), static_cast<long>(kSpans));
}

TEST(Pipeline, ShowsNoSpanThatEndedBeforeItStarted) {
    // Spans start on one thread and end on another, while the counters of both are added up.
    Recorder recorder;
    constexpr int kSpans = 5'000;
    std::optional<Span> moving;
    std::atomic<bool> is_there{false};
    std::atomic<bool> is_over{false};
    std::thread starter([&] {
        for (int i = 0; i < kSpans; ++i) {
            moving.emplace(recorder.tracer.start_span("moving"));
            is_there = true;
            while (is_there) std::this_thread::yield();
        }
        is_over = true;
    });
    std::thread ender([&] {
        while (!is_over) {
            if (!is_there) {
                std::this_thread::yield();
                continue;
            }
            moving->end();
            is_there = false;
        }
    });
    while (!is_over) {
        const auto totals = recorder.totals();
        if (totals.started < totals.ended) {
            ADD_FAILURE() << totals.ended << " spans ended, and " << totals.started << " started";
            break;
        }
    }
    starter.join();
    ender.join();
}

TEST(Shedding, GivesUpWholeTracesAndRecovers) {
    Recorder recorder({.memory_budget_bytes = 64 * detail::kChunkBytes, .reserved_chunks = 4});
    std::map<std::string, int> recorded;
    std::uint64_t shed = 0;
    for (int i = 0; i < 20'000; ++i) {
        auto root = recorder.tracer.span("root");
        const bool is_kept = root.is_recording();
        auto child = recorder.tracer.span("child");
        auto detached = recorder.tracer.start_span("detached", {}, root.context());
        ASSERT_EQ(child.is_recording(), is_kept);
        ASSERT_EQ(detached.is_recording(), is_kept);
        EXPECT_EQ(root.context().span_context().is_shed, !is_kept);
        shed += is_kept ? 0 : 3;
    }
    EXPECT_GT(shed, 0U);
    const auto totals = recorder.totals();
    EXPECT_EQ(totals.started, 60'000U);
    EXPECT_EQ(totals.dropped[static_cast<std::size_t>(DropReason::kTraceShed)], shed);
    EXPECT_EQ(totals.dropped[static_cast<std::size_t>(DropReason::kBudgetExhausted)], 0U)
        << "a trace lost its middle";
    for (const auto& span : recorder.take()) ++recorded[span.trace_id];
    for (const auto& [trace, count] : recorded) ASSERT_EQ(count, 3);
    // drained: there is memory again
    { auto span = recorder.tracer.span("again"); }
    EXPECT_EQ(recorder.take().size(), 1U);
}

TEST(Blocking, WaitsForMemoryAndLosesNothing) {
    Recorder recorder({.memory_budget_bytes = 32 * detail::kChunkBytes,
                       .when_full = WhenFull::kBlock,
                       .max_block = 60s,
                       .reserved_chunks = 4});
    constexpr std::uint64_t kThreads = 2;
    constexpr std::uint64_t kSpans = 20'000;  // several times the budget
    std::vector<std::thread> owners;
    for (std::uint64_t id = 0; id < kThreads; ++id) {
        owners.emplace_back([&] {
            for (std::uint64_t i = 0; i < kSpans; ++i) {
                auto span = recorder.tracer.span("span");
                span.set_attribute("text", "twenty bytes of text");
            }
        });
    }
    std::uint64_t total = 0;
    while (total < kThreads * kSpans) total += recorder.take().size();
    for (auto& owner : owners) owner.join();
    EXPECT_EQ(total, kThreads * kSpans);
    const auto totals = recorder.totals();
    for (const auto count : totals.dropped) EXPECT_EQ(count, 0U);
}

TEST(Blocking, EndsWhenThePipelineStops) {
    Recorder recorder({.memory_budget_bytes = 8 * detail::kChunkBytes,
                       .when_full = WhenFull::kBlock,
                       .max_block = 3'600s,
                       .reserved_chunks = 2});
    std::thread owner([&] {
        while (recorder.pipeline().is_accepting()) {
            auto span = recorder.tracer.span("span");
            span.set_attribute("text", std::string(500, 'x'));
        }
    });
    while (recorder.pipeline().pool().free() > 2) std::this_thread::yield();
    recorder.pipeline().stop_accepting();
    owner.join();  // would take an hour otherwise
}

}  // namespace
}  // namespace judgeval::test
