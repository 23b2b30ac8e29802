// The JSON views show what was read, however odd, and never throw.
#include "encode/json_view.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "encode/otlp_builder.hpp"

namespace judgeval::encode {
namespace {

using nlohmann::json;

TEST(JsonView, KeepsTypesOfValues) {
    const Attributes attributes{
        {"text", {std::string{"héllo"}}},
        {"yes", {true}},
        {"small", {std::numeric_limits<std::int64_t>::min()}},
        {"number", {0.1}},
        {"bytes", {Bytes{std::string{"\x00\xff", 2}}}},
        {"array", {std::vector<AnyValue>{{std::int64_t{1}}, {std::string{"two"}}, {}}}},
        {"list", {std::vector<KeyValue>{{"inner", {false}}}}},
    };
    EXPECT_EQ(json_view(attributes), json::parse(R"({
        "text": "héllo", "yes": true, "small": -9223372036854775808, "number": 0.1, "bytes": "00ff",
        "array": [1, "two", null], "list": {"inner": false}})"));
}

TEST(JsonView, ShowsNumbersThatJsonHasNot) {
    const double infinity = std::numeric_limits<double>::infinity();
    const Attributes attributes{
        {"nan", {std::numeric_limits<double>::quiet_NaN()}}, {"up", {infinity}}, {"down", {-infinity}}};
    EXPECT_EQ(to_text(json_view(attributes)), R"({"down":"-Infinity","nan":"NaN","up":"Infinity"})");
}

TEST(JsonView, ShowsTextThatIsNotUtf8) {
    const Attributes attributes{{"bad\xff", {std::string{"\xc0\xaf"}}}};
    EXPECT_NO_THROW({
        const std::string text = to_text(json_view(attributes));
        EXPECT_FALSE(json::parse(text, nullptr, false).is_discarded()) << text;
    });
}

TEST(JsonView, TheLastOfTwoValuesOfAKeyIsShown) {
    EXPECT_EQ(json_view(Attributes{{"key", {std::int64_t{1}}}, {"key", {std::int64_t{2}}}}),
              (json{{"key", 2}}));
}

TEST(JsonView, ShowsASpan) {
    const std::string bytes = test::span_message({.parent_span_id = test::span_id_of(2), .error = "broken"});
    const json view = json_view(*read_span(bytes).message);
    EXPECT_EQ(view.at("trace_id"), "11111111111111110000000000000001");
    EXPECT_EQ(view.at("span_id"), "0000000000000001");
    EXPECT_EQ(view.at("parent_span_id"), "0000000000000002");
    EXPECT_EQ(view.at("name"), "work");
    EXPECT_EQ(view.at("start_time_unix_nano"), 1'000'000'000);
    EXPECT_EQ(view.at("flags"), 0x100);
    EXPECT_EQ(view.at("status"), (json{{"code", "error"}, {"message", "broken"}}));
    EXPECT_EQ(view.at("attributes"), (json{{"judgment.span_kind", "function"}, {"judgment.update_id", 0}}));
    EXPECT_EQ(json_view(*read_span(test::span_message({})).message).at("parent_span_id"), nullptr);
}

TEST(JsonView, ShowsAnUnknownStatusCodeAsItsNumber) {
    Span span;
    span.status.code = static_cast<StatusCode>(17);
    EXPECT_EQ(json_view(span).at("status").at("code"), 17);
    EXPECT_EQ(json_view(span).at("trace_id"), nullptr);
}

}  // namespace
}  // namespace judgeval::encode
