// traceparent: what W3C Trace Context level 2 has one take, and what it has one ignore.
#include "propagate/traceparent.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace judgeval::test {
namespace {

using detail::kTraceparentBytes;

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kParent = "b7ad6b7169203331";

std::string header(const std::string& version, const std::string& flags, const std::string& more = "") {
    return version + "-" + kTrace + "-" + kParent + "-" + flags + more;
}

std::optional<SpanIdentity> parsed(const std::string& header) {
    SpanIdentity identity;
    return detail::parse_traceparent(header, identity) ? std::optional(identity) : std::nullopt;
}

std::string formatted(const SpanIdentity& identity) {
    std::array<char, kTraceparentBytes> text;
    detail::format_traceparent(identity, text);
    return {text.data(), text.size()};
}

TEST(Traceparent, SaysWhichSpanCalls) {
    const auto identity = parsed(header("00", "01"));
    ASSERT_TRUE(identity.has_value());
    EXPECT_EQ(identity->trace_id.to_hex(), kTrace);
    EXPECT_EQ(identity->span_id.to_hex(), kParent);
    EXPECT_EQ(identity->trace_flags, 1);
    EXPECT_TRUE(identity->is_remote);
    EXPECT_FALSE(identity->is_shed);
}

TEST(Traceparent, OfTheFlagsThoseThatAreDefinedCount) {
    const std::vector<std::pair<std::string, int>> flags = {{"00", 0}, {"01", 1}, {"02", 2}, {"03", 3},
                                                            {"ff", 3}, {"fc", 0}, {"09", 1}};
    for (const auto& [digits, expected] : flags) {
        for (const std::string version : {"00", "cc"}) {
            const auto identity = parsed(header(version, digits));
            ASSERT_TRUE(identity.has_value()) << version << digits;
            EXPECT_EQ(identity->trace_flags, expected) << version << digits;
        }
    }
}

TEST(Traceparent, IsTaken) {
    for (const std::string& text :
         {header("01", "01"), header("cc", "01", "-what-the-future-will-be-like"), header("fe", "01", "-"),
          std::string(" ") + header("00", "01"), header("00", "01") + "\t",
          std::string("\t  ") + header("00", "01") + " \t"}) {
        EXPECT_TRUE(parsed(text).has_value()) << text;
    }
}

TEST(Traceparent, IsIgnored) {
    const std::string zeros(32, '0');
    const std::vector<std::string> ignored = {
        "",
        "-",
        "00",
        "00-",
        kTrace,
        header("ff", "01"),
        header("0F", "01"),
        header("0", "01"),
        header("000", "01"),
        header(".0", "01"),
        header("00", "01", "-"),
        header("00", "01", "-what"),
        header("00", "01", "."),
        header("00", "01", "0"),
        header("cc", "01", ".what-the-future-will-not-be-like"),
        header("cc", "01", "0"),
        header("00", "1"),
        header("00", "0A"),
        header("00", ".0"),
        header("00", "0."),
        header("00", "001"),
        "00-" + zeros + "-" + kParent + "-01",
        "00-" + kTrace + "-" + zeros.substr(16) + "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" + kParent + "-01",
        "00-" + kTrace + "-B7AD6B7169203331-01",
        "00-.af7651916cd43dd8448eb211c80319c-" + kParent + "-01",
        "00-" + kTrace + "-b7ad6b716920333.-01",
        "00-" + kTrace + "0-" + kParent + "-01",
        "00-" + kTrace.substr(1) + "-" + kParent + "-01",
        "00_" + kTrace + "-" + kParent + "-01",
        "00-" + kTrace + "_" + kParent + "-01",
        "00-" + kTrace + "-" + kParent + "_01",
        header("00", "01") + "," + header("00", "01"),
        header("cc", "01", "-more,") + header("00", "01"),
        header("cc", "01") + "," + header("cc", "01"),
        header("00", "01") + "\n",
        std::string("00-\0af7651916cd43dd8448eb211c80319c", 35) + "-" + kParent + "-01",
    };
    for (const std::string& text : ignored) EXPECT_FALSE(parsed(text).has_value()) << text;
}

TEST(Traceparent, EveryByteButALowerCaseDigitSpoilsAnId) {
    const std::string good = header("00", "01");
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string text = good;
            text[at] = static_cast<char>(byte);
            const bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            const bool is_expected = good[at] == '-' ? byte == '-' : is_digit;
            EXPECT_EQ(parsed(text).has_value(), is_expected) << at << ' ' << byte;
        }
    }
}

TEST(Traceparent, IsWrittenInVersionZero) {
    auto identity = parsed(header("cc", "ff", "-more"));
    ASSERT_TRUE(identity.has_value());
    EXPECT_EQ(formatted(*identity), header("00", "03"));
    identity->trace_flags = 0xFF;
    EXPECT_EQ(formatted(*identity), header("00", "03")) << "other flags are to be zero";
    identity->is_shed = true;
    EXPECT_EQ(formatted(*identity), header("00", "02")) << "what this process gave up it does not record";
}

}  // namespace
}  // namespace judgeval::test
