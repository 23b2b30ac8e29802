// The resolve request and its answer. Cold: nlohmann's JSON.
#include "judgment/project.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "record/project_marks.hpp"

namespace judgeval::detail {

std::mutex& ProjectCache::mutex() noexcept {
    static constinit std::mutex mutex;
    return mutex;
}

std::optional<std::string> ProjectCache::find(const std::string& name) const {
    const std::lock_guard lock(mutex());
    const auto found = ids_.find(name);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
}

void ProjectCache::remember(const std::string& name, const std::string& id) {
    const std::lock_guard lock(mutex());
    ids_[name] = id;
}

std::string project_header(const std::string& project_id) { return "X-Project-Id: " + project_id; }

Preparation resolve_project(const std::string& api_url, const std::vector<std::string>& credentials,
                            const std::string& project_name, std::shared_ptr<ProjectCache> cache) {
    using nlohmann::json;
    // replace: a name that is not UTF-8 is the platform's to refuse, not a reason to throw
    const auto body = std::make_shared<const std::string>(
        json{{"project_name", project_name}}.dump(-1, ' ', false, json::error_handler_t::replace));
    Preparation preparation;
    preparation.request.url = api_url + "/v1/projects/resolve/";
    preparation.request.headers = credentials;
    preparation.request.headers.emplace_back("Content-Type: application/json");
    preparation.request.body = {*body};
    preparation.finish =
        [body, project_name, cache = std::move(cache)](
            const HttpResponse& response) -> std::variant<std::vector<std::string>, std::string> {
        const json answer = json::parse(response.body, nullptr, false);
        const auto id = answer.is_object() ? answer.find("project_id") : answer.end();
        if (!answer.is_object() || id == answer.end() || !id->is_string()) {
            return std::string("the answer has no project_id");
        }
        const auto text = id->get<std::string>();
        if (text.empty() || text.size() > kProjectIdMost || !is_header_value(text)) {
            return std::string("the answer's project_id is not usable");
        }
        cache->remember(project_name, text);
        return std::vector<std::string>{project_header(text)};
    };
    return preparation;
}

bool is_header_value(const std::string& value) noexcept {
    return std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace judgeval::detail
