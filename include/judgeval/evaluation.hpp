// Evaluations: what to judge (an example) and by what (a scorer), for Tracer::async_evaluate and
// async_trace_evaluate. The platform does the judging.
//
// Plain values of the caller's, made on its thread; nothing here does I/O.
#pragma once

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "judgeval/detail/tracer_state.hpp"
#include "judgeval/serializer.hpp"

namespace judgeval {

/// What an evaluation is made by: the platform's ScorerConfig. Made by client.scorers; a plain value.
struct Scorer {
    /// "Faithfulness", "Answer Relevancy", …; empty when it was not found: evaluations by it are dropped.
    std::string score_type{};
    std::string name{};                          ///< as the result is shown
    double threshold = 0.5;                      ///< from 0 to 1: what a score must reach to be a success
    std::vector<std::string> required_params{};  ///< the fields an example must have
    std::string model{};                         ///< that judges; empty: the platform's default
    std::string prompt{};                        ///< of a prompt scorer, like the two below
    std::string description{};
    std::string options{};  ///< a JSON object, the answers that the prompt allows and their scores; or empty
};

struct ScorerOptions {
    /// From 0 to 1; beyond them it is taken as the nearer one, and what is no number as 0.5.
    double threshold = 0.5;
    bool strict_mode = false;  ///< only a perfect score succeeds: the threshold is 1
    std::string name{};        ///< default: the scorer's type
    std::string model{};       ///< that judges; default: the platform's
};

namespace detail {

/// An example's content, the same in both modes of the API.
struct ExampleData {
    std::string example_id;
    std::string created_at;
    std::optional<std::string> name;
    std::vector<std::pair<std::string, std::string>> fields;  ///< name and JSON
};

using WriteJson = void (*)(const void* object, JsonWriter& writer);

/// Gives a new example its id (a random UUID) and its time.
JUDGEVAL_API void identify(ExampleData& example) noexcept;
/// One that cannot be written (the serializer throws, no memory) is left out.
JUDGEVAL_API void set_field(ExampleData& example, std::string_view name, WriteJson write,
                            const void* object) noexcept;
/// As the platform has it; empty when there is no memory.
[[nodiscard]] JUDGEVAL_API std::string to_json(const ExampleData& example) noexcept;
JUDGEVAL_API void evaluate(TracerState& tracer, const Scorer& scorer, const ExampleData& example) noexcept;
JUDGEVAL_API void evaluate_trace(TracerState& tracer, OpenSpan& span, const Scorer& scorer) noexcept;
[[nodiscard]] JUDGEVAL_API Scorer get_prompt_scorer(ClientState& client, const std::string& name,
                                                    std::chrono::nanoseconds timeout) noexcept;

}  // namespace detail

inline namespace JUDGEVAL_MODE {

/// One field of an example in a list of them: `{"input", question}`. Borrows its value for the call.
class ExampleField {
  public:
    template <typename T>
    ExampleField(std::string_view name, const T& value) noexcept : name_(name), value_(&value) {
        if constexpr (detail::kCompiledIn) {
            write_ = [](const void* object, JsonWriter& json) {
                detail::write_json(json, *static_cast<const T*>(object));
            };
        }
    }

  private:
    friend class Example;
    std::string_view name_;
    const void* value_;
    detail::WriteJson write_ = nullptr;
};

/// What is judged: `Example::create({{"input", question}, {"actual_output", answer}})`. Values are serialized
/// (see Serializer) and copied at once. The built-in scorers look at the fields `input`, `actual_output`,
/// `expected_output` and `context`. As thread-safe as a std::string.
class Example {
  public:
    /// With a new id, made now.
    Example() noexcept {
        if constexpr (detail::kCompiledIn) detail::identify(data_);
    }

    [[nodiscard]] static Example create(std::initializer_list<ExampleField> fields) noexcept {
        Example made;
        if constexpr (detail::kCompiledIn) {
            for (const auto& field : fields) {
                detail::set_field(made.data_, field.name_, field.write_, field.value_);
            }
        }
        return made;
    }

    /// Sets a field; the last value of a name counts. A value whose serializer throws is left out.
    template <typename T>
    void set(std::string_view name, const T& value) noexcept {
        if constexpr (detail::kCompiledIn) {
            const ExampleField field(name, value);
            detail::set_field(data_, field.name_, field.write_, field.value_);
        }
    }
    void set_name(std::string name) noexcept { data_.name = std::move(name); }

    /// A UUID.
    [[nodiscard]] const std::string& example_id() const noexcept { return data_.example_id; }
    /// RFC 3339.
    [[nodiscard]] const std::string& created_at() const noexcept { return data_.created_at; }
    /// A field's value as JSON; empty when it was not set. Valid until the example changes.
    [[nodiscard]] std::string_view field(std::string_view name) const noexcept {
        for (const auto& [key, json] : data_.fields) {
            if (key == name) return json;
        }
        return {};
    }
    /// The whole as the platform has it: a JSON object with the fields beside example_id, created_at and
    /// name.
    [[nodiscard]] std::string to_json() const noexcept {
        if constexpr (detail::kCompiledIn) return detail::to_json(data_);
        return {};
    }
    [[nodiscard]] const detail::ExampleData& data() const noexcept { return data_; }

  private:
    friend class OfflineTracer;
    detail::ExampleData data_;
};

}  // namespace JUDGEVAL_MODE

/// The scorers that every organization has: `client.scorers.built_in.faithfulness({.threshold = 0.8})`.
class BuiltInScorers {
  public:
    /// Is the output supported by the context? Needs `context` and `actual_output`.
    [[nodiscard]] Scorer faithfulness(ScorerOptions options = {}) const {
        return make("Faithfulness", {"context", "actual_output"}, std::move(options));
    }
    /// Does the output answer the input? Needs `input` and `actual_output`.
    [[nodiscard]] Scorer answer_relevancy(ScorerOptions options = {}) const {
        return make("Answer Relevancy", {"input", "actual_output"}, std::move(options));
    }
    /// Is the output what was expected? Needs `input`, `actual_output` and `expected_output`.
    [[nodiscard]] Scorer answer_correctness(ScorerOptions options = {}) const {
        return make("Answer Correctness", {"input", "actual_output", "expected_output"}, std::move(options));
    }

