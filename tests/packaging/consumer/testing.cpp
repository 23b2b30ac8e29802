// What a user's first test does, without a test framework: captures a span and looks at it.
#include <iostream>
#include <judgeval/testing.hpp>

int main() {
    const judgeval::testing::SpanCapture capture;
    { auto span = capture.tracer().span("consumer"); }
    if (capture.spans().find("consumer").is_root()) std::cout << judgeval::version << '\n';
}
