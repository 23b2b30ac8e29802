// A plugin that traces: a shared object with the library inside, loaded and unloaded by plugin_host.cpp.
#include <thread>
#include <vector>

#include "life_cycle/traced_process.hpp"

namespace {

/// Never destroyed: a plugin that forgets to.
judgeval::Tracer& forgotten() {
    static auto& the = *new judgeval::Tracer(judgeval::life_cycle::make_tracer());
    return the;
}

void trace_on_threads(const judgeval::Tracer& tracer) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&tracer] {
            for (int j = 0; j < 50; ++j) judgeval::life_cycle::trace(tracer);
        });
    }
    for (auto& thread : threads) thread.join();
}

}  // namespace

/// 400 spans on threads of its own; true when they arrived before the tracer ended.
extern "C" [[gnu::visibility("default")]] bool trace_and_end() {
    const judgeval::Tracer tracer = judgeval::life_cycle::make_tracer();
    trace_on_threads(tracer);
    return tracer.shutdown(judgeval::life_cycle::kPatience);
}

/// The same with a tracer that goes on living.
extern "C" [[gnu::visibility("default")]] bool trace_and_forget() {
    trace_on_threads(forgotten());
    return true;
}
