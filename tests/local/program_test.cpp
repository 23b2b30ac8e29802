// The program judgeval-local as a process: its first line, its end by a signal, its words for wrong options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <vector>

#include "encode/otlp_builder.hpp"

namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

/// A running judgeval-local whose standard output and error are read through one pipe.
class Program {
  public:
    explicit Program(std::initializer_list<const char*> options) {
        std::vector<const char*> arguments{JUDGEVAL_LOCAL_PROGRAM};
        arguments.insert(arguments.end(), options);
        arguments.push_back(nullptr);
        int ends[2] = {-1, -1};
        if (pipe(ends) != 0) {
            std::perror("pipe");
            std::abort();
        }
        process_ = fork();
        if (process_ == 0) {
            dup2(ends[1], STDOUT_FILENO);
            dup2(ends[1], STDERR_FILENO);
            close(ends[0]);
            close(ends[1]);
            execv(arguments[0], const_cast<char* const*>(arguments.data()));
            _exit(127);
        }
        close(ends[1]);
        output_ = ends[0];
    }
    ~Program() {
        close(output_);
        if (process_ > 0) {
            kill(process_, SIGKILL);
            waitpid(process_, nullptr, 0);
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// What it writes up to and with the next line break, or to its end.
    std::string line() {
        std::string text;
        char character = 0;
        while (read_character(character)) {
            text += character;
            if (character == '\n') {
                break;
            }
        }
        return text;
    }
    std::string rest() {
        std::string text;
        for (std::string next = line(); !next.empty(); next = line()) {
            text += next;
        }
        return text;
    }
    void signal(int number) { kill(process_, number); }
    /// To be called after rest(), so that the process has nothing left to wait for.
    int exit_code() {
        int status = 0;
        waitpid(process_, &status, 0);
        process_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

  private:
    bool read_character(char& character) const {
        constexpr int kPatienceMilliseconds = 30'000;
        pollfd entry{output_, POLLIN, 0};
        return poll(&entry, 1, kPatienceMilliseconds) == 1 && read(output_, &character, 1) == 1;
    }

    pid_t process_ = -1;
    int output_ = -1;
};

TEST(Program, SaysWhereItListensTakesATraceAndStopsOnASignal) {
    for (const int number : {SIGINT, SIGTERM}) {
        Program program{"--quiet-milliseconds", "3600000"};
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
        Program program{options};
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
