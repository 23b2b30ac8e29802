// A scoped span's bytes stand in the thread's arena while it is open: whatever comes in between, each span
// arrives with what was said about it, and nothing else.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "record/recorder.hpp"

namespace judgeval::test {
namespace {

using detail::BytesIn;

BytesIn bytes_of_current_span() { return detail::current_span()->bytes_in; }

/// The spans by name.
std::map<std::string, encode::Span> by_name(std::vector<encode::Span> spans) {
    std::map<std::string, encode::Span> named;
    for (auto& span : spans) named[span.name] = std::move(span);
    return named;
}

template <typename AnySpan>
void mark(AnySpan& span, int first, int second) {
    span.set_attribute("first", first);
    span.set_attribute("second", second);
}

void expect_marks(const encode::Span& span, int first, int second) {
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "first"), first) << span.name;
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "second"), second) << span.name;
    EXPECT_EQ(span.attributes.size(), 4U) << span.name;  // and judgment's two
}

class OpenInArena : public testing::Test {
  protected:
    OpenInArena() {
        // the first span of a thread finds no chunk yet
        { auto span = tracer_.span("first"); }
        recorder_.take();
    }
    Recorder recorder_;
    const Tracer& tracer_ = recorder_.tracer;
};

TEST_F(OpenInArena, ItStandsThereUntilAnotherStartsBelowIt) {
    {
        auto outer = tracer_.span("outer");
        EXPECT_EQ(bytes_of_current_span(), BytesIn::kArena);
        outer.set_attribute("first", 1);
        {
            auto inner = tracer_.span("inner");
            EXPECT_EQ(bytes_of_current_span(), BytesIn::kArena);
            inner.set_attribute("first", 3);
            outer.set_attribute("second", 2);
            inner.set_attribute("second", 4);
        }
        EXPECT_EQ(bytes_of_current_span(), BytesIn::kSpan);
    }
    const auto spans = by_name(recorder_.take());
    ASSERT_EQ(spans.size(), 2U);
    expect_marks(spans.at("outer"), 1, 2);
    expect_marks(spans.at("inner"), 3, 4);
    EXPECT_EQ(spans.at("inner").parent_span_id, spans.at("outer").span_id);
}

TEST_F(OpenInArena, ADetachedSpanThatEndsMeanwhileGetsThePlace) {
    {
        auto detached = tracer_.start_span("detached");
        auto scoped = tracer_.span("scoped");
        scoped.set_attribute("first", 1);
        mark(detached, 3, 4);
        EXPECT_EQ(bytes_of_current_span(), BytesIn::kArena);
        detached.end();
        EXPECT_EQ(bytes_of_current_span(), BytesIn::kSpan);
        scoped.set_attribute("second", 2);
    }
    const auto spans = by_name(recorder_.take());
    ASSERT_EQ(spans.size(), 2U);
    expect_marks(spans.at("scoped"), 1, 2);
    expect_marks(spans.at("detached"), 3, 4);
}

TEST_F(OpenInArena, AContextMadeCurrentAboveItTakesItOut) {
    {
        auto scoped = tracer_.span("scoped");
        scoped.set_attribute("first", 1);
        {
            const ContextScope scope{Context()};
            auto other = tracer_.span("other root");
            mark(other, 3, 4);
        }
        scoped.set_attribute("second", 2);
    }
    const auto spans = by_name(recorder_.take());
    ASSERT_EQ(spans.size(), 2U);
    expect_marks(spans.at("scoped"), 1, 2);
    expect_marks(spans.at("other root"), 3, 4);
    EXPECT_TRUE(spans.at("other root").is_root());
}

TEST_F(OpenInArena, AnOuterSpanMayEndFirst) {
    {
        auto outer = tracer_.span("outer");
        mark(outer, 1, 2);
        auto inner = tracer_.span("inner");
        inner.set_attribute("first", 3);
        outer.end();
        inner.set_attribute("second", 4);
        auto below = tracer_.span("below");
        mark(below, 5, 6);
    }
    const auto spans = by_name(recorder_.take());
    ASSERT_EQ(spans.size(), 3U);
    expect_marks(spans.at("outer"), 1, 2);
    expect_marks(spans.at("inner"), 3, 4);
    expect_marks(spans.at("below"), 5, 6);
}

