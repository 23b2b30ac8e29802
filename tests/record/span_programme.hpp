// Programmes of calls on spans, run through the library and through a plain model of it: what a receiver
// reads must be what the model holds.
//
// Where the choices come from is the caller's: random numbers in the tests, libFuzzer's bytes in fuzz/. A
// programme runs on one thread (a span may end on another, which it waits for). The model keeps texts as they
// were given, mending and cutting them is the comparison's; keys it mends, since they tell attributes apart.
#pragma once

#include <deque>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "judgeval/judgeval.hpp"
#include "record/recorder.hpp"
#include "record/utf8.hpp"

namespace judgeval::test {

using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<bool>,
                           std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;
using Values = std::map<std::string, Value>;

struct EventModel {
    std::string name;
    Values attributes;
    std::uint32_t dropped_attributes = 0;
};

struct LinkModel {
    SpanContext linked;
    Values attributes;
    std::uint32_t dropped_attributes = 0;
};

struct SpanModel {
    SpanContext self;
    SpanId parent;  ///< invalid for a root
    SpanKind kind = SpanKind::kInternal;
    std::string name;
    Value type;  ///< judgment.span_kind, which does not count towards the limit
    Values attributes;
    std::vector<EventModel> events;
    std::vector<LinkModel> links;
    std::uint32_t dropped_attributes = 0;
    std::uint32_t dropped_events = 0;
    std::uint32_t dropped_links = 0;
    StatusCode status = StatusCode::kUnset;
    std::string description;
};

/// `Choices` has `below(limit)`, a number from 0; `bits()`, any 64; `bytes(size)`, a text of so many. When it
/// is exhausted it gives zeros, on which a programme ends.
template <typename Choices>
class SpanProgramme {
  public:
    SpanProgramme(Choices& choices, Recorder& recorder, const SpanLimits& limits)
        : choices_(choices), recorder_(recorder), limits_(limits) {}

    /// One to three traces. All spans have ended when it returns.
    void run() {
        for (std::uint64_t traces = 1 + below(3); traces != 0; --traces) {
            run_scoped(1);
            detached_.clear();
        }
    }

    [[nodiscard]] const std::deque<SpanModel>& models() const { return models_; }
    /// What was collected while the programme ran; the rest is still the recorder's.
    [[nodiscard]] const std::string& records() const { return records_; }

  private:
    struct Detached {
        Span span;
        SpanModel* model;
    };

    static constexpr std::uint64_t kDeepest = 5;

    std::uint64_t below(std::uint64_t limit) { return choices_.below(limit); }
    std::int64_t integer() { return static_cast<std::int64_t>(choices_.bits() >> below(64)); }

