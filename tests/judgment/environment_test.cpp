// One variable at a time: what it may say, and what a value that makes no sense leads to.
#include "judgment/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "judgment/environment_guard.hpp"
#include "log_lines.hpp"

namespace judgeval::test {
namespace {

using detail::environment_resource;
using detail::environment_switch;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Environment : public testing::Test {
  protected:
    EnvironmentGuard environment_;
    LogLines lines_;
    detail::Log log_{lines_.handler()};
};

TEST_F(Environment, SwitchesTakeTheUsualWords) {
    for (const char* const word : {"true", "TRUE", "True", "1", "yes", "on"}) {
        environment_.set("JUDGMENT_MONITORING", word);
        EXPECT_EQ(environment_switch("JUDGMENT_MONITORING", true, log_), true) << word;
    }
    for (const char* const word : {"false", "FALSE", "False", "0", "no", "Off"}) {
        environment_.set("JUDGMENT_MONITORING", word);
        EXPECT_EQ(environment_switch("JUDGMENT_MONITORING", true, log_), false) << word;
    }
    environment_.set("JUDGMENT_MONITORING", "");
    EXPECT_EQ(environment_switch("JUDGMENT_MONITORING", true, log_), std::nullopt);
    environment_.unset("JUDGMENT_MONITORING");
    EXPECT_EQ(environment_switch("JUDGMENT_MONITORING", true, log_), std::nullopt);
    EXPECT_THAT(lines_.take(), IsEmpty());
}

TEST_F(Environment, ASwitchThatMakesNoSenseIsOneWarningAndTheStatedDefault) {
    environment_.set("JUDGMENT_MONITORING", "maybe");
    EXPECT_EQ(environment_switch("JUDGMENT_MONITORING", true, log_), std::nullopt);
    EXPECT_THAT(lines_.take(), ElementsAre(testing::AllOf(HasSubstr("JUDGMENT_MONITORING"),
                                                          HasSubstr("maybe"), HasSubstr("using true"))));
}

TEST_F(Environment, LogLevelsHaveNames) {
    const std::pair<const char*, LogLevel> levels[] = {
        {"debug", LogLevel::kDebug},  {"INFO", LogLevel::kInfo},   {"warning", LogLevel::kWarning},
        {"warn", LogLevel::kWarning}, {"Error", LogLevel::kError}, {"critical", LogLevel::kError},
        {"off", LogLevel::kOff},      {"", LogLevel::kWarning}};
    bool is_valid = false;
    for (const auto& [name, level] : levels) {
        environment_.set("JUDGMENT_LOG_LEVEL", name);
        EXPECT_EQ(detail::environment_log_level(is_valid), level) << name;
        EXPECT_TRUE(is_valid) << name;
    }
    environment_.set("JUDGMENT_LOG_LEVEL", "loud");
    EXPECT_EQ(detail::environment_log_level(is_valid), LogLevel::kWarning);
    EXPECT_FALSE(is_valid);
}

TEST_F(Environment, ResourceAttributesAreReadAsOpenTelemetrySays) {
    environment_.set("OTEL_RESOURCE_ATTRIBUTES", " team = agents ,region=eu%2Dwest,empty=,sum=1=1,,");
    EXPECT_EQ(environment_resource(log_),
              (std::map<std::string, ResourceValue>{
                  {"team", "agents"}, {"region", "eu-west"}, {"empty", ""}, {"sum", "1=1"}}));
    environment_.set("OTEL_SERVICE_NAME", "service");
    environment_.set("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,a=b");
    EXPECT_EQ(environment_resource(log_),
              (std::map<std::string, ResourceValue>{{"service.name", "service"}, {"a", "b"}}));
    EXPECT_THAT(lines_.take(), IsEmpty());
}

TEST_F(Environment, ResourceAttributesThatMakeNoSenseAreIgnoredWithOneWarning) {
    for (const char* const value : {"no equals", "a=b,broken", "=value", "a=b, =c"}) {
        environment_.set("OTEL_RESOURCE_ATTRIBUTES", value);
        EXPECT_TRUE(environment_resource(log_).empty()) << value;
        EXPECT_THAT(lines_.take(), ElementsAre(HasSubstr("OTEL_RESOURCE_ATTRIBUTES"))) << value;
    }
    environment_.set("OTEL_SERVICE_NAME", "service");
    EXPECT_EQ(environment_resource(log_).size(), 1U);
}

}  // namespace
}  // namespace judgeval::test
