// Clients and tracers made from environment and options: which wins, and what a mistake leads to. No test
// here needs a network: nothing is flushed, and no tracer waits for its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "judgeval/judgeval.hpp"
#include "judgment/environment_guard.hpp"
#include "log_lines.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kSecret = "sk-very-secret-42";
constexpr const char* kNowhere = "http://127.0.0.1:1";

class Setup : public testing::Test {
  protected:
    /// A client from the environment alone.
    Judgeval client() { return Judgeval({.project_name = "project", .log_handler = lines_.handler()}); }

    void set_credentials() {
        environment_.set("JUDGMENT_API_KEY", kSecret);
        environment_.set("JUDGMENT_ORG_ID", "organization");
        environment_.set("JUDGMENT_API_URL", kNowhere);
    }

    static bool records(const Judgeval& client, std::optional<bool> enabled = {}) {
        TracerOptions options;
        options.enable_monitoring = enabled;
        options.pipeline.shutdown_timeout = 0ms;
        return client.tracer.create(options).start_span("span").is_recording();
    }

    /// What the library said, but for the remarks about a backend that is not there, and what that loses.
    std::vector<std::string> complaints() {
        auto lines = lines_.take();
        std::erase_if(lines, [](const std::string& line) {
            EXPECT_THAT(line, Not(HasSubstr(kSecret)));
            return line.starts_with("cannot find the project") || line.find(" lost:") != std::string::npos;
        });
        return lines;
    }

    SetupErrorCode refused(const ClientOptions& options) {
        try {
            const Judgeval made(options);
        } catch (const SetupError& error) {
            EXPECT_THAT(error.what(), Not(HasSubstr(kSecret)));
            EXPECT_STRNE(error.what(), "");
            return error.code();
        }
        ADD_FAILURE() << "not refused";
        return {};
    }

    EnvironmentGuard environment_;
    LogLines lines_;
};

TEST_F(Setup, TakesCredentialsFromTheEnvironment) {
    set_credentials();
    EXPECT_TRUE(records(client()));
    EXPECT_THAT(complaints(), IsEmpty());
}

TEST_F(Setup, WithoutCredentialsWarnsOnceAndTracesNothing) {
    EXPECT_FALSE(records(client()));
    EXPECT_THAT(complaints(),
                ElementsAre(AllOf(HasSubstr("JUDGMENT_API_KEY"), HasSubstr("JUDGMENT_ORG_ID"))));
    environment_.set("JUDGMENT_API_KEY", kSecret);
    EXPECT_FALSE(records(client()));
    EXPECT_THAT(complaints(),
                ElementsAre(AllOf(HasSubstr("JUDGMENT_ORG_ID"), Not(HasSubstr("JUDGMENT_API_KEY")))));
}

TEST_F(Setup, MonitoringFollowsTheDocumentedNameFirst) {
    set_credentials();
    environment_.set("JUDGMENT_ENABLE_MONITORING", "false");
    EXPECT_FALSE(records(client()));
    environment_.set("JUDGMENT_MONITORING", "true");
    EXPECT_TRUE(records(client()));
    environment_.set("JUDGMENT_MONITORING", "false");
    environment_.set("JUDGMENT_ENABLE_MONITORING", "true");
    EXPECT_FALSE(records(client()));
    EXPECT_TRUE(records(client(), true)) << "code wins over the environment";
    environment_.set("JUDGMENT_MONITORING", "true");
    EXPECT_FALSE(records(client(), false)) << "code wins over the environment";
    EXPECT_THAT(complaints(), IsEmpty());
}

TEST_F(Setup, MonitoringMaybeIsOneWarningAndTheDefault) {
    set_credentials();
    environment_.set("JUDGMENT_MONITORING", "maybe");
    EXPECT_TRUE(records(client()));
    EXPECT_THAT(complaints(),
                ElementsAre(AllOf(HasSubstr("JUDGMENT_MONITORING=maybe"), HasSubstr("using true"))));
    EXPECT_FALSE(records(client(), false));
    EXPECT_THAT(complaints(), IsEmpty()) << "nobody asked the environment";
}

TEST_F(Setup, AMalformedUrlInTheEnvironmentIsOneWarningAndTheDefault) {
    set_credentials();
    for (const char* const url :
         {"not a url", "ftp://host", "http://", "file:///etc/passwd", "http://host:99999"}) {
        environment_.set("JUDGMENT_API_URL", url);
        static_cast<void>(client());
        EXPECT_THAT(complaints(), ElementsAre(AllOf(HasSubstr("JUDGMENT_API_URL"),
                                                    HasSubstr("https://api.judgmentlabs.ai"))))
            << url;
    }
}

TEST_F(Setup, AMalformedUrlInCodeIsAnError) {
    for (const char* const url :
         {"not a url", "ftp://host", "http://", "http://host:port", "https://ho st", "\n",
          // these would swallow the path that is appended
          "http://host/?query", "http://host/?", "http://host/#fragment", "http://host#",
          "http://user:password@host", "http://:password@host"}) {
        EXPECT_EQ(refused({.project_name = "p", .api_url = url}), SetupErrorCode::kInvalidUrl) << url;
    }
    for (const char* const url :
         {"http://127.0.0.1:8080", "https://example.com/prefix/", "http://[::1]:80"}) {
        EXPECT_NO_THROW(Judgeval({.project_name = "p", .api_url = url, .log_handler = lines_.handler()}))
            << url;
    }
}

TEST_F(Setup, WhatCannotStandInAHeaderIsAnErrorInCode) {
    const std::string bad = std::string(kSecret) + "\r\nX-Injected: 1";
    EXPECT_EQ(refused({.project_name = "p", .api_key = bad}), SetupErrorCode::kInvalidHeader);
    EXPECT_EQ(refused({.project_name = "p", .organization_id = "organization\n"}),
              SetupErrorCode::kInvalidHeader);
    EXPECT_EQ(refused({.project_name = ""}), SetupErrorCode::kInvalidOption);
}

TEST_F(Setup, WhatCannotStandInAHeaderIsIgnoredFromTheEnvironment) {
    set_credentials();
    environment_.set("JUDGMENT_API_KEY", std::string(kSecret) + "\nX-Injected: 1");
    EXPECT_FALSE(records(client()));
    EXPECT_THAT(complaints(), ElementsAre(AllOf(HasSubstr("JUDGMENT_API_KEY"), HasSubstr("ignored")),
                                          HasSubstr("JUDGMENT_API_KEY not set")));
}

TEST_F(Setup, AnUnknownLogLevelIsOneWarning) {
    set_credentials();
    environment_.set("JUDGMENT_LOG_LEVEL", "loud");
    static_cast<void>(client());
    EXPECT_THAT(complaints(),
                ElementsAre(AllOf(HasSubstr("JUDGMENT_LOG_LEVEL"), HasSubstr("using warning"))));
}

TEST_F(Setup, ALogHandlerThatThrowsHarmsNobody) {
    const Judgeval made({.project_name = "p", .log_handler = [](LogLevel, std::string_view) {
                             throw std::runtime_error("no log today");
                         }});
    EXPECT_FALSE(records(made));
}

}  // namespace
}  // namespace judgeval::test
