// Draws a stored trace as a tree of text, one line a span. A pure function of the trace: no state, any
// thread.
#pragma once

#include <string>

#include "local/store.hpp"

namespace judgeval::local {

enum class Colours { off, on };

/// A heading, then the spans below their parents in order of their start. Spans whose parent has not arrived
/// stand below a placeholder for it. Very deep and very large traces are cut, saying how much was left out.
/// Control characters in what clients sent are escaped, so that a name cannot steer the terminal.
std::string draw_trace(const StoredTrace& trace, Colours colours);

}  // namespace judgeval::local
