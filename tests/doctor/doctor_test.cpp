// What judgeval-doctor says and how it exits: well, and with one thing wrong at a time. The key is never
// said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "end_to_end/peer.hpp"
#include "faults/faulty_backend.hpp"
#include "free_port.hpp"
#include "program.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;
using end_to_end::RunningBackend;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "sk-very-secret-42";
/// No name server is asked for a name with a part as long.
const std::string kNoHost = std::string(64, 'x') + ".invalid";

struct Diagnosis {
    std::string text;
    int status = -1;
};

/// In an environment of these variables alone.
Diagnosis run(std::vector<std::string> variables, const std::vector<std::string>& options = {}) {
    variables.insert(variables.begin(), "-i");
    std::vector<std::string> command{JUDGEVAL_DOCTOR};
    command.insert(command.end(), options.begin(), options.end());
    Program program(command, variables);
    Diagnosis diagnosis;
    diagnosis.text = program.rest();
    diagnosis.status = program.exit_code();
    EXPECT_THAT(diagnosis.text, Not(HasSubstr(kKey)));
    return diagnosis;
}

std::vector<std::string> credentials(const std::string& url) {
    return {std::string("JUDGMENT_API_KEY=") + kKey, "JUDGMENT_ORG_ID=organization",
            "JUDGMENT_API_URL=" + url};
}

/// The step failed, with a fix, and the program says so; nothing before it failed.
void expect_failed(const Diagnosis& diagnosis, const std::string& step, const std::string& what) {
    EXPECT_EQ(diagnosis.status, 1) << diagnosis.text;
    EXPECT_THAT(diagnosis.text,
                ContainsRegex("(^|\n)" + step + " +FAILED +[^\n]*" + what + "[^\n]*\n +fix: [^\n]+"));
    EXPECT_LE(diagnosis.text.find("FAILED"), diagnosis.text.find(step + " ") + 14) << diagnosis.text;
}

/// The project's answers, made by a function.
class Platform {
  public:
    explicit Platform(const std::function<void(httplib::Response&)>& answer) {
        server_.set_keep_alive_timeout(1);
        server_.Post(".*",
                     [answer](const httplib::Request&, httplib::Response& response) { answer(response); });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();  // stop() has no effect before
    }
    ~Platform() {
        server_.stop();
        thread_.join();
    }
    Platform(const Platform&) = delete;
    Platform& operator=(const Platform&) = delete;
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  private:
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
};

TEST(Doctor, FindsNothingWhereAllIsWell) {
    RunningBackend backend;
    const Diagnosis diagnosis = run(credentials(backend.url()), {"--project", "its project"});
    EXPECT_EQ(diagnosis.status, 0) << diagnosis.text;
    EXPECT_THAT(diagnosis.text, Not(HasSubstr("FAILED")));
    for (const char* const step :
         {"environment", "key", "proxy", "dns", "connection", "tls", "project", "clock", "test span"}) {
        EXPECT_THAT(diagnosis.text, ContainsRegex(std::string("(^|\n)") + step + " +ok ")) << step;
    }
    EXPECT_EQ(backend.counts().spans, 1U) << "the test span";
}

TEST(Doctor, MissesTheKey) {
    expect_failed(run({}), "environment", "JUDGMENT_API_KEY and JUDGMENT_ORG_ID are not set");
    expect_failed(run({std::string("JUDGMENT_API_KEY=") + kKey}), "environment",
                  "JUDGMENT_ORG_ID is not set");
}

TEST(Doctor, SeesThatTracingIsSwitchedOff) {
    auto variables = credentials("http://127.0.0.1:1");
    variables.emplace_back("JUDGMENT_MONITORING=false");
    expect_failed(run(variables), "environment", "JUDGMENT_MONITORING switches tracing off");
    variables.back() = "OTEL_SDK_DISABLED=true";
    expect_failed(run(variables), "environment", "OTEL_SDK_DISABLED switches tracing off");
}

TEST(Doctor, SeesAUrlThatIsNone) {
    expect_failed(run(credentials("platform:8080")), "environment", "JUDGMENT_API_URL is not usable");
}

TEST(Doctor, SeesAKeyThatIsNone) {
    for (const std::string& key :
         {std::string("\"") + kKey + "\"", std::string(kKey) + " ", std::string(kKey) + "\n"}) {
        expect_failed(
            run({"JUDGMENT_API_KEY=" + key, "JUDGMENT_ORG_ID=o", "JUDGMENT_API_URL=http://127.0.0.1:1"}),
            "key", "JUDGMENT_API_KEY has");
    }
}

