// The exporter that ships, in a simulated world: spans from the real hot path, the real pipeline and
// compressor, virtual time and a backend that fails by a seed.
//
// JUDGEVAL_SIMULATION_SEEDS=<count> runs another number of histories than the quick run's 1,000;
// JUDGEVAL_SIMULATION_SEED=<n> replays one. A seed that fails prints the command that replays it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <string>
#include <vector>

#include "export/exporter.hpp"
#include "export/flatbuffers_body.hpp"
#include "export/simulation/world.hpp"
#include "record/thread_state.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;

class History {
  public:
    explicit History(std::uint64_t seed)
        : random_(seed),
          backend_(clock_, random_),
          options_(draw_options(random_)),
          pipeline_(settings(options_, random_.one_in(4))) {
        // Ids and times are the seed's too, so that bodies are the same, byte for byte.
        detail::thread_state.random[0] = seed | 1U;
        detail::thread_state.random[1] = ~seed;
        detail::thread_state.last_time = 4'000'000'000'000'000'000;
        state_.pipeline.store(&pipeline_, std::memory_order_release);
        state_.is_recording.store(true, std::memory_order_relaxed);
        weather_ = Weather::draw(random_);
        backend_.set_weather(weather_);

        detail::ExporterSettings exporter;
        exporter.url = "traces";
        exporter.options = options_;
        exporter.random_seed = random_.next();
        if (random_.one_in(3)) {
            detail::Preparation preparation;
            preparation.request.url = "resolve";
            preparation.finish =
                [](const HttpResponse& response) -> std::variant<std::vector<std::string>, std::string> {
                if (response.body != "7") return std::string("no project");
                return std::vector<std::string>{"X-Project-Id: 7"};
            };
            exporter.preparation = std::move(preparation);
        } else {
            exporter.headers.emplace_back("X-Project-Id: 7");
        }
        exporter_ = std::make_unique<detail::Exporter>(
            pipeline_, detail::Frame({{"service.name", "simulation"}}, "judgeval", "1"), std::move(exporter),
            backend_, clock_, log_);
    }
    ~History() { detail::thread_state.last_time = 0; }
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    void run() {
        for (std::uint64_t turns = 5 + random_.below(20); turns != 0; --turns) {
            make_spans();
            if (random_.one_in(6)) flushes_.push_back(exporter_->begin_flush());
            if (random_.one_in(8)) backend_.set_weather(random_.one_in(2) ? Weather::fair() : weather_);
            run_for(random_.up_to(random_.one_in(10) ? nanoseconds(100s) : nanoseconds(2s)));
            check_flushes();
            check_counters();
            if (testing::Test::HasFailure()) return;
        }
        if (random_.one_in(2)) {
            // The network heals: what is not given up arrives, within the longest delay there is.
            backend_.set_weather(Weather::fair());
            flushes_.push_back(exporter_->begin_flush());
            for (int minutes = 0; minutes < 120 && !(flushes_.empty() && backend_.is_idle()); ++minutes) {
                run_for(1min);
                check_flushes();
            }
            EXPECT_TRUE(flushes_.empty()) << "a flush never ended";
            EXPECT_EQ(exporter_->counters().finished.get(), exporter_->counters().collected.get());
            EXPECT_TRUE(backend_.is_idle());
        }
        pipeline_.stop_accepting();
        { const ScopedSpan late(state_, late_name_, {}); }  // counted, not recorded
        exporter_->abandon(DropReason::kShutdown);
        backend_.close();
        EXPECT_TRUE(backend_.is_idle()) << "a request outlives the exporter";
        check_counters();
        check_end();
    }

    [[nodiscard]] std::uint64_t history() const { return backend_.history(); }
    [[nodiscard]] std::uint64_t exported() const { return exporter_->counters().exported.get(); }
    void add_dropped(std::array<std::uint64_t, kDropReasonCount>& dropped) const {
        const auto totals = pipeline_.totals();
        for (std::size_t i = 0; i < kDropReasonCount; ++i) {
            dropped[i] += totals.dropped[i] + exporter_->counters().dropped[i].get();
        }
    }
    [[nodiscard]] std::uint64_t acknowledged_bodies(Encoding encoding) const {
        return backend_.acknowledged_bodies(encoding);
    }
    [[nodiscard]] std::uint64_t unsampled() const {
        return exporter_->counters().undecided.unsampled_spans.get();
    }
    [[nodiscard]] std::uint64_t retries() const { return exporter_->counters().retries.get(); }

