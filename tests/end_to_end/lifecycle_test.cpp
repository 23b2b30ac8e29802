// The moments that need care: threads that come and go, spans that change threads, flushes from everywhere, a
// backend that is late, gone or unwilling, and memory that runs out.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "each_span_once.hpp"
#include "end_to_end/peer.hpp"

namespace judgeval::end_to_end {
namespace {

/// A port of 127.0.0.1 that nobody listens on. It is bound all the while, so that nobody else is given it.
class ReservedPort {
  public:
    ReservedPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        // With this on both sockets, and as long as this one does not listen, the backend may bind the port
        // as well.
        const int on = 1;
        if (socket_ < 0 || ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
            ::bind(socket_, generic, size) != 0 || ::getsockname(socket_, generic, &size) != 0) {
            throw std::runtime_error("cannot reserve a port");
        }
        port_ = ntohs(address.sin_port);
    }
    ~ReservedPort() { ::close(socket_); }
    ReservedPort(const ReservedPort&) = delete;
    ReservedPort& operator=(const ReservedPort&) = delete;

    [[nodiscard]] int number() const { return port_; }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  private:
    int socket_;
    int port_ = 0;
};

TEST(Lifecycle, ThreadsThatExitHandIn) {
    constexpr int kThreads = 100;
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    std::vector<RecordedSpan> records;
    for (int i = 0; i < kThreads; ++i) {
        std::thread([&] { record_traces(tracer, 100 + static_cast<std::uint64_t>(i), 2, records); }).join();
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_all_delivered(tracer.stats(), records.size());
    expect_received(backend, records);
}

TEST(Lifecycle, SpanEndsOnAnotherThread) {
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    Context context;
    std::string large(100'000, 'x');  // beyond what a span holds inline
    {
        const auto outer = tracer.span("outer");
        context = outer.context();
        Span job = tracer.start_span("job");
        job.set_attribute("large", large);
        Span small = tracer.start_span("small job");
        small.set_attribute("set on", "the first thread");
        std::thread([moved = std::move(job), other = std::move(small)]() mutable {
            moved.set_attribute("ended on", "another thread");
            other.set_attribute("ended on", "another thread");
            moved.end();
            EXPECT_FALSE(moved.is_recording());
        }).join();
    }
    EXPECT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), 3);
    const TraceId trace = context.span_context().trace_id;
    const auto outer = find_span(backend, trace, "outer");
    const auto job = find_span(backend, trace, "job");
    const auto small = find_span(backend, trace, "small job");
    EXPECT_EQ(job.span.parent_span_id, outer.span.span_id);
    EXPECT_EQ(small.span.parent_span_id, outer.span.span_id);
    EXPECT_TRUE(text_of(job, "large") == large);
    EXPECT_EQ(text_of(job, "ended on"), "another thread");
    EXPECT_EQ(text_of(small, "set on"), "the first thread");
    EXPECT_EQ(text_of(small, "ended on"), "another thread");
}

TEST(Lifecycle, BoundWorkRunsBelowItsCaller) {
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    Context context;
    {
        const auto outer = tracer.span("outer");
        context = outer.context();
        auto work = tracer.bind([&tracer](int number) {
            const auto inner = tracer.span("inner");
            return number + 1;
        });
        std::thread([&] {
            EXPECT_EQ(work(41), 42);
            EXPECT_FALSE(tracer.current_context().is_valid());
            const auto unbound = tracer.span("unbound");
        }).join();
    }
    EXPECT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), 3);
    const TraceId trace = context.span_context().trace_id;
    EXPECT_EQ(find_span(backend, trace, "inner").span.parent_span_id,
              find_span(backend, trace, "outer").span.span_id);
    EXPECT_EQ(backend.trace(bytes_of(trace))->spans.size(), 2U);
    EXPECT_EQ(backend.counts().traces, 2U);
}

TEST(Lifecycle, FlushesFromSeveralThreadsEachDeliver) {
    constexpr std::size_t kThreads = 4;
    constexpr int kRounds = 20;
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
                for (int round = 0; round < kRounds; ++round) {
                    Context context;
                    {
                        const auto span = tracer.span("flushed");
                        context = span.context();
                    }
                    EXPECT_TRUE(tracer.force_flush(kPatience));
                    // Flushed means that it is there, now.
                    EXPECT_TRUE(backend.trace(bytes_of(context.span_context().trace_id)));
                }
            });
        }
    }
    expect_all_delivered(tracer.stats(), kThreads * kRounds);
}

TEST(Lifecycle, TheSumIsRightAtAnyMoment) {
    RunningBackend backend;
    TracerOptions options = lossless();
    options.pipeline.max_batch_bytes = 1024;  // many requests, each of which moves spans from sum to sum
    options.pipeline.export_interval = std::chrono::milliseconds(1);
    const Tracer tracer = make_tracer(backend.url(), options);
    std::atomic<bool> is_over{false};
    std::thread reader([&] {
        while (!is_over && !testing::Test::HasFailure()) expect_balanced(tracer.stats());
    });
    for (int i = 0; i < 3000; ++i) {
        { const auto span = tracer.span("counted"); }
        if (i % 10 == 0) tracer.force_flush(kPatience);
    }
    EXPECT_TRUE(tracer.shutdown(kPatience));
    is_over = true;
    reader.join();
    expect_all_delivered(tracer.stats(), 3000);
}

