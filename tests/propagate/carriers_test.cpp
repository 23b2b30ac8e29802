// inject, extract and continue_trace over every kind of carrier. What the headers say is in the tests beside
// this one; what becomes of it in spans, in remote_parent_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "judgeval/judgeval.hpp"

namespace judgeval::test {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Headers = std::map<std::string, std::string>;

const std::string kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const std::string kOther = "00-11111111111111111111111111111111-2222222222222222-00";

/// Of a caller elsewhere, with everything that travels.
Context remote_context() {
    return extract(Headers{{"traceparent", kTraceparent}, {"tracestate", "rojo=1"}, {"baggage", "user=ann"}});
}

/// What a carrier would carry of this context, in the order of names.
Headers headers_of(const Context& context) {
    Headers headers;
    inject(headers, context);
    return headers;
}

template <typename Carrier>
class MapLikeCarriers : public testing::Test {};

struct CaseInsensitiveLess {
    bool operator()(const std::string& a, const std::string& b) const {
        return ::strcasecmp(a.c_str(), b.c_str()) < 0;
    }
};

using MapLike = testing::Types<
    std::map<std::string, std::string>, std::map<std::string, std::string, std::less<>>,
    std::map<std::string, std::string, CaseInsensitiveLess>, std::unordered_map<std::string, std::string>,
    std::multimap<std::string, std::string>, std::multimap<std::string, std::string, CaseInsensitiveLess>,
    std::unordered_multimap<std::string, std::string>, std::vector<std::pair<std::string, std::string>>,
    std::deque<std::pair<std::string, std::string>>>;
TYPED_TEST_SUITE(MapLikeCarriers, MapLike);

TYPED_TEST(MapLikeCarriers, CarryAContextThereAndBack) {
    TypeParam carrier;
    inject(carrier, remote_context());
    EXPECT_THAT(carrier, UnorderedElementsAre(Pair("traceparent", kTraceparent), Pair("tracestate", "rojo=1"),
                                              Pair("baggage", "user=ann")));
    const Context context = extract(carrier);
    EXPECT_TRUE(context.is_valid());
    EXPECT_TRUE(context.span_context().is_remote);
    EXPECT_EQ(headers_of(context), headers_of(remote_context()));
}

TYPED_TEST(MapLikeCarriers, AreReadInAnyCase) {
    const TypeParam carrier = {
        {"Host", "here"}, {"TraceParent", kTraceparent}, {"TRACESTATE", "rojo=1"}, {"bAGGAGE", "user=ann"}};
    EXPECT_EQ(headers_of(extract(carrier)), headers_of(remote_context()));
    const ContextScope scope = continue_trace(carrier);
    Headers current;
    inject(current);
    EXPECT_EQ(current, headers_of(remote_context()));
}

TYPED_TEST(MapLikeCarriers, HeadersThatAreThereAreReplaced) {
    TypeParam carrier = {
        {"X-Traceparent", "x"}, {"Traceparent", kOther}, {"TraceState", "old=1"}, {"baggage", "user=bob"}};
    inject(carrier, remote_context());
    EXPECT_THAT(carrier, UnorderedElementsAre(Pair("X-Traceparent", "x"), Pair("traceparent", kTraceparent),
                                              Pair("tracestate", "rojo=1"), Pair("baggage", "user=ann")));
    // Nothing of another request's is left in a carrier that is used again.
    inject(carrier, extract(Headers{{"traceparent", kOther}}));
    EXPECT_THAT(carrier, UnorderedElementsAre(Pair("X-Traceparent", "x"), Pair("traceparent", kOther)));
}

TYPED_TEST(MapLikeCarriers, AreLeftAloneOutsideOfAnySpan) {
    TypeParam carrier = {{"traceparent", kOther}, {"tracestate", "old=1"}, {"baggage", "user=bob"}};
    const TypeParam before = carrier;
    inject(carrier);
    EXPECT_EQ(carrier, before);
    inject(carrier, Context());
    EXPECT_EQ(carrier, before);
}

TEST(Carriers, SeveralHeadersOfOneNameAreJoined) {
    const std::multimap<std::string, std::string> carrier = {
        {"traceparent", kTraceparent}, {"tracestate", "a=1"}, {"tracestate", ""},    {"tracestate", "b=2"},
        {"baggage", "x=1,y=2"},        {"baggage", "z=3"},    {"baggage", "broken"},
    };
    EXPECT_EQ(
        headers_of(extract(carrier)),
        (Headers{{"traceparent", kTraceparent}, {"tracestate", "a=1,b=2"}, {"baggage", "x=1,y=2,z=3"}}));
}

TEST(Carriers, OfTwoTraceparentsNoneCounts) {
    const std::string future = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
    for (const std::string& one : {kTraceparent, future}) {
        for (const std::string& other : {kTraceparent, kOther, future}) {
            const std::vector<std::pair<std::string, std::string>> carrier = {{"traceparent", one},
                                                                              {"Traceparent", other}};
            EXPECT_FALSE(extract(carrier).is_valid()) << one << ' ' << other;
        }
    }
}

TEST(Carriers, AMalformedTraceparentGivesNoParentButBaggageStands) {
    for (const std::string& text :
         {std::string(), std::string("00"), kTraceparent.substr(1), std::string(10'000, 'a')}) {
        const Context context =
            extract(Headers{{"traceparent", text}, {"tracestate", "a=1"}, {"baggage", "user=ann"}});
        EXPECT_FALSE(context.is_valid());
        EXPECT_EQ(context.span_context().trace_state, "") << "no tracestate without its traceparent";
        EXPECT_EQ(headers_of(context), (Headers{{"baggage", "user=ann"}}));
    }
}

TEST(Carriers, AMalformedTracestateOrBaggageSpoilsNothingElse) {
    const Headers carrier = {{"traceparent", kTraceparent}, {"tracestate", "A=1"}, {"baggage", "\r\n"}};
    EXPECT_EQ(headers_of(extract(carrier)), (Headers{{"traceparent", kTraceparent}}));
}

TEST(Carriers, ATracestateOfTheProgramsOwnIsCheckedOnItsWayOut) {
    SpanContext span_context = extract(Headers{{"traceparent", kTraceparent}}).span_context();
    span_context.trace_state = "a=1, b=2";
    EXPECT_EQ(headers_of(Context(span_context)).at("tracestate"), "a=1,b=2");
    span_context.trace_state = "a=1\r\nX-Injected: 1";
    EXPECT_EQ(headers_of(Context(span_context)), (Headers{{"traceparent", kTraceparent}}));
}

TEST(Carriers, ASetterIsCalledForEachHeaderThereIs) {
    std::vector<std::pair<std::string, std::string>> seen;
    inject([&](std::string_view name, std::string_view value) { seen.emplace_back(name, value); },
           remote_context());
    EXPECT_THAT(seen, ElementsAre(Pair("traceparent", kTraceparent), Pair("tracestate", "rojo=1"),
                                  Pair("baggage", "user=ann")));

    Headers headers;
    const auto setter = [&](const std::string& name, std::string value) { headers[name] = std::move(value); };
    inject(setter, extract(Headers{{"traceparent", kOther}}));
    EXPECT_EQ(headers, (Headers{{"traceparent", kOther}}));
    inject([&](auto...) { ADD_FAILURE() << "there is nothing to set"; });
}

TEST(Carriers, AGetterMayReturnTextOrWhatHoldsText) {
    const Headers headers = headers_of(remote_context());
    const auto find = [&](std::string_view name) -> const std::string* {
        const auto found = headers.find(std::string(name));
        return found != headers.end() ? &found->second : nullptr;
    };
    const auto expect_all = [&](auto&& getter) { EXPECT_EQ(headers_of(extract(getter)), headers); };
    expect_all(find);
    expect_all([&](std::string_view name) { return *find(name); });
    expect_all([&](const std::string& name) -> const std::string& { return *find(name); });
    expect_all([&](const char* name) { return find(name)->c_str(); });
    expect_all([&](std::string_view name) { return std::string_view(*find(name)); });
    expect_all([&](std::string_view name) { return std::optional<std::string>(*find(name)); });
    expect_all([&](std::string_view name) { return std::optional<std::string_view>(*find(name)); });
    expect_all(
        std::function<std::string(const std::string&)>([&](const std::string& name) { return *find(name); }));

    EXPECT_FALSE(extract([](std::string_view) { return std::optional<std::string>(); }).is_valid());
    EXPECT_FALSE(
        extract([](std::string_view) { return static_cast<const std::string*>(nullptr); }).is_valid());
    EXPECT_FALSE(extract([](std::string_view) -> const char* { return nullptr; }).is_valid());
    EXPECT_FALSE(extract([](std::string_view) { return std::string(); }).is_valid());
}

TEST(Carriers, WhatACarrierThrowsStaysInside) {
    inject([](std::string_view, std::string_view) { throw std::runtime_error("full"); }, remote_context());
    EXPECT_FALSE(
        extract([](std::string_view) -> std::string { throw std::runtime_error("gone"); }).is_valid());
    const ContextScope scope = continue_trace([](std::string_view) -> std::string { throw 7; });
    EXPECT_FALSE(Tracer().current_context().is_valid());
}

TEST(Carriers, ContinueTraceHidesWhatWasCurrent) {
    const ContextScope outer(remote_context());
    {
        const ContextScope inner = continue_trace(Headers{});
        EXPECT_FALSE(Tracer().current_context().is_valid());
        Headers headers;
        inject(headers);
        EXPECT_EQ(headers, Headers{});
    }
    EXPECT_EQ(headers_of(Tracer().current_context()), headers_of(remote_context()));
}

template <typename Carrier>
constexpr bool kIsCarrier = OutgoingCarrier<Carrier> || IncomingCarrier<Carrier>;

static_assert(!kIsCarrier<int> && !kIsCarrier<std::string> && !kIsCarrier<std::vector<std::string>> &&
              !kIsCarrier<std::map<std::string, int>>);
static_assert(IncomingCarrier<std::map<std::string_view, const char*>>);
static_assert(IncomingCarrier<Headers> && OutgoingCarrier<Headers> && !OutgoingCarrier<const Headers>);
static_assert(noexcept(inject(std::declval<Headers&>())) && noexcept(extract(std::declval<Headers&>())));

}  // namespace
}  // namespace judgeval::test