  private:
    static PipelineOptions draw_options(Random& random) {
        PipelineOptions options;
        options.memory_budget_bytes = std::size_t{4} << 20U;
        options.max_batch_bytes = std::size_t{4096} << random.below(8);
        options.max_requests_in_flight = static_cast<std::uint32_t>(1 + random.below(4));
        options.export_interval = std::chrono::milliseconds(200 + random.below(2000));
        options.max_retry_time = std::chrono::seconds(random.below(200));
        options.compression = static_cast<Compression>(random.below(3));
        if (random.one_in(4)) options.encoding = Encoding::kFlatBuffers;
        return options;
    }

    static detail::PipelineSettings settings(const PipelineOptions& options, bool keeps_errors) {
        detail::PipelineSettings settings;
        settings.memory_budget_bytes = options.memory_budget_bytes;
        settings.limits.span_bytes = options.memory_budget_bytes / 8;
        settings.reserved_chunks =
            settings.limits.span_bytes * detail::body_growth(options.encoding) / detail::kChunkData + 4;
        if (keeps_errors) {
            settings.sampler = Sampler::keep_on_error(Sampler::trace_id_ratio(0.5));
            settings.undecided_bytes = options.memory_budget_bytes / 8;
        }
        return settings;
    }

    /// A few traces; sometimes so many, or so large, that memory runs low.
    void make_spans() {
        const std::uint64_t traces = random_.one_in(20) ? random_.below(300) : random_.below(6);
        for (std::uint64_t i = 0; i < traces; ++i) {
            const Tracer tracer(std::shared_ptr<detail::TracerState>(std::shared_ptr<void>(), &state_));
            auto root = tracer.span("root", {.type = "function"});
            // Recorded in case of an error, of which half have one.
            is_in_vain_ = !root.context().span_context().is_sampled() && random_.one_in(2);
            if (!is_in_vain_) root.set_status(StatusCode::kError, "");
            remember(root);
            for (std::uint64_t children = random_.below(4); children != 0; --children) {
                auto child = tracer.span("child");
                child.set_attribute("number", random_.next());
                remember(child);
            }
            // now and then as much as the budget holds
            const std::uint64_t large =
                random_.one_in(40) ? 1 + (random_.one_in(10) ? random_.below(60) : 0) : 0;
            for (std::uint64_t j = 0; j < large; ++j) {
                auto span = tracer.span("large");
                if (!span.is_recording()) break;
                span.set_attribute("noise", noise(random_.below(150'000)));
                remember(span);
            }
        }
    }

    /// Printable characters; one in four is nearly as dense as noise can be in text, the others repeat
    /// themselves.
    std::string noise(std::size_t size) {
        const std::size_t period = random_.one_in(4) ? size : 512;
        std::string text(size, ' ');
        for (std::size_t i = 0; i < size; ++i) {
            text[i] = i < period ? static_cast<char>(' ' + random_.below(64)) : text[i - period];
        }
        return text;
    }

    void remember(const ScopedSpan& span) {
        if (!span.is_recording()) return;
        (is_in_vain_ ? in_vain_ : recorded_).insert(bytes_of(span.context().span_context().span_id));
    }

    void turn() {
        completions_.clear();
        backend_.wait(0ns, completions_);
        exporter_->step(completions_);
    }

    /// Lets the world go on, event by event.
    void run_for(nanoseconds duration) {
        const SteadyTime end = clock_.now() + duration;
        turn();
        for (int standing_still = 0; clock_.now() < end;) {
            SteadyTime next = std::min(end, exporter_->next_deadline());
            if (const auto arrival = backend_.next_arrival()) next = std::min(next, *arrival);
            standing_still = next > clock_.now() ? 0 : standing_still + 1;
            if (standing_still > 10'000) {
                ADD_FAILURE() << "the exporter does not come to rest";
                return;
            }
            clock_.move_to(next);
            turn();
        }
    }

    void check_flushes() {
        std::erase_if(flushes_, [this](const detail::FlushPoint& flush) {
            if (!exporter_->is_flushed(flush)) return false;
            EXPECT_GE(exporter_->counters().finished.get(), flush.spans);
            return true;
        });
    }

    /// started = exported + dropped + in flight, in every moment.
    void check_counters() const {
        const auto totals = pipeline_.totals();
        const auto& exporter = exporter_->counters();
        const auto lost_before =
            std::accumulate(totals.dropped.begin(), totals.dropped.end(), std::uint64_t{0});
        std::uint64_t lost_after = 0;
        for (const auto& counter : exporter.dropped) lost_after += counter.get();
        EXPECT_EQ(totals.started, totals.ended);
        const std::uint64_t left_out = exporter.undecided.left_out.get();
        const std::uint64_t unsampled = exporter.undecided.unsampled_spans.get();
        EXPECT_LE(exporter.collected.get() + left_out, totals.kept());
        EXPECT_LE(exporter.finished.get(), exporter.collected.get());
        EXPECT_EQ(exporter.finished.get() + left_out, exporter.exported.get() + lost_after + unsampled);
        const std::uint64_t in_flight = totals.kept() - exporter.finished.get() - left_out;
        EXPECT_EQ(totals.started, exporter.exported.get() + lost_before + lost_after + unsampled + in_flight);
        EXPECT_LE(exporter.undecided.bytes.get(), pipeline_.settings().undecided_bytes);
        EXPECT_EQ(exporter.exported.get(), backend_.acknowledged_spans().size());
    }

    void check_end() {
        const auto& counters = exporter_->counters();
        EXPECT_EQ(counters.finished.get() + counters.undecided.left_out.get(), pipeline_.totals().kept());
        EXPECT_EQ(counters.undecided.bytes.get(), 0U);
        EXPECT_LE(counters.undecided.unsampled_spans.get(), in_vain_.size());
        const auto& acknowledged = backend_.acknowledged_spans();
        const std::set<std::string> distinct(acknowledged.begin(), acknowledged.end());
        EXPECT_EQ(distinct.size(), acknowledged.size()) << "a span was acknowledged twice";
        for (const auto& id : distinct) ASSERT_TRUE(recorded_.contains(id)) << "a span that nobody made";
        std::vector<detail::Chunk*> current;
        pipeline_.snapshot_current(current);
        EXPECT_EQ(pipeline_.pool().free(), pipeline_.pool().total() - current.size()) << "memory was lost";
    }

    static constexpr Text late_name_ = "late";

    Random random_;
    VirtualClock clock_;
    SimulatedBackend backend_;
    const PipelineOptions options_;
    detail::Pipeline pipeline_;
    detail::TracerState state_;
    const detail::Log log_{[](LogLevel, std::string_view) {}};
    Weather weather_;
    std::unique_ptr<detail::Exporter> exporter_;
    std::vector<Completion> completions_;
    std::vector<detail::FlushPoint> flushes_;
    std::set<std::string> recorded_;
    std::set<std::string> in_vain_;  ///< recorded, of traces that must not arrive
    bool is_in_vain_ = false;        ///< the trace that is being made
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Simulation, NothingIsLostSentTwiceOrHurriedWhateverTheNetworkDoes) {
    const bool is_replay = std::getenv("JUDGEVAL_SIMULATION_SEED") != nullptr;
    const std::uint64_t first = number_from("JUDGEVAL_SIMULATION_SEED", 1);
    const std::uint64_t count =
        is_replay ? 1 : number_from("JUDGEVAL_SIMULATION_SEEDS", JUDGEVAL_SIMULATION_HISTORIES);
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    std::uint64_t exported = 0;
    std::array<std::uint64_t, kDropReasonCount> dropped{};
    std::uint64_t retries = 0;
    std::uint64_t unsampled = 0;
    std::uint64_t otlp = 0;
    std::uint64_t flatbuffers = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE("replay: JUDGEVAL_SIMULATION_SEED=" + std::to_string(seed) + " " + program +
                     " --gtest_filter=Simulation.Nothing*");
        History history(seed);
        history.run();
        exported += history.exported();
        history.add_dropped(dropped);
        retries += history.retries();
        unsampled += history.unsampled();
        otlp += history.acknowledged_bodies(Encoding::kOtlp);
        flatbuffers += history.acknowledged_bodies(Encoding::kFlatBuffers);
        if (HasFailure()) return;
    }
    if (count < 1000) return;
    // A simulation in which nothing happens proves nothing.
    EXPECT_GT(exported, 10 * count);
    EXPECT_GT(retries, count / 4);
    EXPECT_GT(unsampled, count);
    EXPECT_GT(otlp, count);
    EXPECT_GT(flatbuffers, count);
    for (const auto reason :
         {DropReason::kTraceShed, DropReason::kRefused, DropReason::kRejected, DropReason::kRetriesExhausted,
          DropReason::kProjectUnresolved, DropReason::kShutdown}) {
        EXPECT_GT(dropped[static_cast<std::size_t>(reason)], 0U) << to_string(reason);
    }
}

TEST(Simulation, OneSeedIsOneHistory) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        History once(seed);
        once.run();
        History again(seed);
        again.run();
        EXPECT_EQ(once.history(), again.history()) << "seed " << seed;
        EXPECT_EQ(once.exported(), again.exported()) << "seed " << seed;
    }
}

}  // namespace
}  // namespace judgeval::test
