// Everything that is recorded arrives, once, as it was recorded: many threads, every compression, little
// memory.
#include <iostream>
#include <judgeval/judgeval.hpp>
#include <ostream>
#include <string>

#include "each_span_once.hpp"
#include "end_to_end/peer.hpp"

namespace judgeval::end_to_end {
namespace {

TEST(Delivery, HundredThousandSpansFromEightThreads) {
    constexpr std::size_t kThreads = 8;
#if defined(__SANITIZE_THREAD__)
    // The backend in this process is sanitized as well, and takes minutes for all of them.
    constexpr std::size_t kTraces = 250;
    std::cout << "built with ThreadSanitizer: 20,000 spans instead of 100,000\n";
#else
    constexpr std::size_t kTraces = 1250;
#endif
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url(), lossless());
    const auto records = record_traces_on_threads(tracer, 1, kThreads, kTraces);
    ASSERT_EQ(records.size(), kThreads * kTraces * kSpansOfTrace);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_all_delivered(tracer.stats(), records.size());
    EXPECT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), records.size());
    expect_received(backend, records);
}

struct Compressed {
    Encoding encoding;
    Compression compression;
    std::uint32_t threads;
    const char* name;
};

/// ctest shows it beside the test's name.
void PrintTo(const Compressed& compressed, std::ostream* out) { *out << compressed.name; }

class DeliveryCompressed : public ::testing::TestWithParam<Compressed> {};

TEST_P(DeliveryCompressed, ArrivesAsRecorded) {
    RunningBackend backend;
    TracerOptions options = lossless();
    options.pipeline.encoding = GetParam().encoding;
    options.pipeline.compression = GetParam().compression;
    options.pipeline.compressor_threads = GetParam().threads;
    options.pipeline.max_batch_bytes = std::size_t{128} << 10U;  // many batches, several at a time
    const Tracer tracer = make_tracer(backend.url(), options);
    const auto records = record_traces_on_threads(tracer, 2, 4, 125);
    EXPECT_TRUE(tracer.shutdown(kPatience));
    const Stats stats = tracer.stats();
    expect_all_delivered(stats, records.size());
    EXPECT_GT(stats.requests, 4U);
    EXPECT_EQ(stats.encoded_bytes, backend.counts().decompressed_bytes);
    EXPECT_EQ(stats.sent_bytes, backend.counts().bytes);
    if (GetParam().compression == Compression::kNone) {
        EXPECT_EQ(stats.sent_bytes, stats.encoded_bytes);
    } else {
        EXPECT_LT(stats.sent_bytes, stats.encoded_bytes / 2);
    }
    expect_received(backend, records);
}

