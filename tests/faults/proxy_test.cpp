// What becomes of spans when the line to the backend is slow, narrow, cut or dead: toxiproxy stands between a
// tracer and judgeval-local or a Collector.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <judgeval/judgeval.hpp>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "client.hpp"
#include "collector/collector.hpp"
#include "faults/lateness.hpp"
#include "faults/spans.hpp"
#include "faults/toxiproxy.hpp"
#include "local/backend.hpp"
#include "test_peers.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;
using test::kPatience;

/// How long a request is waited for that gets no answer; longer than one that gets through takes.
constexpr auto kSoon = 1s;

/// What a backend received in all: distinct spans, and how often one came.
struct Received {
    std::uint64_t spans = 0;
    std::uint64_t receptions = 0;
};

/// A backend behind the proxy.
class Backend {
  public:
    virtual ~Backend() = default;
    [[nodiscard]] virtual int port() const = 0;
    /// Ends and starts again, at the same port and with what it received.
    virtual void restart() = 0;
    /// What it received. It may take no more after that.
    virtual Received received() = 0;
};

class LocalBehindProxy final : public Backend {
  public:
    LocalBehindProxy() {
        std::string directory = (std::filesystem::temp_directory_path() / "judgeval-proxy-XXXXXX").string();
        if (::mkdtemp(directory.data()) == nullptr) throw std::runtime_error("cannot make " + directory);
        directory_ = directory;
        start(0);
    }
    ~LocalBehindProxy() override {
        backend_.reset();
        std::filesystem::remove_all(directory_);
    }
    [[nodiscard]] int port() const override { return backend_->port(); }
    void restart() override {
        const int port = backend_->port();
        backend_.reset();
        start(port);
    }
    Received received() override { return {backend_->counts().spans, backend_->counts().receptions}; }

  private:
    void start(int port) {
        local::LocalBackendOptions options;
        options.port = port;
        options.database = directory_ / "spans.db";
        backend_ = std::make_unique<local::LocalBackend>(std::move(options));
        backend_->start();
    }

    std::filesystem::path directory_;
    std::unique_ptr<local::LocalBackend> backend_;
};

class CollectorBehindProxy final : public Backend {
  public:
    [[nodiscard]] int port() const override { return collector_.port(); }
    void restart() override { collector_.restart(); }
    Received received() override {
        std::multiset<std::string> ids;
        collector_.stop([&ids](const encode::TraceRequest& request) {
            for (const auto& resource : request.resource_spans) {
                for (const auto& scope : resource.scope_spans) {
                    for (const encode::Span& span : scope.spans) ids.insert(span.span_id);
                }
            }
        });
        return {std::set<std::string>(ids.begin(), ids.end()).size(), ids.size()};
    }

  private:
    test::Collector collector_;
};

enum class Which { kLocal, kCollector };
void PrintTo(Which which, std::ostream* out) { *out << (which == Which::kLocal ? "Local" : "Collector"); }

/// Something that happens to the line, and what it does to a request.
struct Trouble {
    const char* name;
    std::function<void(Toxiproxy&, Backend&)> begin;
};
void PrintTo(const Trouble& trouble, std::ostream* out) { *out << trouble.name; }

/// A tracer, the proxy and the backend; 20 spans are through already, over a connection that is kept.
class Proxied : public testing::TestWithParam<std::tuple<Which, Trouble>> {
  protected:
    void SetUp() override {
        const bool is_local = std::get<Which>(GetParam()) == Which::kLocal;
        std::string why = test::missing_peer("toxiproxy");
        if (why.empty() && !is_local) why = test::missing_peer("collector");
        if (!why.empty()) GTEST_SKIP() << why;
        if (is_local) {
            backend_ = std::make_unique<LocalBehindProxy>();
        } else {
            backend_ = std::make_unique<CollectorBehindProxy>();
        }
        proxy_.emplace(backend_->port());
    }

