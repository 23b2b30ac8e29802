// Fetching a prompt scorer: its project first, if nobody has asked for that yet. Cold: nlohmann's JSON.
#include "judgment/prompt_scorers.hpp"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "export/curl_transport.hpp"
#include "export/quiet_thread.hpp"
#include "export/response_text.hpp"
#include "export/url_text.hpp"

namespace judgeval::detail {

namespace {

using nlohmann::json;
using std::chrono::steady_clock;

/// What was asked and could not be had, in words for the log.
struct NotFound : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// One answer, waited for. Throws NotFound for any but 200.
HttpResponse ask(Transport& transport, const HttpRequest& request, steady_clock::time_point deadline) {
    constexpr std::uint64_t kId = 1;
    std::vector<Completion> completions;
    transport.send(kId, request);
    while (completions.empty()) {
        const auto left = deadline - steady_clock::now();
        if (left <= left.zero()) {
            transport.cancel(kId);
            throw NotFound("no answer in time");
        }
        transport.wait(left, completions);
    }
    HttpResponse response = std::move(completions.front().response);
    if (response.status != 200) throw NotFound(describe(response));
    return response;
}

std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The first of the answer's scorers, as its prompt, threshold, options, model and description.
Scorer read_scorer(const std::string& name, const std::string& body) {
    const json answer = json::parse(body, nullptr, false);
    const auto scorers = answer.is_object() ? answer.find("scorers") : answer.end();
    if (!answer.is_object() || scorers == answer.end() || !scorers->is_array()) {
        throw NotFound("the answer is no list of scorers");
    }
    if (scorers->empty()) throw NotFound("the project has none of that name");
    const json& first = scorers->front();
    if (!first.is_object()) throw NotFound("the answer is no list of scorers");
    Scorer scorer;
    scorer.score_type = "Prompt Scorer";
    scorer.name = name;
    scorer.prompt = text_of(first, "prompt");
    scorer.model = text_of(first, "model");
    scorer.description = text_of(first, "description");
    if (const auto threshold = first.find("threshold"); threshold != first.end() && threshold->is_number()) {
        scorer.threshold = std::clamp(threshold->get<double>(), 0.0, 1.0);
    }
    if (const auto options = first.find("options");
        options != first.end() && options->is_object() && !options->empty()) {
        scorer.options = options->dump();
    }
    return scorer;
}

}  // namespace

Scorer PromptScorerCache::fetch(const std::string& name, std::chrono::nanoseconds timeout) const {
    using std::chrono::milliseconds;
    const auto whole = std::clamp<std::chrono::nanoseconds>(timeout, milliseconds(1), std::chrono::hours(24));
    const auto deadline = steady_clock::now() + whole;
    PipelineOptions options;
    options.connect_timeout = std::min(options.connect_timeout, std::chrono::ceil<milliseconds>(whole));
    options.request_timeout = std::chrono::ceil<milliseconds>(whole);
    CurlTransport transport(options);
    auto project = projects_->find(project_name_);
    if (!project) {
        const Preparation preparation = resolve_project(api_url_, credentials_, project_name_, projects_);
        const auto found = preparation.finish(ask(transport, preparation.request, deadline));
        if (const auto* trouble = std::get_if<std::string>(&found)) throw NotFound(*trouble);
        project = projects_->find(project_name_);
    }
    HttpRequest request{
        api_url_ + "/v1/projects/" + url_text(project.value()) + "/scorers?names=" + url_text(name),
        credentials_,
        {}};
    request.is_get = true;
    return read_scorer(name, ask(transport, request, deadline).body);
}

Scorer PromptScorerCache::get(const std::string& name, std::chrono::nanoseconds timeout, const Log& log) {
    {
        const std::lock_guard lock(ProjectCache::mutex());
        if (const auto found = found_.find(name); found != found_.end()) return found->second;
    }
    Scorer scorer;
    std::string trouble;
    if (name.empty()) {
        trouble = "a name must not be empty";
    } else if (credentials_.empty()) {
        trouble = "JUDGMENT_API_KEY or JUDGMENT_ORG_ID is not set";
    } else {
        // Elsewhere, since a connection that breaks raises SIGPIPE in some versions of OpenSSL.
        std::thread thread = start_quiet_thread("judgeval-fetch", [&]() noexcept {
            try {
                scorer = fetch(name, timeout);
            } catch (const std::exception& error) {
                trouble = error.what();
            }
        });
        thread.join();
    }
    if (scorer.score_type.empty()) {
        log(LogLevel::kWarning, "cannot fetch the prompt scorer \"" + name + "\": " + trouble +
                                    "; evaluations by it are dropped");
        return scorer;
    }
    const std::lock_guard lock(ProjectCache::mutex());
    found_[name] = scorer;
    return scorer;
}

}  // namespace judgeval::detail