TEST(Lifecycle, ShutdownWithoutABackendEndsInTime) {
    const ReservedPort port;
    TracerOptions options;
    options.pipeline.max_retry_time = std::chrono::hours(1);  // nothing but the time-out can end this
    const Tracer tracer = make_tracer(port.url(), options);
    std::vector<RecordedSpan> records;
    record_traces(tracer, 5, 50, records);
    EXPECT_FALSE(tracer.force_flush(std::chrono::milliseconds(50)));
    Stats stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.in_flight, records.size());
    EXPECT_FALSE(tracer.shutdown(std::chrono::milliseconds(100)));
    stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.started, records.size());
    EXPECT_EQ(stats.dropped_by(DropReason::kShutdown), records.size());
    EXPECT_EQ(stats.in_flight, 0U);
    EXPECT_FALSE(tracer.shutdown(std::chrono::milliseconds(100)));
}

TEST(Lifecycle, SpanThatEndsAfterShutdownIsCounted) {
    RunningBackend backend;
    const Tracer tracer = make_tracer(backend.url());
    Span late = tracer.start_span("late");
    { const auto span = tracer.span("in time"); }
    EXPECT_TRUE(tracer.shutdown(kPatience));
    Stats stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.open, 1U);
    late.end();
    stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.exported, 1U);
    EXPECT_EQ(stats.dropped_by(DropReason::kShutdown), 1U);
    EXPECT_EQ(stats.in_flight, 0U);
}

TEST(Lifecycle, SpansWaitForABackendThatStartsLate) {
    const ReservedPort port;
    const Tracer tracer = make_tracer(port.url());
    const auto records = record_traces_on_threads(tracer, 6, 2, 50);
    EXPECT_FALSE(tracer.force_flush(std::chrono::milliseconds(50)));
    EXPECT_EQ(tracer.stats().exported, 0U);

    local::LocalBackendOptions backend_options;
    backend_options.port = port.number();
    RunningBackend backend(backend_options);
    EXPECT_TRUE(tracer.shutdown(kPatience));
    expect_all_delivered(tracer.stats(), records.size());
    expect_received(backend, records);
}

TEST(Lifecycle, RefusedCredentialsAreCounted) {
    local::LocalBackendOptions backend_options;
    backend_options.api_key = "the right key";
    RunningBackend backend(backend_options);
    ClientOptions options = client_options(backend.url());
    options.api_key = "a wrong key";
    const Tracer tracer = Judgeval(options).tracer.create(test::each_span_once());
    std::vector<RecordedSpan> records;
    record_traces(tracer, 7, 20, records);
    EXPECT_TRUE(tracer.shutdown(kPatience));  // nothing is left on its way
    const Stats stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.started, records.size());
    EXPECT_EQ(stats.dropped_by(DropReason::kProjectUnresolved), records.size());
    EXPECT_EQ(backend.counts().spans, 0U);
}

TEST(Lifecycle, MemoryThatRunsOutShedsWholeTraces) {
    const ReservedPort port;
    TracerOptions options;
    options.pipeline.memory_budget_bytes = std::size_t{4} << 20U;
    const Tracer tracer = make_tracer(port.url(), options);
    // Into a pipeline that delivers nothing: the first traces wait, the rest is shed.
    std::vector<RecordedSpan> records;
    for (std::uint64_t round = 0; tracer.stats().dropped_by(DropReason::kTraceShed) < 1000; ++round) {
        ASSERT_LT(round, 10'000U) << "a budget of 4 MiB took 100,000 traces";
        record_traces(tracer, 1000 + round, 10, records);
        EXPECT_LE(tracer.stats().memory_used, options.pipeline.memory_budget_bytes);
    }
    local::LocalBackendOptions backend_options;
    backend_options.port = port.number();
    RunningBackend backend(backend_options);
    EXPECT_TRUE(tracer.shutdown(kPatience));
    const Stats stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.started, records.size());
    EXPECT_EQ(stats.dropped_total(), stats.dropped_by(DropReason::kTraceShed)) << "a trace lost its middle";
    EXPECT_EQ(stats.in_flight, 0U);
    EXPECT_EQ(stats.exported, backend.counts().spans);
    EXPECT_EQ(stats.exported, backend.counts().receptions);

    // What arrived is whole; the rest is not there at all.
    std::vector<RecordedSpan> arrived;
    for (const RecordedSpan& record : records) {
        if (backend.trace(bytes_of(record.self.trace_id))) arrived.push_back(record);
    }
    EXPECT_GT(arrived.size(), 0U);
    EXPECT_EQ(arrived.size(), stats.exported);
}

TEST(Lifecycle, LastHandleSendsWhatIsLeft) {
    RunningBackend backend;
    std::vector<RecordedSpan> records;
    {
        TracerOptions options;
        options.pipeline.shutdown_timeout = kPatience;
        const Tracer tracer = make_tracer(backend.url(), options);
        const Tracer copy = tracer;
        record_traces(copy, 8, 10, records);
    }
    expect_received(backend, records);
}

}  // namespace
}  // namespace judgeval::end_to_end
