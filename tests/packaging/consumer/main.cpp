// What a user's first program does: includes the one header, calls into the library, prints its version.
// Built once in every way judgeval can be consumed.
#include <iostream>
#include <judgeval/judgeval.hpp>

int main() {
    judgeval::Judgeval client({.project_name = "packaging"});
    auto tracer = client.tracer.create({.enable_monitoring = false});
    { auto span = tracer.span("consumer"); }
    std::cout << judgeval::version << '\n';
}
