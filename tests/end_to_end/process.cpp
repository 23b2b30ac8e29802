// A process of its own for what cannot be shown inside a test's process: how it starts, forks and ends.
//
//     process static_destruction|monitoring|fork
//
// Sends to JUDGMENT_API_URL. Writes one line of JSON with what it found, and exits with 0; process_test.cpp
// judges.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <judgeval/judgeval.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "each_span_once.hpp"

namespace {

using judgeval::Stats;
using judgeval::Tracer;
using nlohmann::json;

constexpr std::chrono::seconds kPatience{60};

Tracer make_tracer() {
    return judgeval::Judgeval({.project_name = "process"}).tracer.create(judgeval::test::each_span_once());
}

bool is_balanced(const Stats& stats) {
    return stats.started == stats.exported + stats.dropped_total() + stats.in_flight;
}

json view(const Stats& stats) {
    return {{"started", stats.started},
            {"exported", stats.exported},
            {"dropped", stats.dropped_total()},
            {"in_flight", stats.in_flight},
            {"is_balanced", is_balanced(stats)}};
}

/// Ends a span in its destructor, which runs after main() has returned and its thread's locals are gone.
struct LateSpan {
    std::optional<Tracer> tracer;
    std::optional<judgeval::Span> span;
    ~LateSpan() {
        if (!span) return;
        span->set_attribute("ended in", "a static destructor");
        span->end();
        span.reset();
        { const auto started = tracer->span("started in a static destructor"); }
        const bool is_delivered = tracer->shutdown(kPatience);
        std::cout << json{{"is_delivered", is_delivered}, {"stats", view(tracer->stats())}}.dump()
                  << std::endl;
    }
};

int end_in_static_destructor() {
    static LateSpan late;
    late.tracer = make_tracer();
    { const auto span = late.tracer->span("ended in main"); }
    late.span = late.tracer->start_span("ended after main");
    return 0;
}

std::ptrdiff_t count_entries(const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

/// Bytes of address space.
std::uint64_t address_space() {
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

int count_what_a_tracer_takes() {
    const std::ptrdiff_t threads = count_entries("/proc/self/task");
    const std::ptrdiff_t files = count_entries("/proc/self/fd");
    const std::uint64_t memory = address_space();
    const Tracer tracer = make_tracer();
    for (int i = 0; i < 1000; ++i) {
        const auto span = tracer.span("span");
        span.set_attribute("key", std::string(1000, 'x'));
    }
    const Stats stats = tracer.stats();
    std::cout << json{{"threads", count_entries("/proc/self/task") - threads},
                      {"files", count_entries("/proc/self/fd") - files},
                      {"memory", address_space() - memory},
                      {"stats", view(stats)}}
                     .dump()
              << std::endl;
    return tracer.shutdown(kPatience) ? 0 : 1;
}

int fork_while_tracing() {
    const Tracer tracer = make_tracer();
    for (int i = 0; i < 50; ++i) {
        const auto span = tracer.span("before the fork");
    }
    std::optional<judgeval::Span> open = tracer.start_span("open while it forked");

    pid_t child = -1;
    {
        const auto scoped = tracer.span("around the fork");
        child = ::fork();
        if (child < 0) return 1;
        // where its bytes stood is gone in the child
        scoped.set_attribute("process", child == 0 ? "child" : "parent");
    }
    for (int i = 0; i < 20; ++i) {
        const auto outer = tracer.span(child == 0 ? "in the child" : "in the parent");
        std::thread([&] { const auto inner = tracer.span("on a thread"); }).join();
    }
    open.reset();  // the parent's; in the child nothing may come of it
    const bool is_delivered = tracer.force_flush(kPatience) && tracer.shutdown(kPatience);
    const Stats stats = tracer.stats();
    if (child == 0) {
        const bool is_right =
            is_delivered && is_balanced(stats) && stats.started == 40 && stats.exported == 40;
        if (!is_right) std::cerr << "child: " << view(stats).dump() << std::endl;
        ::_exit(is_right ? 0 : 1);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return 1;
    std::cout << json{{"is_delivered", is_delivered},
                      {"child", WIFEXITED(status) ? WEXITSTATUS(status) : -1},
                      {"stats", view(stats)}}
                     .dump()
              << std::endl;
    return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const std::string_view what = argument_count == 2 ? arguments[1] : "";
    if (what == "static_destruction") return end_in_static_destructor();
    if (what == "monitoring") return count_what_a_tracer_takes();
    if (what == "fork") return fork_while_tracing();
    std::cerr << "usage: process static_destruction|monitoring|fork\n";
    return 2;
}
