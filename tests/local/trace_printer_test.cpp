// Which traces are printed and when, and what a tree looks like. Time is an argument here: nothing waits.
#include "local/trace_printer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "encode/otlp_builder.hpp"

namespace judgeval::local {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using test::span_id_of;
using test::SpanFields;
using test::trace_id_of;

class Printing : public ::testing::Test {
  protected:
    void add(const std::vector<SpanFields>& spans, TracePrinter::Clock::duration at, TracePrinter& printer) {
        std::vector<std::string> messages;
        for (const SpanFields& fields : spans) {
            messages.push_back(test::span_message(fields));
        }
        const std::string bytes = test::trace_request(messages);
        printer.note(store_.add(project_, *encode::read_trace_request(bytes).message, 0, 0).touched,
                     TracePrinter::Clock::time_point{at});
    }
    std::string printed_at(TracePrinter::Clock::duration at, TracePrinter& printer) {
        printer.print_quiet(TracePrinter::Clock::time_point{at});
        return taken();
    }
    std::string taken() {
        std::string text = output_.str();
        output_.str("");
        return text;
    }
    std::string drawn(const std::vector<SpanFields>& spans) {
        TracePrinter printer{store_, output_, {}};
        add(spans, 0ms, printer);
        printer.print_rest();
        return taken();
    }

