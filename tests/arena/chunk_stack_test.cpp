// The free lists: last in, first out, and no chunk twice, however many threads take and give back.
#include "arena/chunk_stack.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace judgeval::detail {
namespace {

TEST(ChunkStack, GivesTheLastFirst) {
    ChunkLinks links(3);
    ChunkStack stack;
    std::uint32_t chunk = 0;
    EXPECT_FALSE(stack.pop(links, chunk));
    for (std::uint32_t i = 0; i < 3; ++i) stack.push(links, i);
    for (std::uint32_t i = 3; i-- != 0;) {
        ASSERT_TRUE(stack.pop(links, chunk));
        EXPECT_EQ(chunk, i);
    }
    EXPECT_FALSE(stack.pop(links, chunk));
}

TEST(ChunkStack, HandsNoChunkToTwoThreads) {
    constexpr std::uint32_t kChunks = 3;  // few: then a chunk often leaves and comes back while another looks
    ChunkLinks links(kChunks);
    ChunkStack stacks[2];
    for (std::uint32_t i = 0; i < kChunks; ++i) stacks[0].push(links, i);
    std::vector<std::atomic<int>> owners(kChunks);
    std::atomic<int> shared{0};
    std::vector<std::thread> threads;
    for (std::size_t id = 0; id < 4; ++id) {
        threads.emplace_back([&, id] {
            for (std::size_t i = 0; i < 100'000; ++i) {
                std::uint32_t chunk = 0;
                if (!stacks[(i + id) % 2].pop(links, chunk)) continue;
                if (owners[chunk].fetch_add(1) != 0) ++shared;
                owners[chunk].fetch_sub(1);
                stacks[i / 2 % 2].push(links, chunk);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(shared, 0);
    std::uint32_t left = 0;
    for (std::uint32_t chunk = 0; stacks[0].pop(links, chunk) || stacks[1].pop(links, chunk);) ++left;
    EXPECT_EQ(left, kChunks);
}

}  // namespace
}  // namespace judgeval::detail