    Tracer make_connected_tracer(std::chrono::milliseconds request_timeout) {
        const Tracer tracer = test::make_tracer(
            proxy_->url(),
            {.pipeline = {.compression = Compression::kNone, .request_timeout = request_timeout}});
        make_spans(tracer);
        EXPECT_TRUE(tracer.force_flush(kPatience));
        expect_counts(tracer.stats(), kSpans);
        return tracer;
    }
    /// Waits until a request has failed; the spans that follow the first ones are neither delivered nor lost.
    static void expect_stuck(const Tracer& tracer) {
        const auto latest = Clock::now() + kPatience;
        do {
            ASSERT_FALSE(tracer.force_flush(50ms));
            const Stats stats = tracer.stats();
            test::expect_balanced(stats);
            ASSERT_EQ(stats.in_flight, kSpans);
            ASSERT_LT(Clock::now(), latest) << "nothing is tried again";
        } while (tracer.stats().retries == 0);
    }
    void begin_trouble() { std::get<Trouble>(GetParam()).begin(*proxy_, *backend_); }

    std::unique_ptr<Backend> backend_;
    std::optional<Toxiproxy> proxy_;
};

std::string name_of(const testing::TestParamInfo<std::tuple<Which, Trouble>>& parameter) {
    return std::string(std::get<Trouble>(parameter.param).name) +
           (std::get<Which>(parameter.param) == Which::kLocal ? "Local" : "Collector");
}

const auto kBackends = testing::Values(Which::kLocal, Which::kCollector);

/// A toxic that works on the bytes of one direction, or of both.
Trouble toxic(const char* name, const char* type, std::vector<Direction> directions, const char* attributes) {
    return {name, [=](Toxiproxy& proxy, Backend&) {
                for (const Direction direction : directions) proxy.add(type, direction, attributes);
            }};
}

constexpr auto kRequests = Direction::kRequests;
constexpr auto kAnswers = Direction::kAnswers;

// ---- the line is bad, and everything gets through ----

class SlowLine : public Proxied {};

TEST_P(SlowLine, DeliversOnceWithoutARetry) {
    const Tracer tracer = make_connected_tracer(kPatience);
    begin_trouble();
    {
        const auto span = tracer.span("large");
        span.set_attribute("text", std::string(100'000, 'x'));
    }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), kSpans + 1);
    EXPECT_EQ(tracer.stats().retries, 0U);
    const Received received = backend_->received();
    EXPECT_EQ(received.spans, kSpans + 1);
    EXPECT_EQ(received.receptions, kSpans + 1);
}

INSTANTIATE_TEST_SUITE_P(
    Of, SlowLine,
    testing::Combine(kBackends,
                     testing::Values(toxic("Latency", "latency", {kRequests, kAnswers},
                                           R"({"latency": 150, "jitter": 50})"),
                                     toxic("Bandwidth", "bandwidth", {kRequests}, R"({"rate": 100})"),
                                     toxic("Slices", "slicer", {kRequests, kAnswers},
                                           R"({"average_size": 200, "size_variation": 100, "delay": 100})"))),
    name_of);

// ---- requests do not arrive; when they do again, each span arrives once ----

class LostRequest : public Proxied {};

TEST_P(LostRequest, IsSentAgainAndDeliveredOnce) {
    const Tracer tracer = make_connected_tracer(kSoon);
    begin_trouble();
    make_spans(tracer);
    expect_stuck(tracer);
    proxy_->recover();
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 3 * kSpans);
    EXPECT_GT(tracer.stats().retries, 0U);
    const Received received = backend_->received();
    EXPECT_EQ(received.spans, 3 * kSpans);
    EXPECT_EQ(received.receptions, 3 * kSpans);
}

INSTANTIATE_TEST_SUITE_P(
    Of, LostRequest,
    testing::Combine(
        kBackends, testing::Values(toxic("Reset", "reset_peer", {kRequests}, R"({"timeout": 0})"),
                                   toxic("CutInTheMiddle", "limit_data", {kRequests}, R"({"bytes": 300})"),
                                   toxic("Blackhole", "timeout", {kRequests, kAnswers}, R"({"timeout": 0})"),
                                   Trouble{"Down", [](Toxiproxy& proxy, Backend&) { proxy.go_down(); }})),
    name_of);

