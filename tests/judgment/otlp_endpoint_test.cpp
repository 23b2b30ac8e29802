// Where spans go: to Judgment with credentials, else to the endpoint of OTEL_EXPORTER_OTLP_*, with its
// headers and nothing of Judgment's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client.hpp"
#include "encode/otlp_reader.hpp"
#include "judgment/environment_guard.hpp"

namespace judgeval::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Takes every POST and remembers it, on a thread of its own.
class Receiver {
  public:
    struct Request {
        std::string path;
        httplib::Headers headers;
        std::string body;
    };

    /// Answers with that status and text.
    explicit Receiver(int status = 200, const std::string& answer = "") {
        server_.set_keep_alive_timeout(1);
        server_.Post(".*", [=, this](const httplib::Request& request, httplib::Response& response) {
            const std::lock_guard lock(mutex_);
            requests_.push_back({request.path, request.headers, request.body});
            response.status = status;
            response.set_content(answer, "text/plain");
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();  // stop() has no effect before
    }
    ~Receiver() {
        server_.stop();
        thread_.join();
    }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::vector<Request> requests() {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

  private:
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
    std::mutex mutex_;
    std::vector<Request> requests_;
};

class OtlpEndpoint : public testing::Test {
  protected:
    /// A tracer from the environment, which makes one span and ends; what the counters said then.
    Stats trace_one(TracerOptions options = {}) {
        const Judgeval client({.project_name = "a service", .log_handler = lines_.handler()});
        const Tracer tracer = client.tracer.create(each_span_once(std::move(options)));
        tracer.span("one").set_attribute("long", std::string(100, 'x'));
        tracer.shutdown(kPatience);
        expect_balanced(tracer.stats());
        return tracer.stats();
    }

    static std::string header(const Receiver::Request& request, const std::string& name) {
        const auto found = request.headers.find(name);
        return found == request.headers.end() ? "" : found->second;
    }

    EnvironmentGuard environment_;
    LogLines lines_;
};

TEST_F(OtlpEndpoint, TakesSpansWithoutCredentialsAndWithoutAnythingOfJudgments) {
    Receiver receiver;
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url() + "/base");
    environment_.set("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=other%20secret");
    environment_.set("OTEL_EXPORTER_OTLP_COMPRESSION", "none");
    environment_.set("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "40");
    EXPECT_EQ(trace_one().exported, 1U);
    EXPECT_THAT(lines_.take(), IsEmpty());

    const auto requests = receiver.requests();
    ASSERT_EQ(requests.size(), 1U) << "no project was asked for";
    EXPECT_EQ(requests[0].path, "/base/v1/traces");
    EXPECT_EQ(header(requests[0], "x-api-key"), "other secret");
    EXPECT_EQ(header(requests[0], "Content-Type"), "application/x-protobuf");
    for (const char* const name :
         {"Authorization", "X-Organization-Id", "X-Project-Id", "Content-Encoding"}) {
        EXPECT_FALSE(requests[0].headers.contains(name)) << name;
    }
    const auto read = encode::read_trace_request(requests[0].body);
    ASSERT_TRUE(read.message) << read.error;
    const auto& resource = read.message->resource_spans.at(0);
    EXPECT_EQ(
        std::get<std::string>(encode::find_attribute(resource.resource.attributes, "service.name")->value),
        "a service");
    const encode::Span& span = resource.scope_spans.at(0).spans.at(0);
    EXPECT_EQ(std::get<std::string>(encode::find_attribute(span.attributes, "long")->value),
              std::string(40, 'x'));
}

TEST_F(OtlpEndpoint, OfTracesIsUsedAsItIs) {
    Receiver receiver;
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    environment_.set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", receiver.url() + "/take/them");
    EXPECT_EQ(trace_one().exported, 1U);
    ASSERT_EQ(receiver.requests().size(), 1U);
    EXPECT_EQ(receiver.requests()[0].path, "/take/them");
}

TEST_F(OtlpEndpoint, GetsNothingWhereThereAreCredentials) {
    Receiver other;
    Receiver judgment(200, R"({"project_id": "p"})");
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", other.url());
    environment_.set("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=other-secret");
    environment_.set("OTEL_EXPORTER_OTLP_COMPRESSION", "none");
    environment_.set("JUDGMENT_API_URL", judgment.url());
    environment_.set("JUDGMENT_API_KEY", "key");
    environment_.set("JUDGMENT_ORG_ID", "organization");
    EXPECT_EQ(trace_one().exported, 1U);
    EXPECT_THAT(other.requests(), IsEmpty());
    const auto requests = judgment.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[1].path, "/otel/v1/traces");
    EXPECT_EQ(header(requests[1], "Authorization"), "Bearer key");
    EXPECT_EQ(header(requests[1], "Content-Encoding"), "zstd") << "the other exporter's setting";
    for (const auto& request : requests) EXPECT_FALSE(request.headers.contains("x-api-key"));
}

TEST_F(OtlpEndpoint, WithHalfOfTheCredentialsIsSaid) {
    Receiver receiver;
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url());
    environment_.set("JUDGMENT_API_KEY", "judgment-key");
    EXPECT_EQ(trace_one().exported, 1U);
    EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr("JUDGMENT_ORG_ID not set: spans go to")));
    ASSERT_EQ(receiver.requests().size(), 1U);
    EXPECT_FALSE(receiver.requests()[0].headers.contains("Authorization")) << "the key is for Judgment";
}

TEST_F(OtlpEndpoint, ThatMakesNoSenseIsAsGoodAsNone) {
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    EXPECT_EQ(trace_one().started, 0U);
    EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_ENDPOINT"),
                                           HasSubstr("not set: nothing is traced")));
}

TEST_F(OtlpEndpoint, IsNotAskedWhenTheSdkIsDisabled) {
    Receiver receiver;
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url());
    environment_.set("OTEL_SDK_DISABLED", "true");
    EXPECT_EQ(trace_one().started, 0U);
    EXPECT_THAT(lines_.take(), IsEmpty());
    EXPECT_EQ(trace_one({.enable_monitoring = true}).exported, 1U) << "code wins over the environment";
    environment_.set("JUDGMENT_MONITORING", "true");
    EXPECT_EQ(trace_one().started, 0U) << "one that switches off is enough";
}

TEST_F(OtlpEndpoint, FollowsTheSamplerOfTheEnvironment) {
    Receiver receiver;
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url());
    environment_.set("OTEL_TRACES_SAMPLER", "parentbased_always_off");
    EXPECT_EQ(trace_one().unsampled_traces, 1U);
    EXPECT_THAT(receiver.requests(), IsEmpty());
}

// A backend may say the request back in its answer, which the log quotes.
TEST_F(OtlpEndpoint, ItsHeadersAreInNoLogLine) {
    Receiver receiver(400, "not authorized: Bearer first-secret, second-secret");
    environment_.set("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url());
    environment_.set("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20first-secret,x-key=second-secret");
    EXPECT_EQ(trace_one().dropped_by(DropReason::kRefused), 1U);
    const auto lines = lines_.take();
    EXPECT_THAT(lines, Contains(HasSubstr("not authorized: ")));
    EXPECT_THAT(lines, Each(AllOf(Not(HasSubstr("first-secret")), Not(HasSubstr("second-secret")))));
}

}  // namespace
}  // namespace judgeval::test
