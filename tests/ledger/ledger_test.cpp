// The one line at shutdown about what was lost, and that names and advice exist once for all who use them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <set>
#include <string>
#include <vector>

#include "client.hpp"
#include "end_to_end/peer.hpp"

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;
using end_to_end::RunningBackend;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kNowhere = "http://127.0.0.1:1";

std::vector<std::string> summaries(LogLines& lines) {
    auto all = lines.take();
    std::erase_if(all, [](const std::string& line) { return line.find(" lost:") == std::string::npos; });
    return all;
}

std::string told(DropReason reason) {
    return std::string(to_string(reason)) + " (" + std::string(advice_for(reason)) + ")";
}

TEST(Ledger, EveryReasonHasANameAndAdviceOfItsOwn) {
    std::set<std::string_view> names;
    std::set<std::string_view> advice;
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        names.insert(to_string(static_cast<DropReason>(i)));
        advice.insert(advice_for(static_cast<DropReason>(i)));
    }
    EXPECT_EQ(names.size(), kDropReasonCount);
    EXPECT_EQ(advice.size(), kDropReasonCount);
    EXPECT_FALSE(names.contains(""));
    EXPECT_FALSE(advice.contains(""));
}

TEST(Ledger, OneLineAtShutdownSaysWhatWasLostAndWhatToChange) {
    LogLines lines;
    {
        const Tracer tracer = make_tracer(kNowhere, {}, lines.handler());
        for (int i = 0; i < 3; ++i) tracer.span("span").end();
        EXPECT_FALSE(tracer.shutdown(0ms));
        EXPECT_FALSE(tracer.shutdown(0ms)) << "a second time";
        expect_balanced(tracer.stats());
    }  // and the last handle goes
    EXPECT_THAT(summaries(lines), ElementsAre("3 of 3 spans were lost: 3 " + told(DropReason::kShutdown)));
}

TEST(Ledger, TheLineComesWithTheLastHandleToo) {
    LogLines lines;
    {
        const Tracer tracer = make_tracer(kNowhere, {.pipeline = {.shutdown_timeout = 0ms}}, lines.handler());
        tracer.span("span").end();
    }
    EXPECT_THAT(summaries(lines),
                ElementsAre(HasSubstr("1 of 1 spans were lost: 1 shutdown (call force_flush()")));
}

TEST(Ledger, EachReasonIsTold) {
    local::LocalBackendOptions options;
    options.api_key = "another key";
    RunningBackend backend(options);
    LogLines lines;
    const Tracer tracer = make_tracer(backend.url(), {}, lines.handler());
    tracer.span("refused before the shutdown").end();
    ASSERT_TRUE(tracer.force_flush(kPatience));
    EXPECT_EQ(tracer.stats().dropped_by(DropReason::kProjectUnresolved), 1U);
    EXPECT_THAT(summaries(lines), IsEmpty()) << "not before the shutdown";
    for (int i = 0; i < 2; ++i) tracer.span("too late").end();
    tracer.shutdown(0ms);
    expect_balanced(tracer.stats());
    EXPECT_THAT(summaries(lines),
                ElementsAre("3 of 3 spans were lost: 1 " + told(DropReason::kProjectUnresolved) + "; 2 " +
                            told(DropReason::kShutdown)));
}

TEST(Ledger, NothingIsSaidWhenNothingWasLost) {
    RunningBackend backend;
    LogLines lines;
    {
        const Tracer tracer = make_tracer(backend.url(), {}, lines.handler());
        tracer.span("span").end();
        ASSERT_TRUE(tracer.shutdown(kPatience));
        EXPECT_EQ(tracer.stats().exported, 1U);
        expect_balanced(tracer.stats());
    }
    EXPECT_THAT(lines.take(), IsEmpty());
}

}  // namespace
}  // namespace judgeval::test
