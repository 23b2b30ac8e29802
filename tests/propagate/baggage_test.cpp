// baggage: what is read, what is written, and the caps on both.
#include "propagate/baggage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace judgeval::test {
namespace {

using detail::format_baggage;
using detail::InheritedEntry;
using detail::kBaggageBytesMost;
using detail::kBaggageEntriesMost;
using detail::kBaggageEntryMost;
using detail::parse_baggage;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Entries = std::vector<InheritedEntry>;

TEST(Baggage, EntriesAreReadInTheirOrder) {
    EXPECT_THAT(parse_baggage(
                    "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue"),
                ElementsAre(InheritedEntry{"key1", "value1", "property1;property2"},
                            InheritedEntry{"key2", "value2", ""},
                            InheritedEntry{"key3", "value3", "propertyKey=propertyValue"}));
    EXPECT_THAT(
        parse_baggage("serverNode = DF%2028 ,\tisProduction\t=\tfalse\t"),
        ElementsAre(InheritedEntry{"serverNode", "DF 28", ""}, InheritedEntry{"isProduction", "false", ""}));
    EXPECT_THAT(parse_baggage("a=b=c==,empty=,plus=1+1"),
                ElementsAre(InheritedEntry{"a", "b=c==", ""}, InheritedEntry{"empty", "", ""},
                            InheritedEntry{"plus", "1+1", ""}));
}

TEST(Baggage, KeysAndValuesAreDecoded) {
    EXPECT_THAT(parse_baggage("user%20id=Am%C3%A9lie%2C%20%25%3b%22"),
                ElementsAre(InheritedEntry{"user id", "Am\xC3\xA9lie, %;\"", ""}));
    // what is no encoding stands for itself
    EXPECT_THAT(parse_baggage("a=100%,b=%zz,c=%4,d=%%41"),
                ElementsAre(InheritedEntry{"a", "100%", ""}, InheritedEntry{"b", "%zz", ""},
                            InheritedEntry{"c", "%4", ""}, InheritedEntry{"d", "%A", ""}));
    // and what is no UTF-8 is replaced
    EXPECT_THAT(parse_baggage("a=x%FFy,b=%C3"), ElementsAre(InheritedEntry{"a", "x\xEF\xBF\xBDy", ""},
                                                            InheritedEntry{"b", "\xEF\xBF\xBD", ""}));
}

TEST(Baggage, PropertiesAreKeptAsTheyAre) {
    EXPECT_THAT(parse_baggage("a=1; p = %41 ; q ;;r=x=y \t"),
                ElementsAre(InheritedEntry{"a", "1", "p = %41 ; q ;;r=x=y"}));
    EXPECT_EQ(format_baggage(parse_baggage("a=1; p = %41 ; q ;;r=x=y")), "a=1;p = %41 ; q ;;r=x=y");
}

TEST(Baggage, PairsThatBreakTheGrammarAreSkipped) {
    for (const std::string& text : {std::string("novalue"),
                                    std::string("=1"),
                                    std::string(" = 1"),
                                    std::string("a b=1"),
                                    std::string("a=b c"),
                                    std::string("a=\"b\""),
                                    std::string("a=b\\c"),
                                    std::string("a\xC3\xA4=1"),
                                    std::string("a=\xC3\xA4"),
                                    std::string("a=1;p=\"q\""),
                                    std::string("a=1;p=\xC3\xA4"),
                                    std::string("a[0]=1"),
                                    std::string("a@b=1"),
                                    std::string("a=\0", 3),
                                    std::string("a=1\r\nx: y"),
                                    std::string("a=1;p\r\nx: y"),
                                    std::string(";"),
                                    std::string(";p=1"),
                                    std::string("a;b=1"),
                                    std::string("")}) {
        EXPECT_THAT(parse_baggage(text), IsEmpty()) << text;
        EXPECT_THAT(parse_baggage("x=1," + text + ",y=2"),
                    ElementsAre(InheritedEntry{"x", "1", ""}, InheritedEntry{"y", "2", ""}))
            << text;
    }
}

TEST(Baggage, OfTwoEntriesWithOneKeyTheLastCounts) {
    EXPECT_THAT(parse_baggage("a=1;p,b=2,a=3,%61=4"),
                ElementsAre(InheritedEntry{"a", "4", ""}, InheritedEntry{"b", "2", ""}));
}

TEST(Baggage, APairOver4096BytesIsSkipped) {
    const std::string most = "a=" + std::string(kBaggageEntryMost - 2, 'v');
    EXPECT_THAT(parse_baggage(most + ",b=2"),
                ElementsAre(InheritedEntry{"a", most.substr(2), ""}, InheritedEntry{"b", "2", ""}));
    EXPECT_THAT(parse_baggage(most + "v,b=2"), ElementsAre(InheritedEntry{"b", "2", ""}));
    EXPECT_THAT(parse_baggage(most.substr(0, kBaggageEntryMost - 1) + ";p,b=2"),
                ElementsAre(InheritedEntry{"b", "2", ""}))
        << "properties count";
    EXPECT_EQ(format_baggage(Entries{{"a", most.substr(2), ""}, {"b", "2", ""}}), most + ",b=2");
    EXPECT_EQ(format_baggage(Entries{{"a", most.substr(2) + "v", ""}, {"b", "2", ""}}), "b=2");
    EXPECT_EQ(format_baggage(Entries{{"a", std::string(1400, ' '), ""}, {"b", "2", ""}}), "b=2")
        << "encoded they count";
    EXPECT_EQ(format_baggage(Entries{{"a", most.substr(2), "p"}, {"b", "2", ""}}), "b=2")
        << "properties count";
}

TEST(Baggage, Of8192BytesIsTakenWholeBeyondOnlyWhatFits) {
    const std::string first = "a=" + std::string(4094, 'v');
    const std::string second = "b=" + std::string(4093, 'v');
    const std::string exact = first + "," + second;
    ASSERT_EQ(exact.size(), kBaggageBytesMost);
    EXPECT_EQ(parse_baggage(exact).size(), 2U);
    EXPECT_EQ(parse_baggage(exact + ",c=1").size(), 2U);
    EXPECT_EQ(parse_baggage(first + "," + second + "v,c=1").size(), 1U) << "no part of a pair is taken";
    EXPECT_THAT(parse_baggage(std::string(kBaggageBytesMost + 1, 'a')), IsEmpty());

    const Entries entries = parse_baggage(exact);
    EXPECT_EQ(format_baggage(entries), exact);
    Entries more = entries;
    more.push_back({"c", "1", ""});
    EXPECT_EQ(format_baggage(more), exact);
    EXPECT_EQ(format_baggage(Entries{more[0], {"x", std::string(4094, 'w'), ""}, more[2]}), first + ",c=1");
}

TEST(Baggage, Of180PairsIsTakenWhole) {
    std::string header;
    Entries entries;
    for (std::size_t i = 0; i <= kBaggageEntriesMost; ++i) {
        std::string key = std::to_string(i);
        entries.push_back({key, "v", ""});
        if (i != 0) header += ',';
        header += key.append("=v");
    }
    const Entries read = parse_baggage(header);
    ASSERT_EQ(read.size(), kBaggageEntriesMost);
    EXPECT_EQ(read.back().key, "179");
    EXPECT_EQ(format_baggage(entries), header.substr(0, header.rfind(',')));
}

TEST(Baggage, WhatIsWrittenReadsAlike) {
    const Entries entries = {{"judgment.session_id", "session/1?x=y&z", ""},
                             {"user id", "A, B; \"C\" \\ % + \t\n", "p=1;q"},
                             {"gr\xC3\xB6\xC3\x9F"
                              "e(cm)",
                              "\xE2\x82\xAC", ""},
                             {"%41", "%41", ""},
                             {"empty", "", ""}};
    const std::string header = format_baggage(entries);
    for (const char character : header) EXPECT_TRUE(character >= ' ' && character <= '~') << header;
    EXPECT_EQ(header.find('+'), std::string::npos) << "some readers take it for a blank: " << header;
    EXPECT_EQ(parse_baggage(header), entries) << header;
    EXPECT_EQ(header.substr(0, header.find(',')), "judgment.session_id=session/1?x=y&z");
}

TEST(Baggage, NothingThatWouldBreakAHeaderIsWritten) {
    EXPECT_EQ(
        format_baggage(Entries{{"", "1", ""}, {"a", "1", "p\r\nx: y"}, {"b", "2", ","}, {"c", "3\r\n", ""}}),
        "c=3%0D%0A");
    EXPECT_EQ(format_baggage(Entries{}), "");
}

}  // namespace
}  // namespace judgeval::test
