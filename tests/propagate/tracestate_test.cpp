// tracestate: what is passed on of what came.
#include "propagate/tracestate.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace judgeval::test {
namespace {

using detail::kMaxTracestateBytes;
using detail::parse_tracestate;

std::string joined(const std::vector<std::string>& members) {
    std::string text;
    for (const std::string& member : members) {
        if (!text.empty()) text += ',';
        text += member;
    }
    return text;
}

/// A member of so many bytes in all.
std::string member_of(const std::string& key, std::size_t bytes) {
    return key + "=" + std::string(bytes - key.size() - 1, 'v');
}

TEST(Tracestate, IsPassedOnAsItCame) {
    const std::string all_of_a_key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@";
    std::string all_of_a_value;
    for (char c = ' '; c <= '~'; ++c) {
        if (c != ',' && c != '=') all_of_a_value += c;
    }
    for (const std::string& text :
         {std::string("rojo=00f067aa0ba902b7"), std::string("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
          std::string("foo= 1"), std::string("0=1"), std::string("tenant@vendor=1"),
          all_of_a_key + "=" + all_of_a_value, std::string(256, 'k') + "=1", "k=" + std::string(256, 'v')}) {
        EXPECT_EQ(parse_tracestate(text), text);
    }
}

TEST(Tracestate, BlanksAroundMembersAndEmptyOnesAreLeftOut) {
    EXPECT_EQ(parse_tracestate(" foo=1 \t,\t bar=2, ,,baz=  3  ,"), "foo=1,bar=2,baz=  3");
    for (const std::string text : {"", " ", "\t", ",", " , ,\t,"}) EXPECT_EQ(parse_tracestate(text), "");
    EXPECT_EQ(parse_tracestate(std::string(1000, ',') + "foo=1"), "foo=1");
}

TEST(Tracestate, OfTwoMembersWithOneKeyTheFirstCounts) {
    EXPECT_EQ(parse_tracestate("foo=1,bar=2,foo=3,foo=1"), "foo=1,bar=2");
}

TEST(Tracestate, OneThatBreaksTheGrammarIsDiscardedWhole) {
    for (const std::string& text :
         {std::string("foo"), std::string("foo="), std::string("=1"), std::string("foo =1"),
          std::string("FOO=1"), std::string("foo.bar=1"), std::string("_foo=1"), std::string("@foo=1"),
          std::string("foo=bar=baz"), std::string("foo=\t1"), std::string("foo=1\x7f"),
          std::string("foo=\xC3\xA4"), std::string("foo=1\n"), std::string("foo=1;bar=2\r\nx: y"),
          std::string("foo=\0", 5), std::string(257, 'k') + "=1", "k=" + std::string(257, 'v')}) {
        EXPECT_EQ(parse_tracestate(text), "") << text;
        EXPECT_EQ(parse_tracestate("good=1," + text + ",other=2"), "") << text;
    }
}

TEST(Tracestate, HasAtMost32Members) {
    std::vector<std::string> members;
    for (int i = 0; i < 32; ++i) members.push_back(std::string("k") + std::to_string(i) + "=v");
    EXPECT_EQ(parse_tracestate(joined(members)), joined(members));
    members.push_back("one=more");
    EXPECT_EQ(parse_tracestate(joined(members)), "");
}

TEST(Tracestate, Of512BytesIsPassedOnWhole) {
    const std::string exact = joined({member_of("a", 255), member_of("b", 256)});
    ASSERT_EQ(exact.size(), kMaxTracestateBytes);
    EXPECT_EQ(parse_tracestate(exact), exact);
    EXPECT_EQ(parse_tracestate(exact + ",c=1"), joined({member_of("a", 255), "c=1"}));
}

TEST(Tracestate, OverTheCapLargeMembersGoFirstThenTheLastOnes) {
    const std::string small = member_of("s", 128);
    const std::string large = member_of("l", 129);
    // 3 * 128 + 129 + 3 commas = 516
    EXPECT_EQ(parse_tracestate(joined({large, small, member_of("t", 128), member_of("u", 128)})),
              joined({small, member_of("t", 128), member_of("u", 128)}));
    // without a large one the last goes
    EXPECT_EQ(
        parse_tracestate(joined({small, member_of("t", 128), member_of("u", 128), member_of("v", 128)})),
        joined({small, member_of("t", 128), member_of("u", 128)}));
    // of several large ones only as many as must
    EXPECT_EQ(parse_tracestate(joined({large, member_of("m", 200), member_of("n", 250), "a=1"})),
              joined({large, member_of("m", 200), "a=1"}));
}

}  // namespace
}  // namespace judgeval::test