  private:
    static Scorer make(const char* type, std::vector<std::string> required_params, ScorerOptions options) {
        const bool is_number = options.threshold == options.threshold;
        const double threshold = is_number ? std::clamp(options.threshold, 0.0, 1.0) : 0.5;
        return {.score_type = type,
                .name = options.name.empty() ? type : std::move(options.name),
                .threshold = options.strict_mode ? 1.0 : threshold,
                .required_params = std::move(required_params),
                .model = std::move(options.model)};
    }
};

inline namespace JUDGEVAL_MODE {

/// The scorers that the project has under a name, with a prompt of the user's: made on the platform, fetched
/// here.
class PromptScorers {
  public:
    /// A part of setting up, like making the client: asks the platform (and first for the project, if no
    /// tracer has found that yet) and waits for its answer, at most `timeout`. What was found is kept for the
    /// client's life. What was not has no score_type, and is logged: evaluations by it are dropped, and the
    /// next call asks again. Nothing is asked where evaluations are off in the environment. Never throws.
    /// Thread-safe.
    [[nodiscard]] Scorer get(
        [[maybe_unused]] const std::string& name,
        [[maybe_unused]] std::chrono::nanoseconds timeout = std::chrono::seconds(10)) const noexcept {
        if constexpr (detail::kCompiledIn) {
            if (client_) return detail::get_prompt_scorer(*client_, name, timeout);
        }
        return {};
    }

  private:
    friend class Judgeval;
    std::shared_ptr<detail::ClientState> client_;
};

struct Scorers {
    BuiltInScorers built_in;
    PromptScorers prompt_scorer;
};

}  // namespace JUDGEVAL_MODE
}  // namespace judgeval
