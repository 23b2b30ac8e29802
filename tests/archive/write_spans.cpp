// A traced process that writes its spans to a file, for what a test cannot show inside its own process.
//
//     write_spans PATH zstd|gzip|none TRACES SEED [flatbuffers]
//
// Records the programme of spans, in batches of a few KiB, and writes its counters to standard error as one
// line of JSON.
#include <cstdlib>
#include <iostream>
#include <map>

#include "each_span_once.hpp"
#include "end_to_end/span_programme.hpp"

int main(int argument_count, char** arguments) {
    using namespace judgeval;
    if (argument_count != 5 && argument_count != 6) {
        std::cerr << "usage: write_spans PATH zstd|gzip|none TRACES SEED [flatbuffers]\n";
        return 2;
    }
    static const std::map<std::string, Compression> kCompressions = {
        {"zstd", Compression::kZstd}, {"gzip", Compression::kGzip}, {"none", Compression::kNone}};
    TracerOptions options;
    options.exporter = FileExporter{arguments[1]};
    options.pipeline.compression = kCompressions.at(arguments[2]);
    if (argument_count == 6) options.pipeline.encoding = Encoding::kFlatBuffers;
    options.pipeline.max_batch_bytes = 4096;
    const Tracer tracer =
        Judgeval({.project_name = "write_spans"}).tracer.create(judgeval::test::each_span_once(options));
    std::vector<end_to_end::RecordedSpan> records;
    for (int i = 0; i < std::atoi(arguments[3]); ++i) {
        end_to_end::record_traces(tracer, static_cast<std::uint64_t>(std::atoi(arguments[4]) + i), 1,
                                  records);
        tracer.force_flush();
    }
    tracer.shutdown(std::chrono::seconds(60));
    const Stats stats = tracer.stats();
    const nlohmann::json said{{"started", stats.started},
                              {"exported", stats.exported},
                              {"in_flight", stats.in_flight},
                              {"dropped", stats.dropped_total()},
                              {"refused", stats.dropped_by(DropReason::kRefused)}};
    std::cerr << said.dump() + "\n";  // in one piece: processes may share the stream
    return 0;
}
