// Threads that come, trace and go, thousands of them: what they leave behind must not grow.
//
//     threads <count>
#include <malloc.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "life_cycle/traced_process.hpp"

namespace {

using namespace judgeval::life_cycle;

constexpr int kAtOnce = 8;

void run_threads(const judgeval::Tracer& tracer, int count) {
    for (int done = 0; done < count; done += kAtOnce) {
        std::vector<std::thread> threads;
        for (int i = 0; i < kAtOnce; ++i) {
            threads.emplace_back([&tracer] {
                const auto span = tracer.span("large");
                span.set_attribute("text", std::string(4000, 'x'));  // has memory of its own
                trace(tracer);
            });
        }
        for (auto& thread : threads) thread.join();
    }
}

/// Bytes of the heap in use once everything was delivered.
std::uint64_t heap_in_use(const judgeval::Tracer& tracer) {
    tracer.force_flush(kPatience);
    return ::mallinfo2().uordblks;
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 2) return 2;
    const int count = std::atoi(arguments[1]);
    const judgeval::Tracer tracer = make_tracer();
    run_threads(tracer, count / 10);
    const std::uint64_t heap_before = heap_in_use(tracer);
    run_threads(tracer, count - count / 10);
    const std::uint64_t heap_after = heap_in_use(tracer);
    const std::uint64_t memory_used = tracer.stats().memory_used;
    const bool is_delivered = tracer.shutdown(kPatience);
    say({{"is_delivered", is_delivered},
         {"heap_before", heap_before},
         {"heap_after", heap_after},
         {"memory_used", memory_used},
         {"stats", view(tracer.stats())}});
    return 0;
}
