// Ids that take the place of names in finished records.
#include "export/project_overrides.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "record/project_marks.hpp"
#include "record/recorder.hpp"

namespace judgeval::detail {
namespace {

class StandingClock final : public ExportClock {
  public:
    SteadyTime now() override { return {}; }
    std::chrono::system_clock::time_point system_now() override { return {}; }
};

class NoTransport final : public Transport {
  public:
    void send(std::uint64_t, const HttpRequest&) override { ADD_FAILURE() << "nothing is asked in here"; }
    void cancel(std::uint64_t) override {}
    void wait(std::chrono::nanoseconds, std::vector<Completion>&) override {}
    void wake() noexcept override {}
};

class ProjectOverridesTest : public testing::Test {
  protected:
    ~ProjectOverridesTest() override { project_names = 0; }

    /// A record of a span with this evaluation, in a chunk.
    void record(const std::string& evaluation) {
        test::Recorder recorder;
        {
            auto span = recorder.tracer.span("span");
            span.set_attribute(kPendingEvaluationKey, evaluation);
        }
        const std::string records = recorder.take_records();
        ASSERT_LE(records.size(), kChunkData);
        std::memcpy(chunk_->data, records.data(), records.size());
        const auto size = static_cast<std::uint32_t>(records.size());
        segment_ = {chunk_.get(), 0, size, 1, size};
    }
    [[nodiscard]] std::string evaluation() const {
        const auto spans =
            test::read_records({reinterpret_cast<const char*>(chunk_->data), segment_.total_size});
        return test::text_of(spans.at(0).attributes, kPendingEvaluationKey);
    }

    std::map<std::string, std::string> known_;
    StandingClock clock_;
    NoTransport transport_;
    ProjectOverrides overrides_{{[this](const std::string& name) {
                                     const auto found = known_.find(name);
                                     return found != known_.end() ? std::optional(found->second)
                                                                  : std::nullopt;
                                 },
                                 [](const std::string&) { return Preparation{}; }, "own"},
                                transport_,
                                clock_,
                                std::chrono::seconds(1)};
    std::unique_ptr<Chunk> chunk_ = std::make_unique<Chunk>();
    Segment segment_{};
};

TEST_F(ProjectOverridesTest, RecordsAreLookedThroughOnlyWhileOneMayNameAProject) {
    const std::string named = std::string(kPendingEvaluationHead) + name_for_evaluation("") + "}";
    known_["own"] = "1";
    record(named);
    EXPECT_TRUE(overrides_.settle(segment_));
    EXPECT_EQ(evaluation(), named);
    project_names = 1;
    EXPECT_TRUE(overrides_.settle(segment_));
    EXPECT_EQ(evaluation(), R"({"project_id":"1"})");
    EXPECT_EQ(project_names, 0U);
}

TEST_F(ProjectOverridesTest, NothingChangesBeforeTheIdIsKnown) {
    const std::string named = std::string(kPendingEvaluationHead) + name_for_evaluation("elsewhere") + "}";
    record(named);
    project_names = 1;
    EXPECT_FALSE(overrides_.settle(segment_));
    EXPECT_TRUE(overrides_.is_waiting());
    EXPECT_EQ(evaluation(), named);
    EXPECT_EQ(project_names, 1U);
    known_["elsewhere"] = "2";
    EXPECT_TRUE(overrides_.settle(segment_));
    EXPECT_EQ(evaluation(), R"({"project_id":"2"})");
    EXPECT_EQ(project_names, 0U);
}

TEST_F(ProjectOverridesTest, WhatANameHasInItDoesNotReachTheId) {
    known_["a"] = "3";
    record(std::string(kPendingEvaluationHead) + name_for_evaluation(std::string("a\0b\"", 4)) + "}");
    project_names = 1;
    EXPECT_TRUE(overrides_.settle(segment_));
    EXPECT_EQ(evaluation(), R"({"project_id":"3"})");
}

TEST_F(ProjectOverridesTest, AnEvaluationThatIsCompleteIsLeftAlone) {
    for (const std::string& complete : {std::string(R"({"project_id":"4","a":"own"})"), std::string("{}")}) {
        record(complete);
        project_names = 1;
        EXPECT_TRUE(overrides_.settle(segment_));
        EXPECT_EQ(evaluation(), complete);
        EXPECT_EQ(project_names, 1U) << "another one may still come";
    }
}

}  // namespace
}  // namespace judgeval::detail
