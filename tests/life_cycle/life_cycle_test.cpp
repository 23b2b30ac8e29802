// How a traced process forks, loads and unloads, is told to stop and ends: runs the programs of this folder
// against a backend, and looks at what they say and what arrived.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "end_to_end/peer.hpp"
#include "program.hpp"

namespace judgeval::life_cycle {
namespace {

using end_to_end::RunningBackend;
using nlohmann::json;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

/// One of the programs, sending to the backend.
class Traced : public test::Program {
  public:
    Traced(const RunningBackend& backend, const std::string& name, const std::vector<std::string>& arguments)
        : Program(command(name, arguments), {"JUDGMENT_API_URL=" + backend.url(), "JUDGMENT_API_KEY=key",
                                             "JUDGMENT_ORG_ID=organization", "JUDGMENT_MONITORING=true"}) {}

    /// The next line; a failure and nothing when it is no JSON object.
    json said() {
        const std::string text = line();
        json value = json::parse(text, nullptr, false);
        EXPECT_TRUE(value.is_object()) << "said: " << text << rest();
        return value.is_object() ? value : json::object();
    }
    void expect_to_end_well() {
        EXPECT_EQ(rest(), "");
        EXPECT_EQ(exit_code(), 0);
    }

  private:
    static std::vector<std::string> command(const std::string& name,
                                            const std::vector<std::string>& arguments) {
        std::vector<std::string> all{std::string(JUDGEVAL_LIFE_CYCLE_PROGRAMS) + "/life_cycle_" + name};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return all;
    }
};

std::uint64_t number(const json& said, const char* name) { return said.value(name, ~std::uint64_t{0}); }

/// Until that many arrived; a failure when they do not.
void wait_for_spans(RunningBackend& backend, std::uint64_t spans) {
    const auto deadline = std::chrono::steady_clock::now() + test::kPatience;
    while (backend.counts().spans < spans && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_GE(backend.counts().spans, spans);
}

/// Everything that was started arrived, and nothing is on its way.
void expect_all_exported(const json& said) {
    EXPECT_TRUE(said.value("is_delivered", false));
    const json stats = said.value("stats", json::object());
    EXPECT_TRUE(stats.value("is_balanced", false));
    EXPECT_EQ(number(stats, "exported"), number(stats, "started"));
}

TEST(LifeCycle, AServerThatForksUnderLoadSendsEverySpanOnce) {
    if (kIsSanitized) {
        GTEST_SKIP() << "the sanitizers' own locks are not looked after when a threaded process forks; the "
                        "release build "
                        "runs this test";
    }
    RunningBackend backend;
    constexpr std::uint64_t kChildren = 1000;
    Traced server(backend, "forks", {std::to_string(kChildren)});
    const json said = server.said();
    server.expect_to_end_well();
    EXPECT_EQ(number(said, "failed"), 0U) << "children that lost spans or did not end";
    expect_all_exported(said);
    // Had a child gone on with its parent's ids or spans, some would have come twice.
    const local::Counts counts = backend.counts();
    EXPECT_EQ(counts.receptions, counts.spans);
    const std::uint64_t waited_for =
        number(said.value("stats", json::object()), "exported") + number(said, "spans_of_children");
    EXPECT_GE(counts.spans, waited_for);
    EXPECT_LE(counts.spans, waited_for + kChildren / 4 * 2) << "more than those that left at once may send";
}

TEST(LifeCycle, ThreadsThatComeAndGoLeaveNothingBehind) {
    RunningBackend backend;
    constexpr std::uint64_t kThreads = kIsSanitized ? 2'000 : 10'000;
    Traced process(backend, "threads", {std::to_string(kThreads)});
    const json said = process.said();
    process.expect_to_end_well();
    expect_all_exported(said);
    EXPECT_EQ(backend.counts().spans, kThreads * 3);
    EXPECT_EQ(backend.counts().receptions, kThreads * 3);
    // The arenas of as many threads as ran at once, and what the exporter holds.
    EXPECT_LE(number(said, "memory_used"), std::uint64_t{2} << 20U);
    if (!kIsSanitized) {  // a sanitizer's heap does not answer
        EXPECT_LE(number(said, "heap_after"), number(said, "heap_before") + (std::uint64_t{256} << 10U));
    }
}

class Terminated : public testing::TestWithParam<const char*> {};

TEST_P(Terminated, ShutsDownWhileItsThreadsTrace) {
    RunningBackend backend;
    Traced server(backend, "terminated", {GetParam()});
    EXPECT_TRUE(server.said().value("is_ready", false));
    wait_for_spans(backend, 1000);  // it is under way
    server.signal(SIGTERM);
    const json said = server.said();
    server.expect_to_end_well();
    EXPECT_TRUE(said.value("is_delivered", false));
    const json stats = said.value("stats", json::object());
    EXPECT_TRUE(stats.value("is_balanced", false));
    // What ended after the shutdown is counted; the rest is there, once.
    EXPECT_EQ(number(stats, "exported") + number(said, "after_shutdown"), number(stats, "started"));
    EXPECT_EQ(backend.counts().spans, number(stats, "exported"));
    EXPECT_EQ(backend.counts().receptions, number(stats, "exported"));
}

INSTANTIATE_TEST_SUITE_P(LifeCycle, Terminated, testing::Values("waits", "handler"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST(LifeCycle, StaticsMayBeDestroyedInAnyOrder) {
    for (const auto& [order, spans] :
         {std::pair{"span_first", std::uint64_t{3}}, {"tracer_first", std::uint64_t{2}}}) {
        RunningBackend backend;
        Traced process(backend, "static_order", {order});
        EXPECT_TRUE(process.said().value("is_ready", false));
        process.expect_to_end_well();
        EXPECT_EQ(backend.counts().spans, spans) << order;
        EXPECT_EQ(backend.counts().receptions, spans) << order;
    }
}

TEST(LifeCycle, APluginMayBeUnloadedAndLoadedAgain) {
    RunningBackend backend;
    constexpr std::uint64_t kTimes = 10;
    Traced host(backend, "plugin_host",
                {JUDGEVAL_LIFE_CYCLE_PLUGIN, "trace_and_end", std::to_string(kTimes)});
    const json said = host.said();
    EXPECT_TRUE(said.value("is_delivered", false));
    if (!kIsSanitized) {  // a sanitizer's runtime keeps what it has seen
        EXPECT_TRUE(said.value("is_unloaded", false));
    }
    host.signal(SIGTERM);
    host.expect_to_end_well();
    EXPECT_EQ(backend.counts().spans, kTimes * 400);
    EXPECT_EQ(backend.counts().receptions, kTimes * 400);
}

TEST(LifeCycle, APluginUnloadedWithALiveTracerGoesOnSending) {
    RunningBackend backend;
    Traced host(backend, "plugin_host", {JUDGEVAL_LIFE_CYCLE_PLUGIN, "trace_and_forget", "1"});
    const json said = host.said();
    EXPECT_TRUE(said.value("is_delivered", false));
    EXPECT_FALSE(said.value("is_unloaded", true)) << "its exporter has nothing to run on";
    wait_for_spans(backend, 400);
    host.signal(SIGTERM);
    host.expect_to_end_well();
    EXPECT_EQ(backend.counts().receptions, 400U);
}

}  // namespace
}  // namespace judgeval::life_cycle
