// Reading of the environment.
#include "judgment/environment.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace judgeval::detail {

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

std::string percent_decoded(std::string_view text) {
    if (text.empty()) return {};  // to libcurl a length of 0 means: up to the NUL
    int size = 0;
    char* const decoded = ::curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &size);
    if (decoded == nullptr) return std::string(text);
    std::string result(decoded, static_cast<std::size_t>(size));
    ::curl_free(decoded);
    return result;
}

}  // namespace

std::optional<std::string> environment_value(const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): set-up, as documented
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
}

std::optional<bool> environment_switch(const char* name, bool default_value, const Log& log) {
    const auto value = environment_value(name);
    if (!value) return std::nullopt;
    const std::string text = lower(*value);
    if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "0" || text == "no" || text == "off") return false;
    log(LogLevel::kWarning, std::string(name) + "=" + *value + " is neither true nor false; using " +
                                (default_value ? "true" : "false"));
    return std::nullopt;
}

LogLevel environment_log_level(bool& is_valid) {
    is_valid = true;
    const std::string text = lower(environment_value("JUDGMENT_LOG_LEVEL").value_or("warning"));
    if (text == "debug") return LogLevel::kDebug;
    if (text == "info") return LogLevel::kInfo;
    if (text == "warning" || text == "warn") return LogLevel::kWarning;
    if (text == "error" || text == "critical") return LogLevel::kError;
    if (text == "off" || text == "none") return LogLevel::kOff;
    is_valid = false;
    return LogLevel::kWarning;
}

std::optional<std::vector<std::pair<std::string, std::string>>> environment_list(const char* name,
                                                                                 const Log& log) {
    const auto value = environment_value(name);
    if (!value) return std::nullopt;
    std::vector<std::pair<std::string, std::string>> list;
    std::string_view rest = *value;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        if (trim(pair).empty()) continue;
        const auto equals = pair.find('=');
        std::string key = percent_decoded(trim(pair.substr(0, equals)));
        if (equals == std::string_view::npos || key.empty()) {
            // OpenTelemetry: on any error the whole value is discarded
            log(LogLevel::kWarning, std::string(name) + " is not key=value,key=value; it is ignored");
            return std::nullopt;
        }
        list.emplace_back(std::move(key), percent_decoded(trim(pair.substr(equals + 1))));
    }
    return list;
}

std::map<std::string, ResourceValue> environment_resource(const Log& log) {
    std::map<std::string, ResourceValue> resource;
    if (auto list = environment_list("OTEL_RESOURCE_ATTRIBUTES", log)) {
        for (auto& [key, value] : *list) resource[key] = std::move(value);
    }
    if (const auto name = environment_value("OTEL_SERVICE_NAME")) resource["service.name"] = *name;
    return resource;
}

}  // namespace judgeval::detail
