// UTF-8: what is refused, how it is mended, where it is cut.
#include "record/utf8.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "judgeval/text.hpp"

namespace judgeval::detail {
namespace {

using namespace std::string_literals;

constexpr const char* kReplacement = "\xEF\xBF\xBD";

/// `text` with '?' for each U+FFFD that must appear; the table below is easier to read so.
std::string with_replacements(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '?') {
            result += kReplacement;
        } else {
            result += c;
        }
    }
    return result;
}

TEST(Utf8, MendsEachMaximalIllFormedPartByOneReplacementCharacter) {
    struct Case {
        std::string bytes;
        std::string mended;
    };
    const std::vector<Case> cases = {
        // Unicode 15, tables 3-8 to 3-11
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
         "A",
         "????????A"},
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF"
         "A",
         "????????A"},
        {"\xF4\x91\x92\x93\xFF"
         "A\x80\xBF"
         "B",
         "?????A??B"},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
         "A",
         "????A"},
        // well formed, from one end to the other
        {"", ""},
        {"plain", "plain"},
        {"\x00\x7F"s, "\x00\x7F"s},
        {"\xC2\x80\xDF\xBF", "\xC2\x80\xDF\xBF"},
        {"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF",
         "\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"},
        {"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
        // broken off at the end
        {"a\xC3", "a?"},
        {"a\xE2\x82", "a?"},
        {"a\xF0\x9F\x98", "a?"},
        {"a\xF0\x9F", "a?"},
        // alone, or too large
        {"\x80", "?"},
        {"\xFE\xFF", "??"},
        {"\xF8\x88\x80\x80\x80", "?????"},
        {"\xC3\x28", "?("},
        {"\xE2\x28\xA1", "?(?"},
        {"\xC1\xBF", "??"},
    };
    for (const auto& [bytes, mended] : cases) {
        EXPECT_EQ(mend_utf8(bytes), with_replacements(mended)) << testing::PrintToString(bytes);
        EXPECT_EQ(is_valid_utf8(bytes), bytes == with_replacements(mended)) << testing::PrintToString(bytes);
    }
}

TEST(Utf8, AllThreeJudgesAgreeOnRandomBytes) {
    std::mt19937_64 random(20240817);
    // Bytes near the borders of the classes are the interesting ones.
    constexpr unsigned char kPieces[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                         0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                         0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    std::size_t valid = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text(random() % 80, 'x');
        for (std::size_t edits = random() % 6; edits != 0 && !text.empty(); --edits) {
            text[random() % text.size()] = static_cast<char>(kPieces[random() % std::size(kPieces)]);
        }
        const bool is_valid = is_valid_utf8(text);
        const std::string mended = mend_utf8(text);
        ASSERT_EQ(is_valid, is_utf8(text.data(), text.size())) << testing::PrintToString(text);
        ASSERT_EQ(is_valid, mended == text) << testing::PrintToString(text);
        ASSERT_TRUE(is_valid_utf8(mended)) << testing::PrintToString(text);
        valid += is_valid ? 1 : 0;
    }
    EXPECT_GT(valid, 1000U);
    EXPECT_LT(valid, 199'000U);
}

TEST(Utf8, CutsOnlyBetweenCharacters) {
    const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";  // 1, 2, 3, 4 and 1 bytes
    const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (std::size_t most = 0; most < std::size(ends); ++most) {
        const std::string_view cut = cut_utf8(text, most);
        EXPECT_EQ(cut.size(), ends[most]) << most;
        EXPECT_TRUE(is_valid_utf8(cut)) << most;
    }
}

TEST(Utf8, CuttingWhatIsNotUtf8TakesAwayLittle) {
    const std::string text(100, '\x80');
    for (std::size_t most = 0; most <= text.size(); ++most) {
        const std::string_view cut = cut_utf8(text, most);
        EXPECT_LE(cut.size(), most);
        EXPECT_GE(cut.size() + 3, most);
    }
}

TEST(Utf8, AsciiIsToldFromTheRestAtEveryPlace) {
    for (std::size_t size = 0; size < 1200; size += size < 40 ? 1 : 97) {
        std::string text(size, '\x7F');
        EXPECT_TRUE(is_ascii(text));
        for (std::size_t place = 0; place < size; ++place) {
            text[place] = '\x80';
            ASSERT_FALSE(is_ascii(text)) << place << " of " << size;
            text[place] = '\0';
        }
        EXPECT_TRUE(is_ascii(text));
    }
}

static_assert(is_utf8("caf\xC3\xA9", 5));
static_assert(!is_utf8("caf\xC3", 4));

}  // namespace
}  // namespace judgeval::detail
