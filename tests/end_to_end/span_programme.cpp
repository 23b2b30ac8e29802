// See span_programme.hpp.
#include "end_to_end/span_programme.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

#include "encode/json_view.hpp"

namespace judgeval::end_to_end {
namespace {

using nlohmann::json;

/// SplitMix64: the content of a span needs no better numbers, and they must be the same everywhere.
class Numbers {
  public:
    explicit Numbers(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t value = (state_ += 0x9E3779B97F4A7C15ULL);
        value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
        return value ^ (value >> 31U);
    }
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    bool one_in(std::uint64_t many) { return below(many) == 0; }

  private:
    std::uint64_t state_;
};

using Value = std::variant<bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t,
                           std::uint32_t, std::int64_t, std::uint64_t, float, double, std::string,
                           std::vector<bool>, std::vector<std::int8_t>, std::vector<std::int64_t>,
                           std::vector<std::uint64_t>, std::vector<float>, std::vector<double>,
                           std::vector<std::string>, std::map<std::string, std::vector<int>>>;

struct Happening {
    std::string name;
    std::int64_t index = 0;
    std::string text;
};

struct Content {
    std::uint64_t number = 0;  ///< that it follows from
    std::string name;
    std::string type;
    SpanKind kind = SpanKind::kInternal;
    std::vector<std::pair<std::string, Value>> attributes;
    bool has_literals = false;
    bool is_overwritten = false;
    bool is_renamed = false;
    std::string input;
    std::map<std::string, std::vector<int>> output;
    std::vector<Happening> events;
    bool has_link = false;
    std::string link_trace_state;
    StatusCode status = StatusCode::kUnset;
    std::string status_message;
    std::string exception;
};

std::string make_text(Numbers& numbers) {
    static const std::string kPieces[] = {"plain",
                                          "Grüße",
                                          "日本語",
                                          "🦜",
                                          " ",
                                          "\"quoted\"",
                                          "\\",
                                          "\n\t",
                                          std::string("nul\0inside", 10),
                                          "0123456789abcdef"};
    std::size_t size = numbers.below(12);
    if (numbers.one_in(32)) size = 100 + numbers.below(400);
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += kPieces[numbers.below(std::size(kPieces))];
    return text;
}

template <typename T>
T make_integer(Numbers& numbers) {
    switch (numbers.below(4)) {
        case 0:
            return std::numeric_limits<T>::min();
        case 1:
            return std::numeric_limits<T>::max();
        case 2:
            return 0;
        default:
            return static_cast<T>(numbers.next());
    }
}

template <typename T>
T make_floating(Numbers& numbers) {
    switch (numbers.below(8)) {
        case 0:
            return std::numeric_limits<T>::infinity();
        case 1:
            return -std::numeric_limits<T>::infinity();
        case 2:
            return std::numeric_limits<T>::denorm_min();
        case 3:
            return std::numeric_limits<T>::max();
        case 4:
            return -T{0};
        default:
            return static_cast<T>(numbers.next()) / T{1e9F};
    }
}

template <typename T>
struct Make {
    static T make(Numbers& numbers) {
        if constexpr (std::is_same_v<T, bool>) {
            return numbers.one_in(2);
        } else if constexpr (std::is_integral_v<T>) {
            return make_integer<T>(numbers);
        } else if constexpr (std::is_floating_point_v<T>) {
            return make_floating<T>(numbers);
        } else {
            return make_text(numbers);
        }
    }
};
template <typename T>
struct Make<std::vector<T>> {
    static std::vector<T> make(Numbers& numbers) {
        std::vector<T> values;
        for (std::uint64_t left = numbers.below(5); left != 0; --left)
            values.push_back(Make<T>::make(numbers));
        return values;
    }
};
template <>
struct Make<std::map<std::string, std::vector<int>>> {
    static std::map<std::string, std::vector<int>> make(Numbers& numbers) {
        std::map<std::string, std::vector<int>> values;
        for (std::uint64_t left = numbers.below(4); left != 0; --left) {
            values[make_text(numbers)] = Make<std::vector<int>>::make(numbers);
        }
        return values;
    }
};

template <std::size_t... I>
Value make_any(Numbers& numbers, std::index_sequence<I...>) {
    using Maker = Value (*)(Numbers&);
    static constexpr Maker kMakers[] = {
        [](Numbers& from) -> Value { return Make<std::variant_alternative_t<I, Value>>::make(from); }...};
    return kMakers[numbers.below(sizeof...(I))](numbers);
}

Content make_content(std::uint64_t number) {
    static constexpr std::string_view kTypes[] = {"span", "function", "tool", "llm", "agent", "réponse"};
    Numbers numbers(number);
    Content content;
    content.number = number;
    if (!numbers.one_in(40)) content.name = "step " + std::to_string(numbers.below(1000));
    if (numbers.one_in(20)) content.name += make_text(numbers);
    content.type = kTypes[numbers.below(std::size(kTypes))];
    content.kind = static_cast<SpanKind>(1 + numbers.below(5));
    for (std::uint64_t i = 0, count = numbers.below(7); i < count; ++i) {
        content.attributes.emplace_back(
            "attribute." + std::to_string(i),
            make_any(numbers, std::make_index_sequence<std::variant_size_v<Value>>()));
    }
    if (numbers.one_in(16))
        content.attributes.emplace_back("ключ 🗝", Value(std::string("a key beyond ASCII")));
    if (numbers.one_in(1024)) {
        std::string large;
        while (large.size() < 100 * 1024) large += "one hundred kilobytes, ünd more ";
        content.attributes.emplace_back("large", std::move(large));
    }
    content.has_literals = numbers.one_in(2);
    content.is_overwritten = numbers.one_in(8);
    content.is_renamed = numbers.one_in(16);
    if (numbers.one_in(3)) {
        content.input = "input " + make_text(numbers);
        content.output = {{"answer", Make<std::vector<int>>::make(numbers)}, {make_text(numbers), {}}};
    }
    if (numbers.one_in(4)) {
        for (std::uint64_t left = 1 + numbers.below(3); left != 0; --left) {
            content.events.push_back(
                {"event " + make_text(numbers), make_integer<std::int64_t>(numbers), make_text(numbers)});
        }
    }
    content.has_link = numbers.one_in(8);
    if (content.has_link && numbers.one_in(2)) {
        content.link_trace_state = "vendor=" + std::to_string(numbers.below(1000)) + ",other@system=a:b";
    }
    switch (numbers.below(16)) {
        case 0:
            content.status = StatusCode::kOk;
            break;
        case 1:
            content.status = StatusCode::kError;
            content.status_message = make_text(numbers);
            break;
        case 2:
            if (numbers.one_in(8)) content.exception = "it failed: " + std::string("Überlauf");
            break;
        default:
            break;
    }
    return content;
}

template <typename AnySpan>
void say(const AnySpan& span, const Content& content, const SpanContext& link) {
    if (content.is_overwritten) span.set_attribute("overwritten", "at first");
    for (const auto& [key, value] : content.attributes) {
        std::visit([&span, &key = key](const auto& held) { span.set_attribute(key, held); }, value);
    }
    if (content.has_literals) {
        span.set_attribute("literal.text", "grüßt");
        span.set_attribute("literal.empty", "");
        span.set_attributes({{"literal.true", true}, {"literal.integer", -1}, {"literal.double", 99.99}});
    }
    if (content.is_overwritten) span.set_attribute("overwritten", 2);
    if (content.is_renamed) span.update_name("renamed " + content.name);
    if (!content.input.empty()) {
        span.set_input(content.input);
        span.set_output(content.output);
    }
    for (const Happening& event : content.events) {
        span.add_event(event.name, {{"event.index", event.index}, {"event.text", event.text}});
    }
    if (link.is_valid()) span.add_link(link, {{"link.reason", "comes before"}});
    if (content.status != StatusCode::kUnset) span.set_status(content.status, content.status_message);
    if (!content.exception.empty()) span.record_exception(std::runtime_error(content.exception));
}

/// Records the spans of one trace; remembers each before it ends.
class TraceRecorder {
  public:
    TraceRecorder(const Tracer& tracer, Numbers& numbers, std::vector<RecordedSpan>& records)
        : tracer_(tracer), numbers_(numbers), records_(records) {}