// ---- answers do not arrive: nobody can know whether the request did, so it is sent again ----

class LostAnswer : public Proxied {};

TEST_P(LostAnswer, IsCountedOnceAndMayArriveTwice) {
    const Tracer tracer = make_connected_tracer(kSoon);
    begin_trouble();
    make_spans(tracer);
    expect_stuck(tracer);
    proxy_->recover();
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 2 * kSpans);
    const Received received = backend_->received();
    EXPECT_EQ(received.spans, 2 * kSpans);
    EXPECT_GT(received.receptions, 2 * kSpans) << "the backend never had the request whose answer was lost";
}

INSTANTIATE_TEST_SUITE_P(
    Of, LostAnswer,
    testing::Combine(kBackends,
                     testing::Values(toxic("Reset", "reset_peer", {kAnswers}, R"({"timeout": 0})"),
                                     toxic("Blackhole", "timeout", {kAnswers}, R"({"timeout": 0})"))),
    name_of);

// ---- the backend is gone, and the kept connection to it does not know ----

class HalfOpen : public Proxied {};

TEST_P(HalfOpen, ConnectionIsGivenUpAndTheSpansArriveOnce) {
    const Tracer tracer = make_connected_tracer(kSoon);
    begin_trouble();
    make_spans(tracer);
    ASSERT_TRUE(tracer.force_flush(kPatience));
    expect_counts(tracer.stats(), 2 * kSpans);
    EXPECT_GT(tracer.stats().retries, 0U);
    const Received received = backend_->received();
    EXPECT_EQ(received.spans, 2 * kSpans);
    EXPECT_EQ(received.receptions, 2 * kSpans);
}

INSTANTIATE_TEST_SUITE_P(Of, HalfOpen,
                         testing::Combine(kBackends,
                                          testing::Values(Trouble{"Restart",
                                                                  [](Toxiproxy& proxy, Backend& backend) {
                                                                      // that the backend closes is told an
                                                                      // hour later
                                                                      proxy.add("slow_close", kAnswers,
                                                                                R"({"delay": 3600000})");
                                                                      backend.restart();
                                                                  }})),
                         name_of);

// ---- calls with a deadline, meanwhile ----

class SilentLine : public Proxied {};

TEST_P(SilentLine, FlushAndShutdownKeepTheirDeadlines) {
    std::mt19937_64 random(1);
    for (int run = 0; run < JUDGEVAL_PROXY_DEADLINE_RUNS; ++run) {
        Lateness ours;
        Lateness machines;
        // Every other tracer has a connection already, which goes dead under it.
        const bool is_connected = run % 2 != 0;
        if (!is_connected) begin_trouble();
        const Tracer tracer = test::make_tracer(proxy_->url(), {.pipeline = {.shutdown_timeout = 10ms}});
        make_spans(tracer);
        if (is_connected) {
            ASSERT_TRUE(tracer.force_flush(kPatience));
            begin_trouble();
            make_spans(tracer);
        }
        const milliseconds to_flush(random() % 25);
        const auto flush = [&] { EXPECT_FALSE(tracer.force_flush(to_flush)); };
        run_together(to_flush, {flush, flush}, ours, machines);
        const milliseconds to_shut_down(random() % 25);
        const auto shut_down = [&] { static_cast<void>(tracer.shutdown(to_shut_down)); };
        run_together(to_shut_down, {shut_down, shut_down}, ours, machines);
        EXPECT_LE(ours.most(), kGrace + machines.most()) << "run " << run;
        expect_counts(tracer.stats(), is_connected ? kSpans : 0, std::pair{DropReason::kShutdown, kSpans});
        proxy_->recover();
    }
}

INSTANTIATE_TEST_SUITE_P(Of, SilentLine,
                         testing::Combine(testing::Values(Which::kLocal),
                                          testing::Values(toxic("Blackhole", "timeout", {kRequests, kAnswers},
                                                                R"({"timeout": 0})"),
                                                          toxic("AnswersOnly", "timeout", {kAnswers},
                                                                R"({"timeout": 0})"))),
                         name_of);

}  // namespace
}  // namespace judgeval::faults
