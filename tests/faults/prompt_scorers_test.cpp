// A prompt scorer that cannot be had: whoever asks for it goes on, without one, within the time it gave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <string>

#include "client.hpp"
#include "faults/faulty_backend.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;
using How = Fault::How;
using testing::ElementsAre;
using testing::HasSubstr;

/// What is logged when the platform answers so.
std::vector<std::string> told(const Fault& fault, std::chrono::nanoseconds timeout = test::kPatience) {
    FaultyBackend backend({.platform_afterwards = fault});
    test::LogLines log;
    const Judgeval client(test::client_options(backend.url(), log.handler()));
    EXPECT_EQ(client.scorers.prompt_scorer.get("name", timeout).score_type, "");
    // One that is given up early may not have got there.
    if (timeout == test::kPatience) {
        EXPECT_EQ(backend.platform_requests().size(), 1U);
    }
    return log.take();
}

TEST(PromptScorer, ThatIsRefusedOrUnreadableIsNone) {
    EXPECT_THAT(told({.status = 403, .body = "not yours"}), ElementsAre(HasSubstr("HTTP 403 (not yours)")));
    EXPECT_THAT(told({.status = 503}), ElementsAre(HasSubstr("HTTP 503")));
    for (const char* const body : {"", "{", "[]", "{}", R"({"scorers": 1})", R"({"scorers": [1]})"}) {
        EXPECT_THAT(told({.body = body}), ElementsAre(HasSubstr("no list of scorers"))) << body;
    }
    EXPECT_THAT(told({.body = R"({"scorers": []})"}), ElementsAre(HasSubstr("none of that name")));
    EXPECT_THAT(told({.how = How::kNeverEnds}), ElementsAre(HasSubstr("no list of scorers")));
}

TEST(PromptScorer, ThatIsLateIsNone) {
    EXPECT_EQ(told({.how = How::kHangs}, 50ms).size(), 1U);
    EXPECT_EQ(told({.how = How::kDrips}, 50ms).size(), 1U);
}

TEST(PromptScorer, OfAStrangeShapeIsTakenAsFarAsItGoes) {
    FaultyBackend backend(
        {.platform_afterwards = {
             .body =
                 R"({"scorers": [{"prompt": 7, "threshold": "x", "options": [1], "model": null}, {"prompt": "second"}]})"}});
    const Judgeval client(test::client_options(backend.url()));
    const Scorer scorer = client.scorers.prompt_scorer.get("name");
    EXPECT_EQ(scorer.score_type, "Prompt Scorer");
    EXPECT_EQ(scorer.threshold, 0.5);
    EXPECT_EQ(scorer.prompt + scorer.options + scorer.model, "");
}

}  // namespace
}  // namespace judgeval::faults
