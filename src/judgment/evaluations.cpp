// Evaluations as the platform takes them: an ExampleEvaluationRun is posted to
// {api}/v1/projects/{project_id}/eval-queue/examples, a TraceEvaluationRun travels on the span it is about.
//
// On the caller's thread, which writes the JSON; the exporter sends it.
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>

#include "judgeval/attribute_value.hpp"
#include "judgeval/evaluation.hpp"
#include "judgment/tracer_parts.hpp"
#include "record/inherited.hpp"
#include "record/project_marks.hpp"
#include "record/random.hpp"

namespace judgeval::detail {

namespace {

/// RFC 3339, in UTC, to the microsecond.
std::string now_as_text() {
    using namespace std::chrono;
    const auto now = system_clock::now();
    const auto second = floor<seconds>(now);
    const std::time_t time = system_clock::to_time_t(second);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 16> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%06d+00:00",
                  static_cast<int>(duration_cast<microseconds>(now - second).count()));
    return std::string(text.data()) + fraction.data();
}

void write(JsonWriter& json, std::string_view key, std::string_view value) {
    json.key(key);
    json.string(value);
}

/// The platform's ScorerConfig, in a list.
void write_scorers(JsonWriter& json, const Scorer& scorer) {
    json.key("judgment_scorers");
    json.begin_array();
    json.begin_object();
    write(json, "score_type", scorer.score_type);
    write(json, "name", scorer.name);
    json.key("threshold");
    json.number(scorer.threshold);
    if (!scorer.required_params.empty()) {
        json.key("required_params");
        write_json(json, scorer.required_params);
    }
    json.key("kwargs");
    json.begin_object();
    if (!scorer.prompt.empty()) write(json, "prompt", scorer.prompt);
    if (!scorer.options.empty()) {
        json.key("options");
        json.raw(scorer.options);
    }
    if (!scorer.description.empty()) write(json, "description", scorer.description);
    if (!scorer.model.empty()) write(json, "model", scorer.model);
    json.end_object();
    write(json, "result_type", "numeric");
    json.end_object();
    json.end_array();
    json.key("custom_scorers");
    json.begin_array();
    json.end_array();
}

/// What the caller says goes over what comes by itself.
void write_example(JsonWriter& json, const ExampleData& example) {
    const auto is_set = [&example](std::string_view name) {
        for (const auto& field : example.fields) {
            if (field.first == name) return true;
        }
        return false;
    };
    json.begin_object();
    if (!is_set("example_id")) write(json, "example_id", example.example_id);
    if (!is_set("created_at")) write(json, "created_at", example.created_at);
    if (!is_set("name")) {
        json.key("name");
        write_json(json, example.name);
    }
    for (const auto& [name, value] : example.fields) {
        json.key(name);
        json.raw(value);
    }
    json.end_object();
}

}  // namespace

void identify(ExampleData& example) noexcept try {
    example.example_id = new_uuid();
    example.created_at = now_as_text();
} catch (const std::exception&) {  // no memory: the platform refuses it, which is counted
}

void set_field(ExampleData& example, std::string_view name, WriteJson write_value,
               const void* object) noexcept try {
    std::string text;
    JsonWriter json(text);
    write_value(object, json);
    if (json.was_truncated()) return;
    for (auto& field : example.fields) {
        if (field.first != name) continue;
        field.second = std::move(text);
        return;
    }
    example.fields.emplace_back(name, std::move(text));
} catch (...) {  // whatever a user's serializer throws
}

std::string to_json(const ExampleData& example) noexcept try {
    std::string text;
    JsonWriter json(text);
    write_example(json, example);
    return json.was_truncated() ? std::string() : text;
} catch (const std::exception&) {
    return {};
}

void evaluate(TracerState& tracer, const Scorer& scorer, const ExampleData& example) noexcept {
    if (!are_evaluations_on(tracer)) return;
    PlatformRequests* const requests = platform_requests(tracer);
    const SpanIdentity* const here = current_kept_span();
    if (requests == nullptr || here == nullptr) return;
    if (scorer.score_type.empty()) return requests->count_lost();
    try {
        PlatformRequest request;
        request.path = "/v1/projects/" + std::string(kProjectIdPlaceholder) + "/eval-queue/examples";
        request.is_project_in_body = true;
        follow_override(request);
        JsonWriter json(request.body);
        json.begin_object();
        write(json, "eval_name", "async_evaluate_" + here->span_id.to_hex());
        write(json, "trace_id", here->trace_id.to_hex());
        write(json, "trace_span_id", here->span_id.to_hex());
        json.key("examples");
        json.begin_array();
        write_example(json, example);
        json.end_array();
        write_scorers(json, scorer);
        write(json, "created_at", now_as_text());
        json.end_object();
        if (json.was_truncated()) return requests->count_lost();
        requests->push(std::move(request));
    } catch (const std::exception&) {
        requests->count_lost();
    }
}

void evaluate_trace(TracerState& tracer, OpenSpan& span, const Scorer& scorer) noexcept {
    if (span.state != SpanState::kRecording || !are_evaluations_on(tracer)) return;
    PlatformRequests* const requests = platform_requests(tracer);
    ProjectRouting* const routing = project_routing(tracer);
    if (requests == nullptr || routing == nullptr) return;
    if (!routing->projects.find) {
        routing->warn_once(
            "async_trace_evaluate() is ignored: spans go to a file or an OTLP endpoint, which have no "
            "projects");
        return requests->count_lost();
    }
    if (scorer.score_type.empty()) return requests->count_lost();
    try {
        const InheritedEntry* const routed = current_override();
        const bool is_named = routed != nullptr && routed->is_project_name;
        const auto id = routed == nullptr ? requests->find_project()
                        : is_named        ? std::nullopt
                                          : std::optional(routed->value);
        const SpanIdentity& identity = span.node.context;
        std::string text;
        JsonWriter json(text);
        json.begin_object();
        json.key("project_id");
        if (id) {
            json.string(*id);
        } else {
            json.raw(name_for_evaluation(is_named ? routed->value : std::string()));
        }
        write(json, "eval_name", "async_trace_evaluate_" + identity.span_id.to_hex());
        json.key("trace_and_span_ids");
        json.begin_array();
        json.begin_array();
        json.string(identity.trace_id.to_hex());
        json.string(identity.span_id.to_hex());
        json.end_array();
        json.end_array();
        write_scorers(json, scorer);
        json.key("is_offline");
        json.boolean(false);
        json.key("is_behavior");
        json.boolean(false);
        write(json, "created_at", now_as_text());
        json.end_object();
        if (json.was_truncated() || text.size() > span.limits->attribute_value_bytes)
            return requests->count_lost();
        // relaxed: what publishes the span orders it
        if (!id) project_names.fetch_add(1, std::memory_order_relaxed);
        append_attribute(span, kPendingEvaluationKey, AttributeValue(text));
    } catch (const std::exception&) {
        requests->count_lost();
    }
}

}  // namespace judgeval::detail
