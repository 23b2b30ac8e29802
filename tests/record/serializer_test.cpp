// Values of all kinds as JSON, the user's own serializers, and the nlohmann adapter.
#include "judgeval/serializer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "judgeval/json.hpp"
#include "record/recorder.hpp"

namespace shop {

struct Order {
    int id = 0;
    std::vector<std::string> items;
};

struct Customer {
    std::string name;
    int age = 0;
};
inline void to_json(nlohmann::json& json, const Customer& customer) {
    json = {{"name", customer.name}, {"age", customer.age}};
}

struct Opaque {};
struct Explosive {};

}  // namespace shop

template <>
struct judgeval::Serializer<shop::Order> {
    static void write(JsonWriter& json, const shop::Order& order) {
        json.begin_object();
        json.key("id");
        json.integer(order.id);
        json.key("items");
        detail::write_json(json, order.items);
        json.end_object();
    }
};

template <>
struct judgeval::Serializer<shop::Explosive> {
    static void write(JsonWriter& json, const shop::Explosive&) {
        json.begin_array();
        json.string("half written");
        throw std::runtime_error("no");
    }
};

namespace judgeval::test {
namespace {

template <typename T>
std::string json_of(const T& value) {
    Recorder recorder;
    recorder.tracer.start_span("json").set_attribute("value", AttributeValue::json(value));
    return text_of(recorder.take_one().attributes, "value");
}

TEST(Serializer, WritesWhatTheLanguageOffers) {
    enum class Level : std::uint8_t { kHigh = 200 };
    EXPECT_EQ(json_of(true), "true");
    EXPECT_EQ(json_of(-7), "-7");
    EXPECT_EQ(json_of(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
    EXPECT_EQ(json_of(1.5), "1.5");
    EXPECT_EQ(json_of(3.0), "3.0");
    EXPECT_EQ(json_of(std::nan("")), "null");
    EXPECT_EQ(json_of(-std::numeric_limits<double>::infinity()), "null");
    EXPECT_EQ(json_of(Level::kHigh), "200");
    EXPECT_EQ(json_of(std::string("te\"xt\\\n\x01")), R"("te\"xt\\\n\u0001")");
    EXPECT_EQ(json_of(nullptr), "null");
    EXPECT_EQ(json_of(std::chrono::milliseconds(1500)), "1.5");
}

TEST(Serializer, WritesContainers) {
    EXPECT_EQ(json_of(std::vector<int>{1, 2}), "[1,2]");
    EXPECT_EQ(json_of(std::vector<bool>{true, false}), "[true,false]");
    EXPECT_EQ(json_of(std::list<std::string>{}), "[]");
    EXPECT_EQ(json_of(std::set<int>{2, 1}), "[1,2]");
    EXPECT_EQ(json_of(std::map<std::string, int>{{"a", 1}, {"b", 2}}), R"({"a":1,"b":2})");
    EXPECT_EQ(json_of(std::map<int, int>{{1, 2}}), "[[1,2]]");
    EXPECT_EQ(json_of(std::pair(1, std::string("x"))), R"([1,"x"])");
    EXPECT_EQ(json_of(std::tuple(1, 2.5, false)), "[1,2.5,false]");
    EXPECT_EQ(json_of(std::tuple<>()), "[]");
    EXPECT_EQ(json_of(std::optional<int>{}), "null");
    EXPECT_EQ(json_of(std::optional<int>{4}), "4");
    EXPECT_EQ(json_of(std::make_unique<int>(5)), "5");
    EXPECT_EQ(json_of(std::shared_ptr<int>()), "null");
    int number = 6;
    EXPECT_EQ(json_of(&number), "6");
    EXPECT_EQ(json_of(static_cast<const char*>(nullptr)), "null");
    EXPECT_EQ(json_of(std::variant<int, std::string>("v")), R"("v")");
    EXPECT_EQ(json_of(std::variant<std::monostate, int>()), "null");
    const std::map<std::string, std::vector<std::optional<std::pair<int, std::string>>>> nested = {
        {"key", {std::pair(1, std::string("a")), std::nullopt}}, {"none", {}}};
    EXPECT_EQ(json_of(nested), R"({"key":[[1,"a"],null],"none":[]})");
}

TEST(Serializer, NamesTheTypeOfWhatItDoesNotKnow) {
    EXPECT_EQ(json_of(shop::Opaque{}), R"("shop::Opaque")");
    EXPECT_EQ(json_of(std::vector<shop::Opaque>(2)), R"(["shop::Opaque","shop::Opaque"])");
}

TEST(Serializer, IsExtendedByTheUser) {
    EXPECT_EQ(json_of(shop::Order{7, {"tea", "milk"}}), R"({"id":7,"items":["tea","milk"]})");
    EXPECT_EQ(json_of(std::vector<shop::Order>{{1, {}}}), R"([{"id":1,"items":[]}])");
}

TEST(Serializer, TakesNlohmannJsonAndTypesWithToJson) {
    EXPECT_EQ(json_of(nlohmann::json{{"a", {1, nullptr, "x"}}}), R"({"a":[1,null,"x"]})");
    EXPECT_EQ(json_of(nlohmann::ordered_json{{"b", 1}, {"a", {1, nullptr, "x"}}}),
              R"({"b":1,"a":[1,null,"x"]})");
    EXPECT_EQ(json_of(shop::Customer{"Ada", 36}), R"({"age":36,"name":"Ada"})");
    EXPECT_EQ(json_of(std::vector<shop::Customer>{{"Ada", 36}}), R"([{"age":36,"name":"Ada"}])");
    EXPECT_EQ(json_of(nlohmann::json("\xFF")), "\"\xEF\xBF\xBD\"");
}

TEST(Serializer, MayBeReachedAsAPlainAttribute) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("json");
        span.set_attribute("order", shop::Order{1, {}});
        span.set_attribute("customer", shop::Customer{"Ada", 36});
        span.set_attribute("json", nlohmann::json{1, 2});
        span.set_input(shop::Order{2, {}});
        span.set_output(std::map<std::string, int>{{"a", 1}});
        span.add_event("event", {{"order", shop::Order{3, {}}}});
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(text_of(span.attributes, "order"), R"({"id":1,"items":[]})");
    EXPECT_EQ(text_of(span.attributes, "customer"), R"({"age":36,"name":"Ada"})");
    EXPECT_EQ(text_of(span.attributes, "json"), "[1,2]");
    EXPECT_EQ(text_of(span.attributes, "judgment.input"), R"({"id":2,"items":[]})");
    EXPECT_EQ(text_of(span.attributes, "judgment.output"), R"({"a":1})");
    ASSERT_EQ(span.events.size(), 1U);
    EXPECT_EQ(text_of(span.events[0].attributes, "order"), R"({"id":3,"items":[]})");
}

TEST(Serializer, ThatThrowsCostsOnlyItsAttribute) {
    Recorder recorder;
    {
        auto span = recorder.tracer.span("throwing");
        span.set_attribute("before", 1);
        span.set_attribute("explosive", shop::Explosive{});
        span.set_output(std::vector<shop::Explosive>(3));
        span.set_attribute("after", 2);
        span.add_event("event", {{"explosive", shop::Explosive{}}, {"kept", 1}});
    }
    const auto span = recorder.take_one();
    EXPECT_EQ(span.attributes.size(), 4U);
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "before"), 1);
    EXPECT_EQ(value_of<std::int64_t>(span.attributes, "after"), 2);
    EXPECT_EQ(span.dropped_attributes_count, 2U);
    EXPECT_EQ(recorder.totals().dropped_attributes, 2U);
    ASSERT_EQ(span.events.size(), 1U);
    EXPECT_EQ(span.events[0].dropped_attributes_count, 1U);
    EXPECT_EQ(value_of<std::int64_t>(span.events[0].attributes, "kept"), 1);
}

TEST(JsonWriter, EscapesWhateverAParserReadsBack) {
    for (int byte = 0; byte < 128; ++byte) {
        const std::string text = std::string("a") + static_cast<char>(byte) + "b";
        EXPECT_EQ(nlohmann::json::parse(json_of(text)).get<std::string>(), text) << byte;
    }
    const double numbers[] = {0.0, -0.0, 0.1, 1e300, 5e-324, 1e15, 1e16, 123456789.125};
    for (const double number : numbers) {
        const auto parsed = nlohmann::json::parse(json_of(number));
        EXPECT_TRUE(parsed.is_number_float()) << parsed;
        EXPECT_EQ(parsed.get<double>(), number);
    }
}

TEST(JsonWriter, CutsAtTheLimitBetweenCharactersAndCounts) {
    for (std::size_t limit = 4096; limit < 4104; ++limit) {
        RecorderOptions options;
        options.limits.attribute_value_bytes = limit;
        Recorder recorder(options);
        const std::string text = std::string(limit - 2, 'x') + "\xE2\x82\xAC";
        recorder.tracer.start_span("cut").set_attribute("value", AttributeValue::json(text));
        const auto span = recorder.take_one();
        EXPECT_LE(text_of(span.attributes, "value").size(), limit);
        EXPECT_GE(text_of(span.attributes, "value").size() + 4, limit);
        EXPECT_EQ(recorder.totals().truncated_values, 1U);
    }
}

}  // namespace
}  // namespace judgeval::test
