// The program judgeval-local as a process: its first line, its end by a signal, its words for wrong options.
#include "program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <csignal>
#include <initializer_list>
#include <string>
#include <vector>

#include "encode/otlp_builder.hpp"

namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

using judgeval::test::Program;

/// A running judgeval-local.
Program run(std::initializer_list<const char*> options) {
    std::vector<std::string> arguments{JUDGEVAL_LOCAL_PROGRAM};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return Program(arguments);
}

TEST(Program, SaysWhereItListensTakesATraceAndStopsOnASignal) {
    for (const int number : {SIGINT, SIGTERM}) {
        Program program = run({"--quiet-milliseconds", "3600000"});
        const std::string first = program.line();
        ASSERT_THAT(first, MatchesRegex("judgeval-local listening on http://127.0.0.1:[0-9]+\n"));
        const int port = std::stoi(first.substr(first.rfind(':') + 1));
        {
            httplib::Client client{"127.0.0.1", port};
            httplib::Headers headers{{"Authorization", "Bearer key"}, {"X-Organization-Id", "org"}};
            auto result = client.Post("/v1/projects/resolve/", headers, R"({"project_name":"demo"})",
                                      "application/json");
            ASSERT_TRUE(result);
            ASSERT_EQ(result->status, 200);
            const std::string id = result->body.substr(result->body.find(':') + 2, 36);
            headers.emplace("X-Project-Id", id);
            result = client.Post(
                "/otel/v1/traces", headers,
                judgeval::test::trace_request(std::vector{judgeval::test::span_message({.name = "root"})}),
                "application/x-protobuf");
            ASSERT_TRUE(result);
            ASSERT_EQ(result->status, 200) << result->body;
        }
        program.signal(number);
        const std::string rest = program.rest();
        EXPECT_THAT(rest, HasSubstr("root  function  2.50 ms\n"));
        EXPECT_THAT(rest, HasSubstr("judgeval-local took 1 spans of 1 traces (1 receptions, 1 requests, "));
        EXPECT_EQ(program.exit_code(), 0);
    }
}

TEST(Program, RefusesWrongOptionsWithAReason) {
    const auto refusal_of = [](std::initializer_list<const char*> options) {
        Program program = run(options);
        const std::string text = program.rest();
        return std::pair{program.exit_code(), text};
    };
    const auto [port_code, port_text] = refusal_of({"--port", "70000"});
    EXPECT_EQ(port_code, 2);
    EXPECT_THAT(port_text, HasSubstr("--port: Value 70000 not in range 0 to 65535"));
    const auto [word_code, word_text] = refusal_of({"rubbish"});
    EXPECT_EQ(word_code, 2);
    EXPECT_THAT(word_text, HasSubstr("The following argument was not expected: rubbish"));
    EXPECT_EQ(refusal_of({"--no-such-option"}).first, 2);
    EXPECT_EQ(refusal_of({"--print", "-1"}).first, 2);
    EXPECT_EQ(refusal_of({"--maximum-body-bytes", "many"}).first, 2);
    const auto [file_code, file_text] = refusal_of({"--database", "/no/such/directory/spans.db"});
    EXPECT_EQ(file_code, 1);
    EXPECT_THAT(file_text, HasSubstr("cannot open the database /no/such/directory/spans.db"));
    const auto [help_code, help_text] = refusal_of({"--help"});
    EXPECT_EQ(help_code, 0);
    EXPECT_THAT(help_text, HasSubstr("Usage: judgeval-local"));
}

}  // namespace