    /// A root with three children of two children each; the second child and its children are detached spans.
    void record() {
        const Content content = next_content();
        const ScopedSpan root = tracer_.span(content.name, {.type = content.type, .kind = content.kind});
        finish(root, content, SpanId{});
        for (int i = 0; i < 3; ++i) record_child(root.context(), i == 1);
    }

  private:
    void record_child(const Context& root, bool is_detached) {
        const Content content = next_content();
        if (is_detached) {
            Span child = tracer_.start_span(content.name, {.type = content.type, .kind = content.kind});
            const Context context = child.context();
            for (int i = 0; i < 2; ++i) record_detached(context);
            finish(child, content, root.span_context().span_id);
            Span moved = std::move(child);
            moved.end();
        } else {
            const ScopedSpan child = tracer_.span(content.name, {.type = content.type, .kind = content.kind});
            finish(child, content, root.span_context().span_id);
            for (int i = 0; i < 2; ++i) record_scoped(child.context());
        }
    }
    void record_detached(const Context& parent) {
        const Content content = next_content();
        Span span = tracer_.start_span(content.name, {.type = content.type, .kind = content.kind}, parent);
        finish(span, content, parent.span_context().span_id);
        const Span moved = std::move(span);
    }
    void record_scoped(const Context& parent) {
        const Content content = next_content();
        const ScopedSpan span = tracer_.span(content.name, {.type = content.type, .kind = content.kind});
        finish(span, content, parent.span_context().span_id);
    }