    std::string text() {
        static constexpr std::size_t kSizes[] = {0,  1,  3,   8,   17,  31,   32,    33,
                                                 64, 65, 127, 128, 600, 5000, 40'000};
        std::string made = choices_.bytes(kSizes[below(below(20) == 1 ? std::size(kSizes) : 12)]);
        if (below(4) == 1) made += "\xE2\x82\xAC\xF0\x9F\x98\x80";
        return made;
    }

    /// Few keys, so that they meet again; some are long, some share a prefix, some are not UTF-8 and the same
    /// once mended, some are the library's own.
    std::string key() {
        static const std::vector<std::string> kUnusual = {
            std::string(63, 'k'), std::string(64, 'k'), std::string(65, 'k'), std::string(200, 'k'),
            "bad\xFFkey",         "bad\xFEkey",         "judgment.span_kind", "judgment.update_id"};
        if (below(5) == 1) return kUnusual[below(kUnusual.size())];
        if (below(20) == 1) return choices_.bytes(below(5));
        return "key" + std::to_string(below(20));
    }

    template <typename Element, typename Make>
    std::vector<Element> several(Make make) {
        std::vector<Element> made;
        for (std::uint64_t left = below(6); left != 0; --left) made.push_back(make());
        return made;
    }

    Value value() {
        const auto floating = [this] {
            const std::uint64_t bits = choices_.bits();
            return below(2) == 0 ? static_cast<double>(bits) / 3.0 : std::bit_cast<double>(bits);
        };
        switch (below(8)) {
            case 0:
                return below(2) == 0;
            case 1:
                return integer();
            case 2:
                return floating();
            case 3:
                return several<std::int64_t>([this] { return integer(); });
            case 4:
                return several<std::string>([this] { return text(); });
            case 5:
                return several<bool>([this] { return below(2) == 0; });
            case 6:
                return several<double>(floating);
            default:
                return text();
        }
    }

    /// A view of the value, which must outlive it.
    static AttributeValue view(const Value& value) {
        return std::visit([](const auto& held) { return AttributeValue(held); }, value);
    }

    SpanOptions options(SpanModel& model, std::string& type) {
        model.kind = static_cast<SpanKind>(1 + below(5));
        if (below(4) != 1) {
            model.type = "span";
            return {.kind = model.kind};
        }
        type = text();
        model.type = type;
        return {.type = type, .kind = model.kind};
    }

    template <typename Traced>
    SpanModel& begun(const Traced& span, SpanModel model) {
        model.self = span.context().span_context();
        return models_.emplace_back(std::move(model));
    }

    void run_scoped(std::uint64_t depth) {
        SpanModel model;
        model.name = text();
        model.parent = recorder_.tracer.current_context().span_context().span_id;
        std::string type;
        const SpanOptions started_with = options(model, type);
        if (below(4) == 1) {  // literals take a way of their own
            model.name = "a literal name";
            model.type = "tool";
            auto span = recorder_.tracer.span("a literal name", {.type = "tool", .kind = model.kind});
            run_calls(span, begun(span, std::move(model)), depth);
        } else {
            auto span = recorder_.tracer.span(model.name, started_with);
            run_calls(span, begun(span, std::move(model)), depth);
        }
    }

    void run_calls(const ScopedSpan& span, SpanModel& model, std::uint64_t depth) {
        for (std::uint64_t calls = below(30); calls != 0; --calls) {
            switch (below(16)) {
                case 1:
                    if (depth < kDeepest) run_scoped(depth + 1);
                    break;
                case 2:
                    start_detached();
                    break;
                case 3:
                    if (!detached_.empty()) end_one();
                    break;
                case 4:
                    records_ += recorder_.take_records();
                    break;
                case 5:
                    run_call(recorder_.tracer, model);  // on the current span, which is this one
                    break;
                case 6:
                case 7:
                    if (!detached_.empty()) {
                        Detached& other = detached_[below(detached_.size())];
                        run_call(other.span, *other.model);
                        break;
                    }
                    [[fallthrough]];
                default:
                    run_call(span, model);
            }
        }
    }

    /// Below the current span, below any one before, or a root.
    void start_detached() {
        SpanModel model;
        model.name = text();
        std::string type;
        const SpanOptions started_with = options(model, type);
        const std::uint64_t parent = below(models_.size() + 2);
        if (parent == 0) {
            model.parent = recorder_.tracer.current_context().span_context().span_id;
            Span span = recorder_.tracer.start_span(model.name, started_with);
            SpanModel& kept = begun(span, std::move(model));
            detached_.push_back({std::move(span), &kept});
        } else {
            const SpanContext above = parent == 1 ? SpanContext{} : models_[parent - 2].self;
            model.parent = above.span_id;
            Span span = recorder_.tracer.start_span(model.name, started_with, Context(above));
            SpanModel& kept = begun(span, std::move(model));
            detached_.push_back({std::move(span), &kept});
        }
    }

    void end_one() {
        const auto one = detached_.begin() + static_cast<std::ptrdiff_t>(below(detached_.size()));
        if (below(32) == 1) {
            std::thread([span = std::move(one->span)]() mutable { span.end(); }).join();
        } else if (below(2) == 0) {
            one->span.end();
        }
        detached_.erase(one);  // moves those behind it
    }

    void set(SpanModel& model, const std::string& key, const Value& value) const {
        const std::string name = detail::mend_utf8(key);
        if (name.empty() || name == "judgment.update_id") {
            ++model.dropped_attributes;
        } else if (name == "judgment.span_kind") {
            model.type = value;
        } else if (!model.attributes.contains(name) && model.attributes.size() == limits_.attribute_count) {
            ++model.dropped_attributes;
        } else {
            model.attributes[name] = value;
        }
    }

    /// The attributes of an event or a link: the last of those with one key, those without a key dropped.
    template <typename Model>
    void set_nested(Model& model, std::initializer_list<std::pair<std::string, Value>> attributes) const {
        for (const auto& [key, value] : attributes) {
            const std::string name = detail::mend_utf8(key);
            if (name.empty()) {
                ++model.dropped_attributes;
            } else {
                model.attributes[name] = value;
            }
        }
    }

    void set_status(SpanModel& model, StatusCode code, const std::string& description) const {
        if (code == StatusCode::kUnset || model.status == StatusCode::kOk) return;
        model.status = code;
        model.description = code == StatusCode::kError ? description : "";
    }

    void add_event(SpanModel& model, EventModel event) const {
        if (model.events.size() == limits_.event_count) {
            ++model.dropped_events;
        } else {
            model.events.push_back(std::move(event));
        }
    }

    template <typename Traced>
    void run_call(const Traced& span, SpanModel& model) {
        switch (below(16)) {
            case 1: {
                model.name = text();
                span.update_name(model.name);
                break;
            }
            case 2: {
                EventModel event{text(), {}, 0};
                const std::string first_key = key();
                const std::string second_key = key();
                const Value first = value();
                const Value second = value();
                span.add_event(event.name,
                               {{first_key, view(first)}, {second_key, view(second)}, {"two", 2}});
                set_nested(event, {{first_key, first}, {second_key, second}, {"two", std::int64_t{2}}});
                add_event(model, std::move(event));
                break;
            }
            case 3: {
                LinkModel link;
                link.linked.trace_id.bytes[3] = static_cast<std::uint8_t>(below(256));
                link.linked.span_id.bytes[2] = static_cast<std::uint8_t>(below(256));
                link.linked.trace_flags = static_cast<std::uint8_t>(below(2));
                link.linked.is_remote = below(2) == 1;
                if (below(2) == 1) link.linked.trace_state = "vendor=value";
                const std::string one_key = key();
                const Value one = value();
                span.add_link(link.linked, {{one_key, view(one)}, {"why", "it came before"}});
                set_nested(link, {{one_key, one}, {"why", std::string("it came before")}});
                if (!link.linked.is_valid()) break;
                if (model.links.size() == limits_.link_count) {
                    ++model.dropped_links;
                } else {
                    model.links.push_back(std::move(link));
                }
                break;
            }
            case 4: {
                const auto code = static_cast<StatusCode>(below(3));
                const std::string description = text();
                span.set_status(code, description);
                set_status(model, code, description);
                break;
            }
            case 5: {
                // literals take a way of their own
                const std::int64_t number = integer();
                span.set_attribute("literal key", number);
                set(model, "literal key", number);
                span.set_attribute("another literal key", "literal value");
                set(model, "another literal key", std::string("literal value"));
                const std::string short_text = choices_.bytes(below(40));
                span.set_attribute("a third", short_text);
                set(model, "a third", short_text);
                break;
            }
            case 6: {
                const std::string input = text();
                span.set_input(input);
                set(model, "judgment.input", input);
                span.set_output(std::vector<int>{1, -2});
                set(model, "judgment.output", std::string("[1,-2]"));
                break;
            }
            case 7: {
                const std::string kind = text();
                span.set_span_kind(kind);
                model.type = kind;
                break;
            }
            case 8:
                if (below(8) == 1) {
                    const std::runtime_error error(text());
                    span.record_exception(error);
                    const std::string message = error.what();  // up to its first NUL
                    add_event(model, {"exception",
                                      {{"exception.type", std::string("std::runtime_error")},
                                       {"exception.message", message},
                                       {"exception.stacktrace", std::string(kSomeStackTrace)}},
                                      0});
                    set_status(model, StatusCode::kError, message);
                    break;
                }
                [[fallthrough]];
            default: {
                const std::string name = key();
                const Value one = value();
                std::visit([&](const auto& held) { span.set_attribute(name, held); }, one);
                set(model, name, one);
            }
        }
    }

  public:
    /// Stands for a stack trace: which one it is depends on the machine.
    static constexpr const char* kSomeStackTrace = "<a stack trace>";

  private:
    Choices& choices_;
    Recorder& recorder_;
    const SpanLimits limits_;
    std::deque<SpanModel> models_;  // stay where they are
    std::vector<Detached> detached_;
    std::string records_;
};

}  // namespace judgeval::test
