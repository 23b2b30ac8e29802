// The one budget: never exceeded, kept in part for the exporter, waited for, and given back.
#include "arena/chunk_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace judgeval::detail {
namespace {

using namespace std::chrono_literals;
using For = ChunkPool::For;

std::vector<Chunk*> take_all(ChunkPool& pool, For purpose) {
    std::vector<Chunk*> chunks;
    while (Chunk* const chunk = pool.acquire(purpose)) chunks.push_back(chunk);
    return chunks;
}

std::chrono::steady_clock::time_point in_a_minute() { return std::chrono::steady_clock::now() + 1min; }

TEST(ChunkPool, HandsOutEachChunkOfItsBudgetOnce) {
    ChunkPool pool(10 * kChunkBytes + 1000, 0);
    EXPECT_EQ(pool.total(), 10U);
    const auto chunks = take_all(pool, For::kSpans);
    EXPECT_EQ(chunks.size(), 10U);
    EXPECT_EQ(std::set<Chunk*>(chunks.begin(), chunks.end()).size(), 10U);
    EXPECT_EQ(pool.free(), 0U);
    for (Chunk* const chunk : chunks) {
        std::memset(chunk->data, 0xAB, kChunkData);
        chunk->next = chunk;
        chunk->published.store(12345);
        pool.release(chunk);
    }
    EXPECT_EQ(pool.free(), 10U);
    const auto again = take_all(pool, For::kSpans);
    EXPECT_EQ(again.size(), 10U);
    for (const Chunk* const chunk : again) {
        EXPECT_EQ(chunk->next, nullptr);
        EXPECT_EQ(chunk->published.load(), 0U);
        EXPECT_EQ(chunk->further_readers, 0U);
    }
}

TEST(ChunkPool, AChunkIsEmptyAsSoonAsItIsFree) {
    // A thread that is slow to forget a chunk it handed in still shows it to the exporter: what is free must
    // look like nothing, and whoever takes it must not change that before it publishes
    // (tests/model/hand_over.pml).
    ChunkPool pool(4 * kChunkBytes, 0);
    Chunk* const chunk = pool.acquire(For::kSpans);
    chunk->published.store(Chunk::pack(3, 300));
    chunk->collected_spans = 3;
    chunk->collected_bytes = 300;
    pool.release(chunk);
    EXPECT_EQ(chunk->published.load(), 0U);
    EXPECT_EQ(chunk->collected_spans, 0U);
    EXPECT_EQ(chunk->collected_bytes, 0U);
}

TEST(ChunkPool, KeepsItsReserveForTheExporter) {
    ChunkPool pool(10 * kChunkBytes, 4);
    EXPECT_EQ(take_all(pool, For::kSpans).size(), 6U);
    EXPECT_EQ(pool.acquire(For::kSpans), nullptr);
    EXPECT_EQ(take_all(pool, For::kExport).size(), 4U);
    EXPECT_EQ(pool.acquire(For::kExport), nullptr);
    EXPECT_EQ(pool.free(), 0U);
}

TEST(ChunkPool, ReleasesWholeChains) {
    ChunkPool pool(4 * kChunkBytes, 0);
    Chunk* const first = pool.acquire(For::kSpans);
    first->next = pool.acquire(For::kSpans);
    first->next->next = pool.acquire(For::kSpans);
    pool.release_chain(first);
    EXPECT_EQ(pool.free(), 4U);
    pool.release_chain(nullptr);
}

TEST(ChunkPool, IsNeverOverdrawnByManyThreads) {
    constexpr std::size_t kTotal = 40;
    ChunkPool pool(kTotal * kChunkBytes, 8);
    std::atomic<std::int64_t> out{0};
    std::atomic<std::int64_t> most{0};
    std::atomic<bool> is_shared{false};
    std::vector<std::thread> threads;
    for (unsigned id = 1; id <= 6; ++id) {
        threads.emplace_back([&, id] {
            std::vector<Chunk*> mine;
            std::uint64_t random = id;
            for (int round = 0; round < 20'000; ++round) {
                random = random * 6364136223846793005U + 1442695040888963407U;
                if ((random >> 40U) % 3 != 0) {
                    Chunk* const chunk = pool.acquire(id == 1 ? For::kExport : For::kSpans);
                    if (chunk == nullptr) continue;
                    const std::int64_t now = ++out;
                    for (std::int64_t seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
                    }
                    chunk->data[0] = static_cast<unsigned char>(id);
                    mine.push_back(chunk);
                } else if (!mine.empty()) {
                    if (mine.back()->data[0] != id) is_shared = true;
                    --out;
                    pool.release(mine.back());
                    mine.pop_back();
                }
            }
            for (Chunk* const chunk : mine) {
                if (chunk->data[0] != id) is_shared = true;
                --out;
                pool.release(chunk);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_LE(most, static_cast<std::int64_t>(kTotal));
    EXPECT_GE(most, static_cast<std::int64_t>(kTotal) - 8) << "the pool was never close to empty";
    EXPECT_FALSE(is_shared) << "two threads had one chunk";
    EXPECT_EQ(pool.free(), kTotal);
}

TEST(ChunkPool, LetsNobodyWaitWhileMemoryIsFree) {
    ChunkPool pool(4 * kChunkBytes, 1);
    EXPECT_TRUE(pool.wait_until_free(in_a_minute()));
}

TEST(ChunkPool, EndsAWaitAtItsDeadline) {
    ChunkPool pool(4 * kChunkBytes, 1);
    const auto chunks = take_all(pool, For::kSpans);
    EXPECT_FALSE(pool.wait_until_free(std::chrono::steady_clock::now()));
    EXPECT_FALSE(pool.wait_until_free(std::chrono::steady_clock::now() + 1ms));
}

TEST(ChunkPool, WakesThoseWhoWaitWhenMemoryComesBack) {
    ChunkPool pool(16 * kChunkBytes, 2);
    auto chunks = take_all(pool, For::kSpans);
    std::atomic<int> woken{0};
    std::vector<std::thread> waiters;
    for (int i = 0; i < 4; ++i) {
        waiters.emplace_back([&] { woken += pool.wait_until_free(in_a_minute()) ? 1 : 0; });
    }
    for (Chunk* const chunk : chunks) pool.release(chunk);
    // The exporter says so once more in each of its rounds.
    pool.wake_waiters();
    for (auto& waiter : waiters) waiter.join();
    EXPECT_EQ(woken, 4);
}

TEST(ChunkPool, LetsThoseWhoWaitGoWhenItIsClosed) {
    ChunkPool pool(4 * kChunkBytes, 0);
    const auto chunks = take_all(pool, For::kSpans);
    std::atomic<int> refused{0};
    std::vector<std::thread> waiters;
    for (int i = 0; i < 4; ++i) {
        waiters.emplace_back([&] { refused += pool.wait_until_free(in_a_minute()) ? 0 : 1; });
    }
    pool.close();
    for (auto& waiter : waiters) waiter.join();
    EXPECT_EQ(refused, 4);
    EXPECT_FALSE(pool.wait_until_free(in_a_minute()));  // nor does anybody wait later
}

TEST(ChunkPool, LosesNothingWhenMemoryIsMadeResidentAndGivenBack) {
    constexpr std::size_t kTotal = 100;
    ChunkPool pool(kTotal * kChunkBytes, 0);
    std::atomic<bool> is_over{false};
    std::thread exporter([&] {
        while (!is_over) {
            pool.prefault();
            pool.trim();
        }
    });
    for (int round = 0; round < 200; ++round) {
        auto chunks = take_all(pool, For::kSpans);
        ASSERT_EQ(chunks.size(), kTotal);
        for (Chunk* const chunk : chunks) {
            std::memset(chunk->data, round, 100);
            pool.release(chunk);
        }
    }
    is_over = true;
    exporter.join();
    EXPECT_EQ(pool.free(), kTotal);
    EXPECT_EQ(take_all(pool, For::kSpans).size(), kTotal);
}

}  // namespace
}  // namespace judgeval::detail
