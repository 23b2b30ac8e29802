// JUDGEVAL_DISABLE in one translation unit of a program whose others trace.
#include <gtest/gtest.h>

#include "api/disabled_part.hpp"
#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

TEST(Disabled, RecordsNothingBesideCodeThatTraces) {
    Recorder recorder;
    int serialized = 0;
    {
        auto span = recorder.tracer.span("enabled");
        EXPECT_EQ(run_disabled_part(serialized), "");
        span.set_attribute("still", "recording");
    }
    EXPECT_EQ(serialized, 0);
    const auto span = recorder.take_one();
    EXPECT_EQ(span.name, "enabled");
    EXPECT_EQ(span.attributes.size(), 3U);  // nothing of the disabled part landed on the current span
    EXPECT_EQ(text_of(span.attributes, "still"), "recording");
}

}  // namespace
}  // namespace judgeval::test
