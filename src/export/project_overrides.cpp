// Asking for projects, and rewriting records. See the header.
#include "export/project_overrides.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <utility>

#include "export/response_text.hpp"
#include "export/retry.hpp"
#include "record/project_marks.hpp"

namespace judgeval::detail {

namespace {

/// A name that was given up is asked for again after so long, when spans still carry it.
constexpr std::chrono::seconds kAskAgain{60};

// Field numbers of opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto.
constexpr protozero::pbf_tag_type kScopeSpansSpans = 2;
constexpr protozero::pbf_tag_type kSpanAttributes = 9;
constexpr protozero::pbf_tag_type kKeyValueKey = 1;
constexpr protozero::pbf_tag_type kKeyValueValue = 2;
constexpr protozero::pbf_tag_type kAnyValueString = 1;
constexpr protozero::pbf_tag_type kAnyValueBytes = 7;

std::string_view view_of(const protozero::data_view& view) { return {view.data(), view.size()}; }

/// A name in an attribute that stands for a project's id.
struct NamedProject {
    std::string name;
    std::string_view rest{};  ///< of an evaluation, behind the id
    bool is_evaluation = false;
};

std::optional<NamedProject> project_named_in(const protozero::data_view& attribute) {
    protozero::pbf_reader pair(attribute);
    if (!pair.next(kKeyValueKey)) return std::nullopt;
    const std::string_view key = view_of(pair.get_view());
    const bool is_evaluation = key == kPendingEvaluationKey;
    if ((!is_evaluation && key != kProjectOverrideKey) || !pair.next(kKeyValueValue)) return std::nullopt;
    protozero::pbf_reader any = pair.get_message();
    if (!any.next(is_evaluation ? kAnyValueString : kAnyValueBytes)) return std::nullopt;
    std::string_view padded = view_of(any.get_view());
    if (!is_evaluation) return NamedProject{.name = std::string(padded.substr(0, padded.find('\0')))};
    if (!padded.starts_with(kPendingEvaluationHead)) return std::nullopt;
    padded.remove_prefix(kPendingEvaluationHead.size());
    const std::size_t end = padded.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    return NamedProject{std::string(padded.substr(0, end)), padded.substr(padded.rfind('\0') + 1), true};
}

void put_string_attribute(std::string& span, std::string_view key, const std::string& value) {
    protozero::pbf_writer fields(span);
    protozero::pbf_writer pair(fields, kSpanAttributes);
    pair.add_string(kKeyValueKey, key.data(), key.size());
    protozero::pbf_writer any(pair, kKeyValueValue);
    any.add_string(kAnyValueString, value);
}

/// Calls `take_field(a name or nothing, the field's bytes)` for each field of each span.
template <typename BeginSpan, typename TakeField, typename EndSpan>
void read_records(std::string_view records, BeginSpan begin_span, TakeField take_field, EndSpan end_span) {
    protozero::pbf_reader scope_spans(records.data(), records.size());
    while (scope_spans.next(kScopeSpansSpans)) {
        protozero::pbf_reader span = scope_spans.get_message();
        begin_span();
        const char* at = span.data().data();
        while (span.next()) {
            std::optional<NamedProject> named;
            if (span.tag() == kSpanAttributes) {
                named = project_named_in(span.get_view());
            } else {
                span.skip();
            }
            const char* const end = span.data().data();
            take_field(named, std::string_view(at, static_cast<std::size_t>(end - at)));
            at = end;
        }
        end_span();
    }
}

/// Writes records back that are not longer than what was there.
void put_back(std::string_view records, Segment& segment) {
    segment.total_size = static_cast<std::uint32_t>(records.size());
    const auto put = [&records](unsigned char* to, std::uint32_t& size) {
        size = static_cast<std::uint32_t>(std::min<std::size_t>(size, records.size()));
        std::memcpy(to, records.data(), size);
        records.remove_prefix(size);
    };
    put(segment.chunk->data + segment.offset, segment.size);
    for (Chunk* chunk = segment.chunk->next; chunk != nullptr; chunk = chunk->next)
        put(chunk->data, chunk->size);
}

}  // namespace

bool ProjectOverrides::settle(Segment& segment) {
    // relaxed: what published the span ordered it
    if (project_names.load(std::memory_order_relaxed) == 0 || !lookup_.find) return true;
    const std::string records = records_of(segment);
    const Settled settled = with_ids(records);
    if (!settled.has_all) return false;
    if (settled.changed && settled.changed->size() <= records.size()) put_back(*settled.changed, segment);
    // relaxed: only whether others are left is looked at
    project_names.fetch_sub(settled.evaluations, std::memory_order_relaxed);
    return true;
}

ProjectOverrides::Settled ProjectOverrides::with_ids(std::string_view records) try {
    Settled settled;
    std::string out;
    out.reserve(records.size());
    std::string span;
    bool is_changed = false;
    read_records(
        records, [&span] { span.clear(); },
        [&](const std::optional<NamedProject>& named, std::string_view field) {
            if (!named) {
                span.append(field);
                return;
            }
            is_changed = true;
            if (named->is_evaluation) ++settled.evaluations;
            const auto id = named->is_evaluation ? find_for_evaluation(named->name) : find(named->name);
            if (!id) settled.has_all = false;
            if (!id || id->empty()) return;
            if (named->is_evaluation) {
                put_string_attribute(span, kPendingEvaluationKey,
                                     std::string(kPendingEvaluationHead)
                                         .append(nlohmann::json(*id).dump())
                                         .append(named->rest));
            } else {
                put_string_attribute(span, kProjectOverrideKey, *id);
            }
        },
        [&] { protozero::pbf_writer(out).add_message(kScopeSpansSpans, span); });
    if (is_changed) settled.changed = std::move(out);
    return settled;
} catch (const protozero::exception&) {  // not the library's own records: left as they are
    return {};
}

/// Where the span goes, the evaluation goes.
std::optional<std::string> ProjectOverrides::find_for_evaluation(const std::string& name) {
    if (name.empty()) return find(lookup_.default_name);
    auto id = find(name);
    return id && id->empty() ? find(lookup_.default_name) : id;
}

std::optional<std::string> ProjectOverrides::find(const std::string& name) {
    if (auto id = lookup_.find(name)) return id;
    const SteadyTime now = clock_.now();
    const auto [found, is_new] = questions_.try_emplace(name);
    Question& question = found->second;
    const bool is_asked_again = question.is_given_up && now >= question.next_attempt;
    if (is_new || is_asked_again) {
        ++unanswered_;
        question.is_given_up = false;
        question.attempts = 0;
        question.first_asked = question.next_attempt = now;
        if (is_new) question.preparation = lookup_.ask(name);
    }
    if (question.is_given_up) return std::string();
    return std::nullopt;
}

void ProjectOverrides::give_up(const std::string& name, Question& question, const std::string& trouble) {
    --unanswered_;
    question.is_given_up = true;
    question.next_attempt = clock_.now() + kAskAgain;
    if (std::exchange(question.is_told, true)) return;
    complaint_ = "cannot find the project \"" + name + "\" of override_project: " + trouble +
                 "; its traces go to the default project";
}

bool ProjectOverrides::handle(const Completion& completion, std::uint64_t random) {
    const auto found = std::find_if(questions_.begin(), questions_.end(),
                                    [&](const auto& entry) { return entry.second.id == completion.id; });
    if (found == questions_.end()) return false;
    Question& question = found->second;
    const HttpResponse& response = completion.response;
    const SteadyTime now = clock_.now();
    question.id = 0;
    if (response.status == 200) {
        const auto answer = question.preparation.finish(response);
        if (const auto* const trouble = std::get_if<std::string>(&answer)) {
            give_up(found->first, question, *trouble);
        } else {
            --unanswered_;
            questions_.erase(found);
        }
        return true;
    }
    const bool is_passing = is_retryable(response) || response.status == 500;
    const auto delay = parse_retry_after(response.retry_after, clock_.system_now())
                           .value_or(backoff(question.attempts - 1, random));
    if (!is_passing || now + delay - question.first_asked > ask_for_) {
        give_up(found->first, question, describe(response));
    } else {
        question.next_attempt = now + delay;
    }
    return true;
}

void ProjectOverrides::send_due(std::uint64_t& last_id) {
    const SteadyTime now = clock_.now();
    for (auto& [name, question] : questions_) {
        if (question.is_given_up || question.id != 0 || now < question.next_attempt) continue;
        question.id = ++last_id;
        ++question.attempts;
        transport_.send(question.id, question.preparation.request);
    }
}

SteadyTime ProjectOverrides::next_deadline() const {
    SteadyTime next = SteadyTime::max();
    for (const auto& [name, question] : questions_) {
        if (!question.is_given_up && question.id == 0) next = std::min(next, question.next_attempt);
    }
    return next;
}

void ProjectOverrides::abandon() {
    for (const auto& [name, question] : questions_) {
        if (question.id != 0) transport_.cancel(question.id);
    }
    questions_.clear();
    unanswered_ = 0;
}

}  // namespace judgeval::detail