    Content next_content() { return make_content(numbers_.next()); }

    template <typename AnySpan>
    void finish(const AnySpan& span, const Content& content, const SpanId& parent) {
        RecordedSpan record{content.number, span.context().span_context(), parent, {}};
        if (content.has_link && !records_.empty()) {
            record.link = records_.back().self;
            record.link.trace_state = content.link_trace_state;
        }
        say(span, content, record.link);
        records_.push_back(record);
    }

    const Tracer& tracer_;
    Numbers& numbers_;
    std::vector<RecordedSpan>& records_;
};

json typed_text(std::string_view text) { return {{"string", text}}; }
json typed_double(double value) {
    // By its bits: the sign of zero counts, and nothing is rounded on the way through text.
    return {{"double", std::to_string(std::bit_cast<std::uint64_t>(value))}};
}
json typed_integer(std::int64_t value) { return {{"integer", std::to_string(value)}}; }

template <typename T>
json typed(const T& value);

template <typename T>
json typed_element(const T& value) {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
        // What OTLP cannot carry is cut to the largest value, so that the array stays one of integers.
        return typed_integer(static_cast<std::int64_t>(
            std::min(value, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))));
    } else {
        return typed(value);
    }
}

template <typename T>
json typed(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        return {{"bool", value}};
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
        if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            return typed_text(std::to_string(value));
        }
        return typed_integer(static_cast<std::int64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
        return typed_integer(value);
    } else if constexpr (std::is_floating_point_v<T>) {
        return typed_double(static_cast<double>(value));
    } else if constexpr (std::is_same_v<T, std::string>) {
        return typed_text(value);
    } else if constexpr (std::is_same_v<T, std::map<std::string, std::vector<int>>>) {
        return typed_text(json(value).dump());
    } else {
        json elements = json::array();
        // named: vector<bool> hands out proxies
        for (const auto& element : value) {
            elements.push_back(typed_element(static_cast<const typename T::value_type&>(element)));
        }
        return {{"array", std::move(elements)}};
    }
}

json typed(const encode::AnyValue& value) {
    return std::visit(
        [](const auto& held) -> json {
            using T = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<T, std::string>) {
                return typed_text(held);
            } else if constexpr (std::is_same_v<T, bool>) {
                return {{"bool", held}};
            } else if constexpr (std::is_same_v<T, std::int64_t>) {
                return typed_integer(held);
            } else if constexpr (std::is_same_v<T, double>) {
                return typed_double(held);
            } else if constexpr (std::is_same_v<T, std::vector<encode::AnyValue>>) {
                json elements = json::array();
                for (const auto& element : held) elements.push_back(typed(element));
                return {{"array", std::move(elements)}};
            } else {
                return "a value of a type that is never recorded";
            }
        },
        value.value);
}

/// A stack trace is some text; which one depends on the machine.
constexpr const char* kStackTrace = "exception.stacktrace";
json some_stack_trace() { return typed_text("<a stack trace>"); }

json typed(const encode::Attributes& attributes) {
    json result = json::object();
    for (const encode::KeyValue& attribute : attributes) {
        json value = typed(attribute.value);
        if (attribute.key == kStackTrace && value != typed_text("")) value = some_stack_trace();
        if (result.contains(attribute.key)) value = "this key is there twice";
        result[attribute.key] = std::move(value);
    }
    return result;
}

std::string hex(const SpanId& id) { return id.is_valid() ? id.to_hex() : std::string(); }

}  // namespace

void record_traces(const Tracer& tracer, std::uint64_t seed, std::size_t traces,
                   std::vector<RecordedSpan>& records) {
    Numbers numbers(seed);
    for (std::size_t i = 0; i < traces; ++i) TraceRecorder(tracer, numbers, records).record();
}

