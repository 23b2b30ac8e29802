// Ids: valid, distinct over threads and over a fork.
#include "record/random.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

using detail::ThreadState;

TEST(Random, SeedsItselfAtTheFirstId) {
    ThreadState one;
    ThreadState other;
    EXPECT_NE(detail::new_span_id(one), detail::new_span_id(other));
    EXPECT_NE(one.random[0] | one.random[1], 0U);
}

TEST(Random, NeverHandsOutAnIdOfZeros) {
    // A state from which the generator's next output is zero: the counter's step leads to zero.
    ThreadState thread;
    thread.random[0] = std::uint64_t{0} - 0xA0761D6478BD642FULL;
    thread.random[1] = 0x0123456789ABCDEF;
    ThreadState copy = thread;
    ASSERT_EQ(detail::next_random(copy), 0U) << "the state does not provoke what the test is about";
    EXPECT_TRUE(detail::new_span_id(thread).is_valid());
}

TEST(Random, IdsAreDistinctOverManyThreads) {
    constexpr std::size_t kThreads = 16;
    constexpr std::size_t kIds = 20'000;
    std::vector<std::vector<std::uint64_t>> ids(kThreads);
    std::vector<std::thread> threads;
    for (auto& mine : ids) {
        threads.emplace_back([&mine] {
            for (std::size_t i = 0; i < kIds; ++i) {
                const SpanId id = detail::new_span_id(detail::thread_state);
                mine.push_back(detail::load_unaligned<std::uint64_t>(id.bytes.data()));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    std::vector<std::uint64_t> all;
    for (const auto& mine : ids) all.insert(all.end(), mine.begin(), mine.end());
    std::sort(all.begin(), all.end());
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
    EXPECT_NE(all.front(), 0U);
}

TEST(Random, TraceIdsUseAllOfTheirBytes) {
    ThreadState thread;
    std::array<std::uint8_t, 16> seen{};
    for (int i = 0; i < 200; ++i) {
        const TraceId id = detail::new_trace_id(thread);
        ASSERT_TRUE(id.is_valid());
        for (std::size_t at = 0; at < seen.size(); ++at)
            seen[at] = static_cast<std::uint8_t>(seen[at] | id.bytes[at]);
    }
    for (const auto bits : seen) EXPECT_EQ(bits, 0xFF);
}

TEST(Random, AForkedChildGoesOnWithAnotherSeed) {
    static_cast<void>(detail::next_random(detail::thread_state));  // seeded before the fork
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        detail::reseed_after_fork(detail::thread_state);
        const std::uint64_t number = detail::next_random(detail::thread_state);
        ::_exit(::write(ends[1], &number, sizeof number) == sizeof number ? 0 : 1);
    }
    ::close(ends[1]);  // the child's alone: should it die, the read ends
    std::uint64_t theirs = 0;
    ASSERT_EQ(::read(ends[0], &theirs, sizeof theirs), static_cast<ssize_t>(sizeof theirs));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_NE(theirs, detail::next_random(detail::thread_state));
    ::close(ends[0]);
}

}  // namespace
}  // namespace judgeval::test
