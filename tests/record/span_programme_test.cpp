// A differential test: random programmes of calls on spans, run through the library and through a plain model
// of it; what the receiver reads must be what the model holds. A failing seed is named;
// JUDGEVAL_PROGRAMME_SEED=<n> runs that one alone.
#include "record/span_programme.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace judgeval::test {
namespace {

class RandomChoices {
  public:
    explicit RandomChoices(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    std::uint64_t bits() { return random_(); }
    /// Letters, one in four times with a few bytes that may be anything.
    std::string bytes(std::size_t size) {
        std::string made(size, 'x');
        for (char& c : made) c = static_cast<char>('a' + below(26));
        if (below(4) == 0) {
            for (std::uint64_t edits = below(4); edits != 0 && size != 0; --edits) {
                made[below(size)] = static_cast<char>(below(256));
            }
        }
        return made;
    }

  private:
    std::mt19937_64 random_;
};

std::string mended(const std::string& bytes) { return detail::mend_utf8(bytes); }
Value mended(const Value& value) {
    if (const auto* const bytes = std::get_if<std::string>(&value)) return mended(*bytes);
    if (const auto* const texts = std::get_if<std::vector<std::string>>(&value)) {
        std::vector<std::string> result;
        for (const auto& element : *texts) result.push_back(mended(element));
        return result;
    }
    return value;
}

template <typename Element>
bool is_array_of(const std::vector<encode::AnyValue>& array, const std::vector<Element>& expected) {
    if (array.size() != expected.size()) return false;
    for (std::size_t i = 0; i < array.size(); ++i) {
        const auto* const element = std::get_if<Element>(&array[i].value);
        if (element == nullptr || *element != expected[i]) return false;
    }
    return true;
}
bool is_array_of(const std::vector<encode::AnyValue>& array, const std::vector<double>& expected) {
    if (array.size() != expected.size()) return false;
    for (std::size_t i = 0; i < array.size(); ++i) {
        const auto* const element = std::get_if<double>(&array[i].value);
        if (element == nullptr ||
            std::bit_cast<std::uint64_t>(*element) != std::bit_cast<std::uint64_t>(expected[i])) {
            return false;
        }
    }
    return true;
}

bool is(const encode::AnyValue& any, const Value& expected) {
    return std::visit(
        [&any](const auto& held) {
            using T = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<T, double>) {
                const auto* const found = std::get_if<T>(&any.value);
                return found != nullptr &&
                       std::bit_cast<std::uint64_t>(*found) == std::bit_cast<std::uint64_t>(held);
            } else if constexpr (requires { held.begin(); } && !std::is_same_v<T, std::string>) {
                const auto* const found = std::get_if<std::vector<encode::AnyValue>>(&any.value);
                return found != nullptr && is_array_of(*found, held);
            } else {
                const auto* const found = std::get_if<T>(&any.value);
                return found != nullptr && *found == held;
            }
        },
        mended(expected));
}

void compare(const encode::Attributes& read_back, const Values& expected) {
    EXPECT_TRUE(keys_are_unique(read_back));
    EXPECT_EQ(read_back.size(), expected.size());
    for (const auto& [key, value] : expected) {
        const encode::AnyValue* const found = encode::find_attribute(read_back, key);
        ASSERT_NE(found, nullptr) << key;
        EXPECT_TRUE(key == "exception.stacktrace" || is(*found, value)) << key;
    }
}

void compare(const encode::Span& span, const SpanModel& model) {
    EXPECT_EQ(span.trace_id, bytes_of(model.self.trace_id));
    EXPECT_EQ(span.parent_span_id, model.parent.is_valid() ? bytes_of(model.parent) : "");
    EXPECT_EQ(span.kind, static_cast<int>(model.kind));
    EXPECT_EQ(span.name, mended(model.name));
    Values attributes = model.attributes;
    attributes["judgment.span_kind"] = model.type;
    attributes["judgment.update_id"] = std::int64_t{0};
    compare(span.attributes, attributes);
    EXPECT_EQ(span.dropped_attributes_count, model.dropped_attributes);
    EXPECT_EQ(span.dropped_events_count, model.dropped_events);
    EXPECT_EQ(span.dropped_links_count, model.dropped_links);
    ASSERT_EQ(span.events.size(), model.events.size());
    for (std::size_t i = 0; i < model.events.size(); ++i) {
        EXPECT_EQ(span.events[i].name, mended(model.events[i].name));
        compare(span.events[i].attributes, model.events[i].attributes);
        EXPECT_EQ(span.events[i].dropped_attributes_count, model.events[i].dropped_attributes);
    }
    ASSERT_EQ(span.links.size(), model.links.size());
    for (std::size_t i = 0; i < model.links.size(); ++i) {
        EXPECT_EQ(span.links[i].trace_id, bytes_of(model.links[i].linked.trace_id));
        EXPECT_EQ(span.links[i].span_id, bytes_of(model.links[i].linked.span_id));
        EXPECT_EQ(span.links[i].trace_state, model.links[i].linked.trace_state);
        compare(span.links[i].attributes, model.links[i].attributes);
        EXPECT_EQ(span.links[i].dropped_attributes_count, model.links[i].dropped_attributes);
    }
    EXPECT_EQ(static_cast<int>(span.status.code), static_cast<int>(model.status));
    EXPECT_EQ(span.status.message, mended(model.description));
}

void run(std::uint64_t seed) {
    RandomChoices choices(seed);
    RecorderOptions options;
    options.limits.attribute_count = choices.below(3) == 0 ? 8 : 128;
    options.limits.event_count = options.limits.link_count = choices.below(3) == 0 ? 2 : 128;
    Recorder recorder(options);
    SpanProgramme programme(choices, recorder, options.limits);
    programme.run();
    std::map<std::string, const SpanModel*> models;
    for (const SpanModel& model : programme.models()) models[bytes_of(model.self.span_id)] = &model;
    const auto spans = read_records(programme.records() + recorder.take_records());
    ASSERT_EQ(spans.size(), models.size());
    for (const auto& span : spans) {
        ASSERT_TRUE(models.contains(span.span_id));
        compare(span, *models[span.span_id]);
        models.erase(span.span_id);
    }
}

TEST(SpanProgramme, RandomOnesAreReadBackAsRecorded) {
    const char* const only = std::getenv("JUDGEVAL_PROGRAMME_SEED");
    const std::uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
    const std::uint64_t count = only != nullptr ? 1 : 1000;
    for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed) {
        SCOPED_TRACE("replay with JUDGEVAL_PROGRAMME_SEED=" + std::to_string(seed) +
                     " test_record --gtest_filter=SpanProgramme.*");
        run(seed);
    }
}

}  // namespace
}  // namespace judgeval::test
