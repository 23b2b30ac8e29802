// Draws a trace as a tree of text, one line a span. A pure function of the trace: no state, any
// thread.
#pragma once

#include <string>
#include <vector>

#include "encode/otlp_reader.hpp"

namespace judgeval::encode {

enum class Colours { off, on };

struct TraceToDraw {
    std::string trace_id{};  ///< 16 bytes
    std::string name{};      ///< for the heading
    std::vector<const Span*> spans{};
    /// A span that ends when it starts may be a partial emission of one still open.
    bool has_open_spans = true;
};

/// A heading, then the spans below their parents in their order here. Spans whose parent has not arrived
/// stand below a placeholder for it. Very deep and very large traces are cut, saying how much was left out.
/// Control characters in what clients sent are escaped, so that a name cannot steer the terminal.
std::string draw_trace(const TraceToDraw& trace, Colours colours);

}  // namespace judgeval::encode
