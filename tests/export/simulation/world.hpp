// The simulated world: a clock that stands still until it is moved, and a backend whose answers, losses and
// delays are drawn from a seed. It remembers what it acknowledged, and notices when the exporter breaks the
// rules of OTLP.
//
// One thread, no sockets, no sleeping; one seed gives one history.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "encode/flatbuffers_reader.hpp"
#include "export/decompress.hpp"
#include "export/transport.hpp"
#include "record/recorder.hpp"

namespace judgeval::test {

using detail::Completion;
using detail::HttpRequest;
using detail::HttpResponse;
using detail::SteadyTime;
using std::chrono::nanoseconds;

class Random {
  public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
    bool one_in(std::uint64_t times) { return below(times) == 0; }
    nanoseconds up_to(nanoseconds most) {
        return nanoseconds(static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most.count()) + 1)));
    }
    std::uint64_t next() { return engine_(); }

  private:
    std::mt19937_64 engine_;
};

class VirtualClock final : public detail::ExportClock {
  public:
    SteadyTime now() override { return now_; }
    std::chrono::system_clock::time_point system_now() override {
        return std::chrono::system_clock::time_point(std::chrono::seconds(1'800'000'000)) +
               std::chrono::duration_cast<std::chrono::system_clock::duration>(now_ - kStart);
    }
    void move_to(SteadyTime time) { now_ = std::max(now_, time); }

  private:
    static constexpr SteadyTime kStart{std::chrono::hours(1)};
    SteadyTime now_ = kStart;
};

/// How much goes wrong, and how: drawn once a history.
struct Weather {
    std::uint64_t trouble = 0;  ///< in a hundred answers
    nanoseconds latency{};
    bool refuses_zstd = false;
    std::size_t body_most = SIZE_MAX;  ///< a larger request body is answered with 413

    static Weather fair() { return {}; }
    static Weather draw(Random& random) {
        static constexpr std::uint64_t kTrouble[] = {0, 10, 50, 95};
        static constexpr int kLatency[] = {1, 50, 2000, 30'000};
        return {kTrouble[random.below(4)], std::chrono::milliseconds(kLatency[random.below(4)]),
                random.one_in(4), random.one_in(4) ? std::size_t{500} << random.below(8) : SIZE_MAX};
    }
};

class SimulatedBackend final : public detail::Transport {
  public:
    SimulatedBackend(VirtualClock& clock, Random& random) : clock_(clock), random_(random) {}

    void set_weather(const Weather& weather) { weather_ = weather; }

    // --- the exporter's side ---
    void send(std::uint64_t id, const HttpRequest& request) override {
        EXPECT_FALSE(is_closed_) << "a request after the end";
        EXPECT_FALSE(under_way_.contains(id)) << "a batch is sent while it is under way";
        EXPECT_FALSE(acknowledged_requests_.contains(id))
            << "a batch is sent again after it was acknowledged";
        if (const auto bound = not_before_.find(id); bound != not_before_.end()) {
            EXPECT_GE(clock_.now(), bound->second) << "a retry comes too early";
        }
        Exchange exchange;
        exchange.is_preparation = request.url == "resolve";
        for (const auto piece : request.body) exchange.body.append(piece);
        exchange.compression = Compression::kNone;
        for (const auto& header : request.headers) {
            if (header == "Content-Encoding: zstd") exchange.compression = Compression::kZstd;
            if (header == "Content-Encoding: gzip") exchange.compression = Compression::kGzip;
            if (header == "X-Project-Id: 7") exchange.has_project = true;
            if (header == "Content-Type: " + std::string(encode::kFlatBuffersContentType)) {
                exchange.encoding = Encoding::kFlatBuffers;
            }
        }
        exchange.response = exchange.is_preparation ? answer_preparation() : answer(exchange);
        exchange.arrives = clock_.now() + random_.up_to(weather_.latency);
        ++attempts_[id];
        note(id, exchange);
        under_way_.emplace(id, std::move(exchange));
    }

    void cancel(std::uint64_t id) override { EXPECT_EQ(under_way_.erase(id), 1U); }

    void wait(nanoseconds, std::vector<Completion>& completions) override {
        std::vector<std::pair<SteadyTime, std::uint64_t>> due;
        for (const auto& [id, exchange] : under_way_) {
            if (exchange.arrives <= clock_.now()) due.emplace_back(exchange.arrives, id);
        }
        std::sort(due.begin(), due.end());
        for (const auto& [time, id] : due) {
            auto exchange = std::move(under_way_.extract(id).mapped());
            settle(id, exchange);
            completions.push_back({id, std::move(exchange.response)});
        }
    }
    void wake() noexcept override {}

    // --- the test's side ---
    [[nodiscard]] std::optional<SteadyTime> next_arrival() const {
        std::optional<SteadyTime> next;
        for (const auto& [id, exchange] : under_way_) {
            if (!next || exchange.arrives < *next) next = exchange.arrives;
        }
        return next;
    }
    [[nodiscard]] bool is_idle() const { return under_way_.empty(); }
    void close() { is_closed_ = true; }
    [[nodiscard]] const std::multiset<std::string>& acknowledged_spans() const { return acknowledged_spans_; }
    /// How many of the bodies that it acknowledged were in that encoding.
    [[nodiscard]] std::uint64_t acknowledged_bodies(Encoding encoding) const {
        return acknowledged_bodies_[static_cast<std::size_t>(encoding)];
    }
    /// Everything that was sent, when, and how it will end: equal for equal seeds.
    [[nodiscard]] std::uint64_t history() const { return history_; }

  private:
    struct Exchange {
        bool is_preparation = false;
        bool has_project = false;
        Encoding encoding = Encoding::kOtlp;
        std::string body;
        Compression compression = Compression::kNone;
        std::uint64_t rejected = 0;
        HttpResponse response;
        SteadyTime arrives;
    };

    [[nodiscard]] bool is_trouble() { return random_.below(100) < weather_.trouble; }

    static HttpResponse with_status(int status) {
        HttpResponse response;
        response.status = status;
        return response;
    }

    static std::string partial_success(std::uint64_t rejected) {
        std::string partial;
        protozero::pbf_writer writer(partial);
        writer.add_int64(1, static_cast<std::int64_t>(rejected));
        writer.add_string(2, "too much");
        std::string body;
        protozero::pbf_writer(body).add_message(1, partial);
        return body;
    }

    HttpResponse answer_preparation() {
        if (is_trouble()) {
            switch (random_.below(5)) {
                case 0:
                    return with_status(404);
                case 1:
                    return with_status(500);
                case 2:
                    return with_status(503);
                case 3:
                    return with_status(200);  // without what was asked for
                default:
                    return {0, "reset", {}, {}};
            }
        }
        HttpResponse response = with_status(200);
        response.body = "7";
        return response;
    }

    HttpResponse answer(Exchange& exchange) {
        if (weather_.refuses_zstd && exchange.compression == Compression::kZstd) {
            return with_status(random_.one_in(2) ? 400 : 415);
        }
        if (exchange.body.size() > weather_.body_most) return with_status(413);
        if (!is_trouble()) return with_status(random_.one_in(8) ? 202 : 200);
        switch (random_.below(12)) {
            case 0:
                return {0, "no answer", {}, {}};
            case 1:
                return {0, "connection reset", {}, {}};
            case 2: {
                HttpResponse response = with_status(200);
                exchange.rejected = random_.one_in(8) ? 1'000'000 : random_.below(20);
                response.body = partial_success(exchange.rejected);
                return response;
            }
            case 3:
                return with_status(400);
            case 4:
                return with_status(401);
            case 5:
                return with_status(413);
            case 6:
                return with_status(500);
            case 7:
                return with_status(502);
            case 8:
                return with_status(504);
            default: {
                HttpResponse response = with_status(random_.one_in(2) ? 429 : 503);
                switch (random_.below(6)) {
                    case 0:
                        response.retry_after = "0";
                        break;
                    case 1:
                        response.retry_after = std::to_string(random_.below(100));
                        break;
                    case 2:
                        response.retry_after = "86400";
                        break;
                    case 3:
                        response.retry_after = "soon";
                        break;
                    case 4:
                        response.retry_after = "-5";
                        break;
                    default:
                        break;
                }
                return response;
            }
        }
    }

    /// The answer reaches the exporter.
    void settle(std::uint64_t id, Exchange& exchange) {
        const int status = exchange.response.status;
        if (exchange.is_preparation) return;
        if (status >= 200 && status < 300) {
            acknowledged_requests_.insert(id);
            take(exchange);
        } else if (status == 413) {
            attempts_.erase(id);  // what follows under this id is a smaller request, and its first attempt
        } else if (status == 0 || status == 429 || status == 502 || status == 503 || status == 504) {
            not_before_[id] = clock_.now() + least_delay(id, exchange.response.retry_after);
        }
    }

    nanoseconds least_delay(std::uint64_t id, const std::string& retry_after) {
        const bool is_number =
            !retry_after.empty() && retry_after.find_first_not_of("0123456789") == std::string::npos;
        if (is_number)
            return std::chrono::seconds(
                std::min(std::stoll(retry_after), 3600LL));  // as stated: at most an hour
        const auto step = std::chrono::milliseconds(500) * (1 << std::min(attempts_[id] - 1, 6));
        return std::min<nanoseconds>(step, std::chrono::seconds(30)) / 2;
    }

    /// Reads an acknowledged body as any receiver would, less the spans that it said it rejected.
    void take(const Exchange& exchange) {
        const std::string plain = decompress(exchange.compression, exchange.body);
        const auto request = exchange.encoding == Encoding::kFlatBuffers ? encode::read_flatbuffers(plain)
                                                                         : encode::read_trace_request(plain);
        ASSERT_EQ(request.error, "");
        ++acknowledged_bodies_[static_cast<std::size_t>(exchange.encoding)];
        std::vector<std::string> ids;
        for (const auto& resource : request.message->resource_spans) {
            for (const auto& scope : resource.scope_spans) {
                for (const auto& span : scope.spans) {
                    EXPECT_EQ(span.rejection, "");
                    ids.push_back(span.span_id);
                }
            }
        }
        EXPECT_TRUE(exchange.has_project) << "spans without a project";
        ids.resize(ids.size() - std::min<std::size_t>(ids.size(), exchange.rejected));
        acknowledged_spans_.insert(ids.begin(), ids.end());
    }

    void note(std::uint64_t id, const Exchange& exchange) {
        for (const std::uint64_t fact :
             {id, static_cast<std::uint64_t>(clock_.now().time_since_epoch().count()),
              std::uint64_t{exchange.body.size()}, static_cast<std::uint64_t>(exchange.response.status),
              static_cast<std::uint64_t>(exchange.arrives.time_since_epoch().count())}) {
            history_ = (history_ ^ fact) * 0x100000001B3ULL;
        }
    }

    VirtualClock& clock_;
    Random& random_;
    Weather weather_;
    bool is_closed_ = false;
    std::map<std::uint64_t, Exchange> under_way_;
    std::map<std::uint64_t, SteadyTime> not_before_;
    std::map<std::uint64_t, int> attempts_;
    std::set<std::uint64_t> acknowledged_requests_;
    std::multiset<std::string> acknowledged_spans_;
    std::array<std::uint64_t, 2> acknowledged_bodies_{};  ///< by encoding
    std::uint64_t history_ = 0xCBF29CE484222325ULL;
};

}  // namespace judgeval::test