    Store store_{":memory:"};
    const std::int64_t project_ = store_.find_project("org", store_.resolve_project("org", "demo")).value();
    std::ostringstream output_;
};

TEST_F(Printing, ATraceIsPrintedOnceItsRootHasEndedAndItIsQuiet) {
    TracePrinter printer{store_, output_, {.quiet_time = 500ms}};
    add({{.span_id = span_id_of(2), .parent_span_id = span_id_of(1), .name = "child"}}, 0ms, printer);
    EXPECT_EQ(printed_at(10s, printer), "");
    add({{.span_id = span_id_of(1), .name = "root"}}, 10s, printer);
    EXPECT_EQ(printed_at(10'499ms, printer), "");
    add({{.span_id = span_id_of(3), .parent_span_id = span_id_of(1), .name = "late"}}, 10'499ms, printer);
    EXPECT_EQ(printed_at(10'998ms, printer), "");
    const std::string text = printed_at(10'999ms, printer);
    EXPECT_THAT(text, HasSubstr("root"));
    EXPECT_THAT(text, HasSubstr("child"));
    EXPECT_THAT(text, HasSubstr("late"));
    EXPECT_EQ(printed_at(60s, printer), "");
    printer.print_rest();
    EXPECT_EQ(taken(), "");
}

TEST_F(Printing, ARootStillOpenWaitsForItsEnd) {
    TracePrinter printer{store_, output_, {.quiet_time = 1ms}};
    add({{.name = "agent run", .start = 5, .end = 5}}, 0ms, printer);
    EXPECT_EQ(printed_at(1h, printer), "");
    add({{.name = "agent run", .start = 5, .end = 2'000'005, .update_id = 1}}, 1h, printer);
    EXPECT_THAT(printed_at(1h + 1ms, printer), HasSubstr("agent run  function  2.00 ms"));
}

TEST_F(Printing, TheRestIsPrintedInTheOrderItCame) {
    TracePrinter printer{store_, output_, {}};
    for (std::uint64_t i = 1; i <= 3; ++i) {
        add({{.trace_id = trace_id_of(i), .name = "trace " + std::to_string(i), .start = 5, .end = 5}}, 0ms,
            printer);
    }
    printer.print_rest();
    EXPECT_THAT(taken(),
                ::testing::ContainsRegex("trace 1  function  still open(.|\n)*trace 2(.|\n)*trace 3"));
}

TEST_F(Printing, NoMoreTreesThanAskedFor) {
    TracePrinter printer{store_, output_, {.quiet_time = 0ms, .maximum_trees = 2}};
    for (std::uint64_t i = 1; i <= 3; ++i) {
        add({{.trace_id = trace_id_of(i), .name = "trace-" + std::to_string(i)}}, 1ms, printer);
    }
    const std::string text = printed_at(2ms, printer);
    EXPECT_THAT(text, HasSubstr("trace-1"));
    EXPECT_THAT(text, HasSubstr("trace-2"));
    EXPECT_THAT(text, Not(HasSubstr("trace-3")));
    add({{.trace_id = trace_id_of(4)}}, 3ms, printer);
    printer.print_rest();
    EXPECT_EQ(taken(), "");

    TracePrinter silent{store_, output_, {.quiet_time = 0ms, .maximum_trees = 0}};
    add({{}}, 1ms, silent);
    silent.print_rest();
    EXPECT_EQ(taken(), "");
}

TEST_F(Printing, DrawsATree) {
    EXPECT_EQ(drawn({
                  {.span_id = span_id_of(1),
                   .name = "handle_request",
                   .start = 1'000,
                   .end = 12'301'000,
                   .kind = "agent"},
                  {.span_id = span_id_of(2),
                   .parent_span_id = span_id_of(1),
                   .name = "plan",
                   .start = 2'000,
                   .end = 3'500},
                  {.span_id = span_id_of(3),
                   .parent_span_id = span_id_of(2),
                   .name = "OPENAI_API_CALL",
                   .start = 2'100,
                   .end = 2'900,
                   .kind = "llm"},
                  {.span_id = span_id_of(4),
                   .parent_span_id = span_id_of(1),
                   .name = "search",
                   .start = 4'000,
                   .end = 3'000'004'000,
                   .kind = "tool",
                   .error = "timed out"},
                  {.span_id = span_id_of(5),
                   .parent_span_id = span_id_of(4),
                   .name = "fetch",
                   .start = 4'500,
                   .end = 61'000'004'500,
                   .kind = "tool"},
              }),
              "trace 11111111111111110000000000000001 · demo · 5 spans · 1 min 1 s · 1 error\n"
              "handle_request  agent  12.3 ms\n"
              "├─ plan  function  1.50 µs\n"
              "│  └─ OPENAI_API_CALL  llm  800 ns\n"
              "└─ search  tool  3.00 s  ✗ error: timed out\n"
              "   └─ fetch  tool  1 min 1 s\n"
              "\n");
}

TEST_F(Printing, SpansWithoutTheirParentStandBelowAPlaceholder) {
    EXPECT_EQ(drawn({
                  {.span_id = span_id_of(1), .name = "root", .start = 1, .end = 2},
                  {.span_id = span_id_of(2),
                   .parent_span_id = span_id_of(0xabc),
                   .name = "one",
                   .start = 1,
                   .end = 2},
                  {.span_id = span_id_of(3),
                   .parent_span_id = span_id_of(0xabc),
                   .name = "two",
                   .start = 2,
                   .end = 3},
              }),
              "trace 11111111111111110000000000000001 · demo · 3 spans · 2 ns\n"
              "root  function  1 ns\n"
              "(below a span that has not arrived: 0000000000000abc)\n"
              "├─ one  function  1 ns\n"
              "└─ two  function  1 ns\n"
              "\n");
}

TEST_F(Printing, SpansInACircleAreDrawnOnce) {
    const std::string text = drawn({
        {.span_id = span_id_of(1), .parent_span_id = span_id_of(2), .name = "hen", .start = 1, .end = 2},
        {.span_id = span_id_of(2), .parent_span_id = span_id_of(1), .name = "egg", .start = 2, .end = 3},
        {.span_id = span_id_of(3), .parent_span_id = span_id_of(3), .name = "self", .start = 3, .end = 4},
    });
    EXPECT_EQ(text,
              "trace 11111111111111110000000000000001 · demo · 3 spans · 3 ns\n"
              "(below spans that are their own ancestors)\n"
              "└─ hen  function  1 ns\n"
              "   └─ egg  function  1 ns\n"
              "(below spans that are their own ancestors)\n"
              "└─ self  function  1 ns\n"
              "\n");
}

TEST_F(Printing, ControlCharactersAreEscapedAndLongTextIsCut) {
    const std::string text = drawn({{.name = "a\x1b[2J\n\tb\x7f\xc2\x9b"
                                             "c",
                                     .kind = "to\x07ol",
                                     .error = std::string(5'000, 'e')}});
    EXPECT_THAT(text, HasSubstr("a\\x1b[2J\\n\\tb\\x7f\\x9bc  to\\x07ol"));
    EXPECT_THAT(text, HasSubstr("eee…\n"));
    EXPECT_LT(text.size(), 500U);
}

TEST_F(Printing, ALongNameIsCutBetweenCharacters) {
    std::string name;
    for (int i = 0; i < 200; ++i) {
        name += "ü";
    }
    std::string expected = name.substr(0, 160) + "…";
    EXPECT_THAT(drawn({{.name = name}}), HasSubstr("\n" + expected + "  function"));
}

TEST_F(Printing, VeryDeepAndVeryLargeTracesAreCut) {
    std::vector<SpanFields> chain{{.span_id = span_id_of(1)}};
    for (std::uint64_t i = 2; i <= 20'000; ++i) {
        chain.push_back({.span_id = span_id_of(i), .parent_span_id = span_id_of(i - 1)});
    }
    EXPECT_THAT(drawn(chain), HasSubstr("\n… 19939 more spans not shown\n"));

    std::vector<SpanFields> broad{{.trace_id = trace_id_of(2), .span_id = span_id_of(1)}};
    for (std::uint64_t i = 2; i <= 1'000; ++i) {
        broad.push_back(
            {.trace_id = trace_id_of(2), .span_id = span_id_of(i), .parent_span_id = span_id_of(1)});
    }
    EXPECT_THAT(drawn(broad), HasSubstr("\n… 600 more spans not shown\n"));
}

TEST_F(Printing, ColoursAreOnlyUsedWhenAskedFor) {
    EXPECT_THAT(drawn({{.error = "broken"}}), Not(HasSubstr("\x1b")));
    EXPECT_THAT(draw_trace(store_.trace(trace_id_of(1)).value(), Colours::on),
                HasSubstr("\x1b[31m✗ error: broken\x1b[0m"));
}

}  // namespace
}  // namespace judgeval::local
