// The API key is in the Authorization header and nowhere else: not in a log line, whatever the backend says
// back; not in the name of a thread or of the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <judgeval/judgeval.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "client.hpp"
#include "faults/faulty_backend.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;
using test::kPatience;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

const std::string kKey = test::client_options("").api_key;

/// A backend, or something before it, that is unhappy with the request and shows it.
std::string told_back() { return "bad request header: Authorization: Bearer " + kKey + " (" + kKey + ")"; }

std::string partial_success(const std::string& text) {
    std::string answer;
    protozero::pbf_writer response(answer);
    protozero::pbf_writer message(response, 1);
    message.add_int64(1, 1);
    message.add_string(2, text);
    return answer;
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Key, IsInNoLogLineWhateverTheBackendSays) {
    const std::vector<Fault> faults = {
        {.status = 400, .body = told_back()}, {.status = 401, .body = told_back()},
        {.status = 415, .body = told_back()}, {.status = 500, .body = told_back()},
        {.status = 503, .body = told_back()}, {.body = partial_success(told_back())}};
    for (const auto& fault : faults) {
        FaultyBackend backend({.script = {fault, fault}});
        test::LogLines log;
        const Tracer tracer = test::make_tracer(backend.url(), {}, log.handler());
        { auto span = tracer.span("span"); }
        ASSERT_TRUE(tracer.force_flush(kPatience));
        test::expect_balanced(tracer.stats());
        const auto lines = log.take();
        // what was said is there, without the key
        EXPECT_THAT(lines, Each(HasSubstr("Authorization: Bearer *** (***)"))) << fault.status;
        EXPECT_THAT(lines, Not(testing::IsEmpty())) << fault.status;
        EXPECT_THAT(lines, Each(Not(HasSubstr(kKey)))) << fault.status;
        EXPECT_EQ(backend.requests()[0].authorization, "Bearer " + kKey);
    }
}

TEST(Key, WhatIsNoTextDoesNotReachTheLog) {
    FaultyBackend backend({.script = {{.body = partial_success("one\x1b[2J\x07two")}}});
    test::LogLines log;
    const Tracer tracer = test::make_tracer(backend.url(), {}, log.handler());
    { auto span = tracer.span("span"); }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_THAT(log.take(), testing::ElementsAre("the backend rejected 1 of 1 spans"));
}

TEST(Key, IsInNoNameThatOthersSee) {
    FaultyBackend backend;
    const Tracer tracer = test::make_tracer(backend.url());
    { auto span = tracer.span("span"); }
    ASSERT_TRUE(tracer.force_flush(kPatience));
    std::size_t threads = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        EXPECT_THAT(content_of(task.path() / "comm"), Not(HasSubstr(kKey.substr(0, 6))));
        ++threads;
    }
    EXPECT_GT(threads, 1U);
    EXPECT_THAT(content_of("/proc/self/cmdline"), Not(HasSubstr(kKey)));
}

}  // namespace
}  // namespace judgeval::faults