std::vector<RecordedSpan> record_traces_on_threads(const Tracer& tracer, std::uint64_t seed,
                                                   std::size_t threads, std::size_t traces) {
    std::vector<std::vector<RecordedSpan>> records(threads);
    {
        std::vector<std::jthread> running;
        for (std::size_t i = 0; i < threads; ++i) {
            running.emplace_back(
                [&, i] { record_traces(tracer, Numbers(seed + i).next(), traces, records[i]); });
        }
    }
    std::vector<RecordedSpan> all;
    for (const auto& part : records) all.insert(all.end(), part.begin(), part.end());
    return all;
}

json expected_span(const RecordedSpan& span) {
    constexpr int kSampledAndRemoteIsKnown = 0x101;
    const Content content = make_content(span.content);
    json attributes = {{"judgment.span_kind", typed_text(content.type)},
                       {"judgment.update_id", typed_integer(0)}};
    for (const auto& [key, value] : content.attributes) {
        attributes[key] = std::visit([](const auto& held) { return typed(held); }, value);
    }
    if (content.has_literals) {
        attributes["literal.text"] = typed_text("grüßt");
        attributes["literal.empty"] = typed_text("");
        attributes["literal.true"] = {{"bool", true}};
        attributes["literal.integer"] = typed_integer(-1);
        attributes["literal.double"] = typed_double(99.99);
    }
    if (content.is_overwritten) attributes["overwritten"] = typed_integer(2);
    if (!content.input.empty()) {
        attributes["judgment.input"] = typed_text(content.input);
        attributes["judgment.output"] = typed(content.output);
    }

    json events = json::array();
    for (const Happening& event : content.events) {
        events.push_back(
            {{"name", event.name},
             {"attributes",
              {{"event.index", typed_integer(event.index)}, {"event.text", typed_text(event.text)}}}});
    }
    std::string status_message = content.status_message;
    StatusCode status = content.status;
    if (!content.exception.empty()) {
        events.push_back({{"name", "exception"},
                          {"attributes",
                           {{"exception.type", typed_text("std::runtime_error")},
                            {"exception.message", typed_text(content.exception)},
                            {kStackTrace, some_stack_trace()}}}});
        status = StatusCode::kError;
        status_message = content.exception;
    }
    json links = json::array();
    if (span.link.is_valid()) {
        links.push_back({{"trace_id", span.link.trace_id.to_hex()},
                         {"span_id", span.link.span_id.to_hex()},
                         {"trace_state", content.link_trace_state},
                         {"flags", kSampledAndRemoteIsKnown},
                         {"attributes", {{"link.reason", typed_text("comes before")}}}});
    }
    return {{"trace_id", span.self.trace_id.to_hex()},
            {"span_id", span.self.span_id.to_hex()},
            {"parent_span_id", hex(span.parent)},
            {"trace_state", ""},
            {"name", (content.is_renamed ? "renamed " : "") + content.name},
            {"kind", static_cast<int>(content.kind)},
            {"flags", kSampledAndRemoteIsKnown},
            {"attributes", std::move(attributes)},
            {"events", std::move(events)},
            {"links", std::move(links)},
            {"status", {{"code", static_cast<int>(status)}, {"message", status_message}}},
            {"dropped", 0}};
}

json received_span(const encode::Span& span) {
    std::uint64_t dropped =
        std::uint64_t{span.dropped_attributes_count} + span.dropped_events_count + span.dropped_links_count;
    json events = json::array();
    for (const encode::Event& event : span.events) {
        dropped += event.dropped_attributes_count;
        events.push_back({{"name", event.name}, {"attributes", typed(event.attributes)}});
    }
    json links = json::array();
    for (const encode::Link& link : span.links) {
        dropped += link.dropped_attributes_count;
        links.push_back({{"trace_id", encode::to_hex(link.trace_id)},
                         {"span_id", encode::to_hex(link.span_id)},
                         {"trace_state", link.trace_state},
                         {"flags", link.flags},
                         {"attributes", typed(link.attributes)}});
    }
    return {{"trace_id", encode::to_hex(span.trace_id)},
            {"span_id", encode::to_hex(span.span_id)},
            {"parent_span_id", encode::to_hex(span.parent_span_id)},
            {"trace_state", span.trace_state},
            {"name", span.name},
            {"kind", span.kind},
            {"flags", span.flags},
            {"attributes", typed(span.attributes)},
            {"events", std::move(events)},
            {"links", std::move(links)},
            {"status", {{"code", static_cast<int>(span.status.code)}, {"message", span.status.message}}},
            {"dropped", dropped}};
}

}  // namespace judgeval::end_to_end
