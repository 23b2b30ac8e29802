// A program of its own, compiled with JUDGEVAL_DISABLE and linked without the library.
#define JUDGEVAL_DISABLE
#include <cstdio>

#include "api/disabled_calls.hpp"

int main() {
    int serialized = 0;
    const std::string problem = judgeval::test::make_client_and_every_call(serialized);
    if (!problem.empty()) std::fprintf(stderr, "%s\n", problem.c_str());
    if (serialized != 0) std::fprintf(stderr, "a value was serialized\n");
    return problem.empty() && serialized == 0 ? 0 : 1;
}
