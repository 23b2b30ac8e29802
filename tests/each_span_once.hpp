// For tests and their programs that count spans.
#pragma once

#include <chrono>
#include <judgeval/options.hpp>

namespace judgeval::test {

/// Without partial emissions: a test that counts what arrives must not depend on how long the machine keeps a
/// span open.
inline TracerOptions each_span_once(TracerOptions options = {}) {
    options.pipeline.emit_open_after = std::chrono::milliseconds::max();
    return options;
}

}  // namespace judgeval::test
