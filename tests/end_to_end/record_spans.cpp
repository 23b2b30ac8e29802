// Records the programme of spans for decode.py: 100,000 from eight threads, into a backend in this process
// that writes what it is sent to files.
//
//     record_spans DIRECTORY
//
// leaves DIRECTORY/requests/*.pb, the decompressed bodies, and DIRECTORY/expected.jsonl, one expectation a
// line.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "end_to_end/peer.hpp"

namespace {

using namespace judgeval;
using namespace judgeval::end_to_end;

void record(const std::filesystem::path& directory) {
    local::LocalBackendOptions backend_options;
    backend_options.capture_directory = directory / "requests";
    RunningBackend backend(backend_options);
    TracerOptions options = lossless();
    options.environment = "test";
    options.resource_attributes = {{"service.name", "record_spans"},
                                   {"a.bool", true},
                                   {"an.integer", std::int64_t{-7}},
                                   {"a.double", 0.5}};
    const Tracer tracer = make_tracer(backend.url(), options);
    const auto records = record_traces_on_threads(tracer, 4, 8, 1250);
    if (!tracer.shutdown(kPatience)) throw std::runtime_error("not every span was delivered in time");
    const Stats stats = tracer.stats();
    if (stats.started != records.size() || stats.exported != records.size() || stats.in_flight != 0 ||
        stats.dropped_total() != 0) {
        throw std::runtime_error("the counters do not say that every span was exported");
    }
    std::ofstream expected(directory / "expected.jsonl");
    for (const RecordedSpan& span : records) expected << expected_span(span).dump() << '\n';
    expected.close();
    if (!expected) throw std::runtime_error("cannot write the expectations");
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 2) {
        std::cerr << "usage: record_spans DIRECTORY\n";
        return 2;
    }
    try {
        record(arguments[1]);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "record_spans: " << error.what() << '\n';
        return 1;
    }
}
