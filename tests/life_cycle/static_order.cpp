// Static objects that hold a tracer and an open span, destroyed in one order or the other, with a thread that
// ends after both were made.
//
//     static_order tracer_first|span_first
#include <optional>
#include <string_view>

#include "life_cycle/traced_process.hpp"

namespace {

using namespace judgeval::life_cycle;

struct HoldsTracer {
    std::optional<judgeval::Tracer> tracer;
};
struct HoldsSpan {
    std::optional<judgeval::Span> span;
};

// Destroyed in the opposite order of what is asked for: static locals go last in, first out.
HoldsTracer& holds_tracer() {
    static HoldsTracer the;
    return the;
}
HoldsSpan& holds_span() {
    static HoldsSpan the;
    return the;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const std::string_view first = argument_count == 2 ? arguments[1] : "";
    if (first == "tracer_first") {
        holds_span();
        holds_tracer();
    } else if (first == "span_first") {
        holds_tracer();
        holds_span();
    } else {
        return 2;
    }
    holds_tracer().tracer = make_tracer();
    trace(*holds_tracer().tracer);
    holds_span().span = holds_tracer().tracer->start_span("held");
    holds_span().span->set_attribute("text", "x");
    say({{"is_ready", true}});
    return 0;
}
