// Threads that trace wake the exporter when memory fills up, each time anew.
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "arena/pipeline.hpp"
#include "export/exporter.hpp"
#include "export/simulation/world.hpp"
#include "log_lines.hpp"

namespace judgeval::test {
namespace {

using For = detail::ChunkPool::For;

TEST(ExporterWake, ARequestThatLedToNoCollectionDoesNotStandInTheWayOfTheNext) {
    // Without a tick nothing but a request ends the exporter's sleep (tests/model/memory.pml).
    detail::PipelineSettings pipeline_settings;
    pipeline_settings.memory_budget_bytes = 32 * detail::kChunkBytes;
    pipeline_settings.reserved_chunks = 4;
    detail::Pipeline pipeline(pipeline_settings);
    int woken = 0;
    pipeline.set_waker([&woken] { ++woken; });

    VirtualClock clock;
    Random random(1);
    SimulatedBackend backend(clock, random);
    const detail::Log log(no_log);
    detail::ExporterSettings settings;
    settings.options.export_interval = std::chrono::hours(1);
    detail::Exporter exporter(pipeline, detail::Frame({}, "judgeval", "1"), settings, backend, clock, log);
    std::vector<Completion> completions;

    for (int round = 1; round <= 3; ++round) {
        // Much is in use, and a thread says so; by the time the exporter looks, it has come back.
        std::vector<detail::Chunk*> used;
        for (int i = 0; i < 8; ++i) used.push_back(pipeline.pool().acquire(For::kExport));
        pipeline.wake_if_filling();
        pipeline.wake_if_filling();
        EXPECT_EQ(woken, round) << "one call for many requests, but one";
        for (detail::Chunk* const chunk : used) pipeline.pool().release(chunk);
        exporter.step(completions);
    }
}

}  // namespace
}  // namespace judgeval::test