TEST(Doctor, SeesAHostThatNobodyKnows) {
    expect_failed(run(credentials("http://" + kNoHost)), "dns", kNoHost);
}

TEST(Doctor, SeesAPortWhereNobodyListens) {
    expect_failed(run(credentials("http://127.0.0.1:" + std::to_string(free_port()))), "connection", "");
}

TEST(Doctor, SeesAProxyThatLeadsNowhere) {
    auto variables = credentials("http://127.0.0.1:1");
    variables.push_back("http_proxy=http://user:hunter2@" + kNoHost + ":3128");
    const Diagnosis diagnosis = run(variables);
    expect_failed(diagnosis, "dns", "proxy");
    EXPECT_THAT(diagnosis.text, HasSubstr("http_proxy=***@" + kNoHost + ":3128"));
    EXPECT_THAT(diagnosis.text, Not(HasSubstr("hunter2")));
}

TEST(Doctor, SeesACertificateThatNobodyVouchesFor) {
    const faults::Certificate certificate("localhost", 24h);
    faults::FaultyBackend backend({.certificate = &certificate});
    expect_failed(run(credentials(backend.url())), "tls", "");
    EXPECT_TRUE(backend.requests().empty()) << "the key was sent";
    const std::string file = testing::TempDir() + "judgeval-doctor.pem";
    certificate.write_pem(file);
    const Diagnosis diagnosis = run(credentials(backend.url()), {"--ca-file", file});
    EXPECT_EQ(diagnosis.status, 0) << diagnosis.text;
    EXPECT_EQ(backend.acknowledged_spans().size(), 1U);
}

TEST(Doctor, SeesAKeyThatThePlatformDoesNotTake) {
    local::LocalBackendOptions options;
    options.api_key = "another key";
    RunningBackend backend(options);
    const Diagnosis diagnosis = run(credentials(backend.url()));
    expect_failed(diagnosis, "project", "does not take the key");
    EXPECT_THAT(diagnosis.text, ContainsRegex("\ntest span +FAILED"));
}

TEST(Doctor, SeesAnOrganizationThatTheKeyIsNotOf) {
    Platform platform([](httplib::Response& response) { response.status = 403; });
    // with the key in the wrong place, where it is hidden too
    const Diagnosis diagnosis = run(credentials(platform.url() + "/" + kKey), {"--project", kKey});
    expect_failed(diagnosis, "project", "does not take the key");
}

TEST(Doctor, SeesAProjectThatThePlatformDoesNotKnow) {
    // and says the key back, which goes no further
    Platform platform([](httplib::Response& response) {
        response.status = 404;
        response.set_content(std::string("no such project for ") + kKey, "text/plain");
    });
    const Diagnosis diagnosis = run(credentials(platform.url()), {"--project", "mistyped"});
    expect_failed(diagnosis, "project", "does not know project mistyped");
    EXPECT_THAT(diagnosis.text, HasSubstr("fix: create the project"));
    EXPECT_THAT(diagnosis.text, HasSubstr("***")) << "the test span's reason quotes the answer";
}

TEST(Doctor, SeesThatTheClockIsOff) {
    for (const auto& [date, where] : {std::pair("Mon, 01 Jan 2001 00:00:00 GMT", "ahead of"),
                                      std::pair("Fri, 01 Jan 2100 00:00:00 GMT", "behind")}) {
        Platform platform([date = date](httplib::Response& response) {
            response.set_header("Date", date);
            response.set_content(R"({"project_id": "p"})", "application/json");
        });
        const Diagnosis diagnosis = run(credentials(platform.url()));
        expect_failed(diagnosis, "clock", std::string(" s ") + where);
        EXPECT_THAT(diagnosis.text, ContainsRegex("\ntest span +ok"));
    }
}

TEST(Doctor, ExaminesAnOtlpEndpointToo) {
    Platform platform([](httplib::Response&) {});
    const std::string endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=" + platform.url();
    const Diagnosis diagnosis = run({endpoint, std::string("OTEL_EXPORTER_OTLP_HEADERS=x-key=") + kKey});
    EXPECT_EQ(diagnosis.status, 0) << diagnosis.text;
    EXPECT_THAT(diagnosis.text, AllOf(HasSubstr("OTEL_EXPORTER_OTLP_"), Not(HasSubstr("project")),
                                      ContainsRegex("\ntest span +ok")));
}

TEST(Doctor, RefusesWrongUsage) {
    EXPECT_EQ(run({}, {"--no-such-option"}).status, 2);
    EXPECT_EQ(run({}, {"--help"}).status, 0);
}

}  // namespace
}  // namespace judgeval::test
