// How a traced process starts, forks and ends: runs the program next to this file and looks at what it says
// and sends.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "end_to_end/peer.hpp"

namespace judgeval::end_to_end {
namespace {

using nlohmann::json;

/// What the program says when it is run in that way; a failure when it does not end with 0.
json run_program(const char* what, std::vector<std::pair<std::string, std::string>> environment) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) {
        ADD_FAILURE() << "no pipe";
        return {};
    }
    std::vector<std::string> arguments = {"/usr/bin/env", "-u", "JUDGMENT_ENABLE_MONITORING", "-u",
                                          "JUDGMENT_MONITORING"};
    for (const auto& [name, value] : environment) arguments.push_back(name + "=" + value);
    arguments.insert(arguments.end(), {JUDGEVAL_TEST_PROCESS, what});
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);

    const pid_t process = ::fork();
    if (process == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    std::string output;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        output.append(buffer, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(process, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << what << " ended with status " << status;
    json said = json::parse(output, nullptr, false);
    EXPECT_TRUE(said.is_object()) << "said: " << output;
    return said.is_object() ? said : json::object();
}

json run_program(const char* what, const RunningBackend& backend) {
    return run_program(what, {{"JUDGMENT_API_URL", backend.url()},
                              {"JUDGMENT_API_KEY", "key"},
                              {"JUDGMENT_ORG_ID", "organization"}});
}

/// How many spans there are of each name.
std::map<std::string, int> count_names(RunningBackend& backend) {
    std::map<std::string, int> names;
    for (const local::TraceSummary& trace : backend.store().traces(1000, 0, "")) {
        const auto stored = backend.trace(trace.trace_id);
        for (const local::StoredSpan& span : stored->spans) ++names[span.span.name];
    }
    return names;
}

TEST(Process, SpanEndedByAStaticDestructorArrives) {
    RunningBackend backend;
    const json said = run_program("static_destruction", backend);
    EXPECT_EQ(said.value("is_delivered", false), true);
    const json expected = {
        {"started", 3}, {"exported", 3}, {"dropped", 0}, {"in_flight", 0}, {"is_balanced", true}};
    EXPECT_EQ(said.value("stats", json()), expected);
    const std::map<std::string, int> names = {
        {"ended in main", 1}, {"ended after main", 1}, {"started in a static destructor", 1}};
    EXPECT_EQ(count_names(backend), names);
}

TEST(Process, MonitoringTakesAThreadSocketsAndMemory) {
    // The counterpart of the next test: what it counts can be seen.
    RunningBackend backend;
    const json said = run_program("monitoring", backend);
    EXPECT_GE(said.value("threads", 0), 1);
    EXPECT_GE(said.value("files", 0), 1);
    EXPECT_GT(said.value("memory", std::uint64_t{0}), std::uint64_t{32} << 20U);
    EXPECT_EQ(backend.counts().spans, 1000U);
}

TEST(Process, SwitchedOffMonitoringTakesNothing) {
    RunningBackend backend;
    const json said = run_program("monitoring", {{"JUDGMENT_API_URL", backend.url()},
                                                 {"JUDGMENT_API_KEY", "key"},
                                                 {"JUDGMENT_ORG_ID", "organization"},
                                                 {"JUDGMENT_MONITORING", "false"}});
    EXPECT_EQ(said.value("threads", -1), 0);
    EXPECT_EQ(said.value("files", -1), 0);
    EXPECT_LT(said.value("memory", ~std::uint64_t{0}),
              std::uint64_t{32} << 20U);  // the pool alone would take 64 MiB
    const json expected = {
        {"started", 0}, {"exported", 0}, {"dropped", 0}, {"in_flight", 0}, {"is_balanced", true}};
    EXPECT_EQ(said.value("stats", json()), expected);
    EXPECT_EQ(backend.counts().projects, 0U);
}

TEST(Process, ForkedChildSendsItsOwnSpansOnly) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer ends the child of a threaded process when it starts a thread ('dup "
                    "thread with used id'); "
                    "every other build runs this test";
#endif
    RunningBackend backend;
    const json said = run_program("fork", backend);
    EXPECT_EQ(said.value("child", -1), 0);
    EXPECT_EQ(said.value("is_delivered", false), true);
    const json expected = {
        {"started", 92}, {"exported", 92}, {"dropped", 0}, {"in_flight", 0}, {"is_balanced", true}};
    EXPECT_EQ(said.value("stats", json()), expected);
    // Had the child gone on with its parent's ids, spans of the two would coincide and be received twice.
    EXPECT_EQ(backend.counts().spans, 92U + 40U);
    EXPECT_EQ(backend.counts().receptions, 92U + 40U);
    const std::map<std::string, int> names = {{"before the fork", 50}, {"open while it forked", 1},
                                              {"around the fork", 1},  {"in the parent", 20},
                                              {"in the child", 20},    {"on a thread", 40}};
    EXPECT_EQ(count_names(backend), names);
}

}  // namespace
}  // namespace judgeval::end_to_end