INSTANTIATE_TEST_SUITE_P(
    Each, DeliveryCompressed,
    ::testing::Values(Compressed{Encoding::kOtlp, Compression::kZstd, 1, "Zstd"},
                      Compressed{Encoding::kOtlp, Compression::kZstd, 2, "ZstdTwoThreads"},
                      Compressed{Encoding::kOtlp, Compression::kGzip, 1, "Gzip"},
                      Compressed{Encoding::kOtlp, Compression::kGzip, 2, "GzipTwoThreads"},
                      Compressed{Encoding::kOtlp, Compression::kNone, 1, "None"},
                      Compressed{Encoding::kOtlp, Compression::kNone, 2, "NoneTwoThreads"},
                      Compressed{Encoding::kFlatBuffers, Compression::kZstd, 1, "FlatBuffersZstd"},
                      Compressed{Encoding::kFlatBuffers, Compression::kZstd, 2, "FlatBuffersZstdTwoThreads"},
                      Compressed{Encoding::kFlatBuffers, Compression::kGzip, 1, "FlatBuffersGzip"},
                      Compressed{Encoding::kFlatBuffers, Compression::kNone, 1, "FlatBuffersNone"}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(Delivery, BlockingPolicyLosesNothingInLittleMemory) {
    RunningBackend backend;
    TracerOptions options = lossless();
    options.pipeline.memory_budget_bytes = std::size_t{4} << 20U;
    const Tracer tracer = make_tracer(backend.url(), options);
    // About 20 MB of spans through 4 MiB of memory.
    const auto records = record_traces_on_threads(tracer, 3, 4, 750);
    EXPECT_TRUE(tracer.shutdown(kPatience));
    const Stats stats = tracer.stats();
    expect_all_delivered(stats, records.size());
    EXPECT_GT(stats.encoded_bytes, options.pipeline.memory_budget_bytes * 2);
    expect_received(backend, records);
}

TEST(Delivery, TwoTracersSendToTheirOwnProjects) {
    RunningBackend backend;
    ClientOptions options = client_options(backend.url());
    options.project_name = "first project";
    const Tracer first = Judgeval(options).tracer.create(test::each_span_once());
    options.project_name = "second project";
    const Tracer second = Judgeval(options).tracer.create(test::each_span_once());
    Context of_first;
    Context of_second;
    {
        const auto outer = first.span("of the first");
        of_first = outer.context();
    }
    {
        const auto outer = second.span("of the second");
        of_second = outer.context();
        const auto inner = second.span("below the second");
    }
    EXPECT_TRUE(first.shutdown(kPatience));
    EXPECT_TRUE(second.shutdown(kPatience));
    expect_all_delivered(first.stats(), 1);
    expect_all_delivered(second.stats(), 2);

    const auto trace_of_first = backend.trace(bytes_of(of_first.span_context().trace_id));
    const auto trace_of_second = backend.trace(bytes_of(of_second.span_context().trace_id));
    ASSERT_TRUE(trace_of_first && trace_of_second);
    EXPECT_EQ(trace_of_first->project_name, "first project");
    EXPECT_EQ(trace_of_second->project_name, "second project");
    EXPECT_EQ(trace_of_first->spans.size(), 1U);
    EXPECT_EQ(trace_of_second->spans.size(), 2U);
}

TEST(Delivery, OneMebibytePromptArrivesWhole) {
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    std::string prompt;
    while (prompt.size() < std::size_t{1} << 20U)
        prompt += "a prompt of öne mebibyte, " + std::to_string(prompt.size()) + "; ";
    Context context;
    {
        const auto span = tracer.span("prompt", {.type = "llm"});
        context = span.context();
        span.set_input(prompt);
    }
    EXPECT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), 1);
    EXPECT_EQ(tracer.stats().truncated_values, 0U);
    EXPECT_TRUE(text_of(find_span(backend, context.span_context().trace_id, "prompt"), "judgment.input") ==
                prompt);
}

TEST(Delivery, PromptOverTheLimitIsCutAtACharacter) {
    const std::size_t limit = SpanLimits{}.attribute_value_bytes;
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    // Three bytes a character, and a limit that is no multiple of three.
    ASSERT_NE(limit % 3, 0U);
    std::string prompt;
    while (prompt.size() < std::size_t{6} << 20U) prompt += "語";
    Context context;
    {
        const auto span = tracer.span("prompt", {.type = "llm"});
        context = span.context();
        span.set_input(prompt);
        span.set_attribute("after", "the large one");
    }
    EXPECT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), 1);
    EXPECT_EQ(tracer.stats().truncated_values, 1U);
    const local::StoredSpan span = find_span(backend, context.span_context().trace_id, "prompt");
    EXPECT_TRUE(text_of(span, "judgment.input") == prompt.substr(0, limit - limit % 3));
    EXPECT_EQ(text_of(span, "after"), "the large one");
}

TEST(Delivery, SwitchedOffSpansAreNotRecorded) {
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    Context context;
    {
        const auto open = tracer.span("open when it was switched off");
        context = open.context();
        tracer.set_monitoring(false);
        const auto unseen = tracer.span("while it was off");
        EXPECT_FALSE(unseen.is_recording());
        tracer.set_monitoring(true);
        const auto seen = tracer.span("on again");
        EXPECT_TRUE(seen.is_recording());
        open.set_attribute("still", "recording");
    }
    EXPECT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), 2);
    const TraceId trace = context.span_context().trace_id;
    const local::StoredSpan open = find_span(backend, trace, "open when it was switched off");
    EXPECT_EQ(text_of(open, "still"), "recording");
    EXPECT_EQ(find_span(backend, trace, "on again").span.parent_span_id, open.span.span_id);
    EXPECT_EQ(backend.counts().spans, 2U);
    tracer.set_monitoring(true);
    EXPECT_FALSE(tracer.span("after shutdown").is_recording());
}

}  // namespace
}  // namespace judgeval::end_to_end