TEST_F(OpenInArena, OneThatOutgrowsItsPlaceMovesOn) {
    const std::string large(5'000, 'x');
    {
        auto span = tracer_.span("large");
        span.set_attribute("first", 1);
        span.set_attribute("text", large);
        EXPECT_EQ(bytes_of_current_span(), BytesIn::kSpill);
        { auto below = tracer_.span("below"); }
        span.set_attribute("second", 2);
    }
    const auto spans = by_name(recorder_.take());
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(text_of(spans.at("large").attributes, "text"), large);
    EXPECT_EQ(value_of<std::int64_t>(spans.at("large").attributes, "second"), 2);
}

TEST_F(OpenInArena, TwoTracersTakeTurns) {
    Recorder another;
    for (int i = 0; i < 3; ++i) {
        auto a = tracer_.span("a");
        a.set_attribute("first", 1);
        auto b = another.tracer.span("b");
        b.set_attribute("first", 3);
        auto c = tracer_.span("c");
        c.set_attribute("first", 5);
        a.set_attribute("second", 2);
        b.set_attribute("second", 4);
        c.set_attribute("second", 6);
    }
    const auto mine = recorder_.take();
    ASSERT_EQ(mine.size(), 6U);
    for (const auto& span : mine) expect_marks(span, span.name == "a" ? 1 : 5, span.name == "a" ? 2 : 6);
    const auto theirs = another.take();
    ASSERT_EQ(theirs.size(), 3U);
    for (const auto& span : theirs) expect_marks(span, 3, 4);
}

TEST_F(OpenInArena, AStatusAndLossesAreWrittenBehindIt) {
    {
        auto span = tracer_.span("failed");
        span.set_attribute("", "no key");
        span.set_status(StatusCode::kError, "why");
    }
    const auto span = recorder_.take_one();
    EXPECT_EQ(span.dropped_attributes_count, 1U);
    EXPECT_EQ(span.status.message, "why");
}

TEST_F(OpenInArena, ASpanThatOutlivesItsThreadsArenaKeepsItsBytes) {
    // A thread-local is destroyed after those that were made later; the arena is made by the first span.
    std::thread([this] {
        thread_local std::unique_ptr<ScopedSpan> last;
        { auto span = tracer_.span("makes the arena"); }
        last.reset(new ScopedSpan(tracer_.span("last")));  // NOLINT: not movable
        mark(*last, 1, 2);
        EXPECT_EQ(bytes_of_current_span(), BytesIn::kArena);
    }).join();
    const auto spans = by_name(recorder_.take());
    ASSERT_EQ(spans.size(), 2U);
    expect_marks(spans.at("last"), 1, 2);
}

TEST_F(OpenInArena, AThreadThatWasNeverSeenMayMeetAPipelineThatStopped) {
    auto job = tracer_.start_span("job");
    recorder_.pipeline().stop_accepting();
    std::thread([&] {
        auto root = tracer_.span("root");
        { auto child = tracer_.span("child"); }
        job.end();
    }).join();
    EXPECT_TRUE(recorder_.take().empty());
    EXPECT_EQ(recorder_.totals().dropped[static_cast<std::size_t>(DropReason::kShutdown)], 3U);
}

TEST_F(OpenInArena, IntegersOfEveryLengthArriveWhole) {
    std::vector<std::int64_t> values;
    for (int bit = 0; bit < 63; ++bit) {
        values.push_back((std::int64_t{1} << bit) - 1);
        values.push_back(std::int64_t{1} << bit);
        values.push_back(-(std::int64_t{1} << bit));
    }
    values.push_back(INT64_MAX);
    values.push_back(INT64_MIN);
    for (const std::int64_t value : values) {
        {
            auto span = tracer_.span("span");
            span.set_attribute("before", 1);
            span.set_attribute("signed", value);
            if (value >= 0) span.set_attribute("unsigned", static_cast<std::uint64_t>(value));
            span.set_attribute("after", 2);
        }
        const auto span = recorder_.take_one();
        EXPECT_EQ(value_of<std::int64_t>(span.attributes, "before"), 1);
        EXPECT_EQ(value_of<std::int64_t>(span.attributes, "signed"), value);
        if (value >= 0) {
            EXPECT_EQ(value_of<std::int64_t>(span.attributes, "unsigned"), value);
        }
        EXPECT_EQ(value_of<std::int64_t>(span.attributes, "after"), 2);
    }
}

}  // namespace
}  // namespace judgeval::test
