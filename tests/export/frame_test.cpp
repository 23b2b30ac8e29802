// The frame around records: lengths that fit, attributes that arrive.
#include "export/frame.hpp"

#include <gtest/gtest.h>

#include <string>

#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

TEST(Frame, HoldsAnyAmountOfRecords) {
    const detail::Frame frame({{"service.name", std::string("agent")}}, "judgeval", "1.2.3");
    Recorder recorder;
    for (const int count : {0, 1, 2, 30, 300}) {
        for (int i = 0; i < count; ++i) auto span = recorder.tracer.span("span");
        const std::string records = recorder.take_records();
        const std::string bytes = frame.before(records.size()) + records;
        const auto request = encode::read_trace_request(bytes);
        ASSERT_EQ(request.error, "");
        ASSERT_EQ(request.message->resource_spans.size(), 1U);
        const auto& resource = request.message->resource_spans[0];
        ASSERT_EQ(resource.scope_spans.size(), 1U);
        EXPECT_EQ(resource.scope_spans[0].scope.name, "judgeval");
        EXPECT_EQ(resource.scope_spans[0].scope.version, "1.2.3");
        EXPECT_EQ(resource.scope_spans[0].spans.size(), static_cast<std::size_t>(count));
    }
}

TEST(Frame, CarriesTheResourceWithItsTypes) {
    const detail::Frame frame({{"text", std::string("value")},
                               {"yes", true},
                               {"number", std::int64_t{-7}},
                               {"share", 0.5},
                               {"", std::string("no key")},
                               {"bad\xFF", std::string("bad\xFF")}},
                              "scope", "");
    const std::string bytes = frame.before(0);
    const auto request = encode::read_trace_request(bytes);
    ASSERT_EQ(request.error, "");
    const auto& attributes = request.message->resource_spans.at(0).resource.attributes;
    EXPECT_EQ(attributes.size(), 5U);
    EXPECT_EQ(text_of(attributes, "text"), "value");
    EXPECT_EQ(value_of<bool>(attributes, "yes"), true);
    EXPECT_EQ(value_of<std::int64_t>(attributes, "number"), -7);
    EXPECT_EQ(value_of<double>(attributes, "share"), 0.5);
    EXPECT_EQ(text_of(attributes, "bad\xEF\xBF\xBD"), "bad\xEF\xBF\xBD");
}

TEST(Frame, WithoutAResourceIsWellFormed) {
    const std::string bytes = detail::Frame({}, "", "").before(0);
    const auto request = encode::read_trace_request(bytes);
    ASSERT_EQ(request.error, "");
    EXPECT_TRUE(request.message->resource_spans.at(0).resource.attributes.empty());
}

}  // namespace
}  // namespace judgeval::test
