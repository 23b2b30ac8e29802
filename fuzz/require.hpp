// What a fuzz target asserts. A property that does not hold ends the process, and libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace judgeval::fuzz {

inline void require(bool holds, std::string_view property) {
    if (holds) return;
    std::fprintf(stderr, "this does not hold: %.*s\n", static_cast<int>(property.size()), property.data());
    std::abort();
}

}  // namespace judgeval::fuzz
