// Generators: their spans are current in the body alone, and end with the generator.
#include "judgeval/generator.hpp"

#include <gtest/gtest.h>

#include <judgeval/testing.hpp>
#include <stdexcept>
#include <string>

#include "client.hpp"

namespace judgeval::test {
namespace {

using judgeval::testing::SpanCapture;

Generator<std::string> words(const Tracer& tracer, bool fails) {
    auto span = tracer.span("body");
    co_yield "one";
    tracer.span("within").end();
    if (fails) throw std::runtime_error("no more");
    co_yield "two";
}

TEST(Generator, IsCurrentInItsBodyAlone) {
    const SpanCapture capture;
    const Tracer& tracer = capture.tracer();
    {
        auto consumer = tracer.span("consumer");
        std::string all;
        for (const auto& word : observe_items(tracer, words(tracer, false), {.name = "stream"})) {
            tracer.span("use " + word).end();
            all += word;
        }
        EXPECT_EQ(all, "onetwo");
        tracer.span("later").end();
    }
    const auto spans = capture.spans();
    const auto& consumer = spans.find("consumer");
    EXPECT_EQ(spans.children_of(consumer).size(), 4U) << spans.tree();
    EXPECT_EQ(spans.find("use one").parent_span_id, consumer.span_id) << spans.tree();
    EXPECT_EQ(spans.find("later").parent_span_id, consumer.span_id) << spans.tree();
    EXPECT_EQ(spans.find("within").parent_span_id, spans.find("body").span_id) << spans.tree();
    const auto stream = spans.children_of(consumer)[0];
    EXPECT_EQ(stream.name, "stream");
    EXPECT_EQ(spans.find("body").parent_span_id, stream.span_id) << spans.tree();
    EXPECT_EQ(spans.children_of(stream).size(), 3U) << spans.tree();  // the body, and the items
    EXPECT_GE(stream.end, spans.find("use two").end);
    expect_balanced(tracer.stats());
}

TEST(Generator, EndsItsSpansWhenItIsGivenUp) {
    const SpanCapture capture;
    const Tracer& tracer = capture.tracer();
    {
        auto consumer = tracer.span("consumer");
        {
            auto items = words(tracer, false);
            EXPECT_EQ(*items.begin(), "one");
            auto beside = tracer.span("beside");
        }
        tracer.span("later").end();
    }
    const auto spans = capture.spans();
    EXPECT_EQ(spans.size(), 4U) << spans.tree();
    for (const auto* name : {"body", "beside", "later"}) {
        EXPECT_EQ(spans.find(name).parent_span_id, spans.find("consumer").span_id) << spans.tree();
    }
    expect_balanced(tracer.stats());
}

TEST(Generator, PassesAnExceptionOn) {
    const SpanCapture capture;
    const Tracer& tracer = capture.tracer();
    const auto consume = [&] {
        for (const auto& word : observe_items(tracer, words(tracer, true), {.name = "stream"})) {
            EXPECT_EQ(word, "one");
        }
    };
    EXPECT_THROW(consume(), std::runtime_error);
    EXPECT_FALSE(tracer.current_context().is_valid());
    const auto spans = capture.spans();
    EXPECT_EQ(spans.find("body").status, StatusCode::kError);
    for (const auto& span : spans) {
        EXPECT_TRUE(!span.is_root() || span.status == StatusCode::kError) << spans.tree();
    }
    expect_balanced(tracer.stats());
}

}  // namespace
}  // namespace judgeval::test
