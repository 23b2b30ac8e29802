// The environment: NAME=value, one a line, as what a client and a tracer are made from. A value is what an
// independent reading says or its documented default with one warning; nothing throws, and no key is logged.
#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encode/otlp_reader.hpp"
#include "export/curl_transport.hpp"
#include "export/frame.hpp"
#include "judgeval/judgeval.hpp"
#include "judgment/environment.hpp"
#include "log_lines.hpp"
#include "record/utf8.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

constexpr std::array kNames = {"JUDGMENT_API_KEY",    "JUDGMENT_ORG_ID",         "JUDGMENT_API_URL",
                               "JUDGMENT_MONITORING", "JUDGMENT_LOG_LEVEL",      "JUDGMENT_ENABLE_MONITORING",
                               "OTEL_SERVICE_NAME",   "OTEL_RESOURCE_ATTRIBUTES"};

/// What may stand in an HTTP header.
constexpr std::string_view kVisible =
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// The variables that the input sets, those that are empty left out. A line that ends in a backslash goes on.
Variables read_variables(std::string_view input) {
    Variables variables;
    while (!input.empty()) {
        std::string line;
        for (bool goes_on = true; goes_on && !input.empty();) {
            const std::string_view part = input.substr(0, input.find('\n'));
            input.remove_prefix(std::min(input.size(), part.size() + 1));
            goes_on = part.ends_with('\\');
            line += goes_on ? std::string(part.substr(0, part.size() - 1)) + '\n' : std::string(part);
        }
        const std::size_t equals = line.find('=');
        const std::string name = line.substr(0, equals);
        if (equals == std::string::npos || std::find(kNames.begin(), kNames.end(), name) == kNames.end())
            continue;
        const std::string value = line.substr(equals + 1, line.find('\0', equals) - equals - 1);
        if (value.empty()) {
            variables.erase(name);
        } else {
            variables[name] = value;
        }
    }
    return variables;
}

/// The process's environment while it lives. Not by setenv, which keeps every value there ever was.
class Environment {
  public:
    explicit Environment(const Variables& variables) {
        for (const auto& [name, value] : variables) lines_.push_back(name + "=" + value);
        for (std::string& line : lines_) pointers_.push_back(line.data());
        pointers_.push_back(nullptr);
        ::environ = pointers_.data();
    }
    ~Environment() { ::environ = before_; }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

  private:
    std::vector<std::string> lines_;
    std::vector<char*> pointers_;
    char** const before_ = ::environ;
};

std::string value_or(const Variables& variables, std::string_view name, std::string_view otherwise) {
    const auto found = variables.find(name);
    return found != variables.end() ? found->second : std::string(otherwise);
}

bool is_one_of(std::string text, const std::vector<std::string_view>& words) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<bool> read_switch(const std::string& text) {
    if (is_one_of(text, {"true", "1", "yes", "on"})) return true;
    if (is_one_of(text, {"false", "0", "no", "off"})) return false;
    return std::nullopt;
}

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string trimmed_and_decoded(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    text = text.substr(first, text.find_last_not_of(' ') - first + 1);
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size() && digit(text[at + 1]) >= 0 && digit(text[at + 2]) >= 0) {
            decoded += static_cast<char>(digit(text[at + 1]) * 16 + digit(text[at + 2]));
            at += 2;
        } else {
            decoded += text[at];
        }
    }
    return decoded;
}

/// Nothing when the value is no list of key=value.
std::optional<std::map<std::string, std::string>> read_resource(std::string_view value) {
    std::map<std::string, std::string> resource;
    while (!value.empty()) {
        const std::size_t comma = std::min(value.find(','), value.size());
        const std::string_view pair = value.substr(0, comma);
        value.remove_prefix(std::min(comma + 1, value.size()));
        if (pair.find_first_not_of(' ') == std::string_view::npos) continue;
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        const std::string key = trimmed_and_decoded(pair.substr(0, equals));
        if (key.empty()) return std::nullopt;
        resource[key] = trimmed_and_decoded(pair.substr(equals + 1));
    }
    return resource;
}

std::size_t lines_about(const std::vector<std::string>& lines, std::string_view name) {
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(),
                      [name](const std::string& line) { return line.find(name) != std::string::npos; }));
}

void check_level(const Variables& variables) {
    static const std::map<LogLevel, std::vector<std::string_view>> kWords = {
        {LogLevel::kDebug, {"debug"}},
        {LogLevel::kInfo, {"info"}},
        {LogLevel::kWarning, {"warning", "warn"}},
        {LogLevel::kError, {"error", "critical"}},
        {LogLevel::kOff, {"off", "none"}}};
    bool is_valid = false;
    const LogLevel level = detail::environment_log_level(is_valid);
    const std::string text = value_or(variables, "JUDGMENT_LOG_LEVEL", "warning");
    require(
        is_valid == is_one_of(text, {"debug", "info", "warning", "warn", "error", "critical", "off", "none"}),
        "only the documented log levels are taken");
    require(is_valid ? is_one_of(text, kWords.at(level)) : level == LogLevel::kWarning,
            "a log level is what the variable says, else warning");
}

void check_switch(const Variables& variables, const char* name, const detail::Log& log,
                  test::LogLines& lines) {
    const std::optional<bool> taken = detail::environment_switch(name, true, log);
    const std::optional<bool> expected = read_switch(value_or(variables, name, ""));
    require(taken == expected, "a switch is what the variable says");
    const std::size_t warnings = variables.contains(name) && !expected ? 1 : 0;
    require(lines.take().size() == warnings, "a switch that makes no sense is one warning");
}

/// What a receiver reads of the resource.
void check_frame(const std::map<std::string, ResourceValue>& resource) {
    const std::string bytes = detail::Frame(resource, "judgeval", "0").before(0);
    const auto read = encode::read_trace_request(bytes);
    require(read.message.has_value(), "a receiver takes the resource");
    const encode::Attributes& attributes = read.message->resource_spans.at(0).resource.attributes;
    std::size_t index = 0;
    for (const auto& [key, value] : resource) {
        require(attributes.at(index).key == detail::mend_utf8(key), "a key is sent as it is");
        require(std::get<std::string>(attributes.at(index).value.value) ==
                    detail::mend_utf8(std::get<std::string>(value)),
                "a value is sent as it is");
        ++index;
    }
    require(attributes.size() == index, "nothing else is sent");
}

void check_resource(const Variables& variables, const detail::Log& log, test::LogLines& lines) {
    const std::map<std::string, ResourceValue> taken = detail::environment_resource(log);
    const auto expected = read_resource(value_or(variables, "OTEL_RESOURCE_ATTRIBUTES", ""));
    std::map<std::string, ResourceValue> wanted;
    if (expected) wanted.insert(expected->begin(), expected->end());
    if (variables.contains("OTEL_SERVICE_NAME"))
        wanted["service.name"] = value_or(variables, "OTEL_SERVICE_NAME", "");
    require(taken == wanted, "the resource is what the variables say");
    require(lines.take().size() == (expected ? 0 : 1), "a list that makes no sense is one warning");
    check_frame(taken);
}

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (::curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
    std::string result = text;
    ::curl_free(text);
    return result;
}

/// A base URL that is taken leads to where it says, without anything that could be a secret in it.
void check_url(const std::string& base) {
    if (!detail::check_url(base).empty()) return;
    require(std::none_of(base.begin(), base.end(), [](char c) { return c == '\r' || c == '\n'; }),
            "a URL that is taken is one line");
    CURLU* const url = ::curl_url();
    std::string whole = base;
    while (whole.ends_with('/')) whole.pop_back();
    require(::curl_url_set(url, CURLUPART_URL, (whole + "/otel/v1/traces").c_str(), 0) == CURLUE_OK,
            "a URL that is taken is one with the path as well");
    const std::string scheme = part_of(url, CURLUPART_SCHEME);
    require(scheme == "http" || scheme == "https", "a URL that is taken is HTTP");
    require(part_of(url, CURLUPART_USER).empty() && part_of(url, CURLUPART_PASSWORD).empty(),
            "a URL that is taken carries no credentials");
    require(part_of(url, CURLUPART_PATH).ends_with("/otel/v1/traces"),
            "a URL that is taken leads to the path");
    ::curl_url_cleanup(url);
}

void check_client(const Variables& variables, test::LogLines& lines) {
    const std::string key = value_or(variables, "JUDGMENT_API_KEY", "");
    const std::string organization = value_or(variables, "JUDGMENT_ORG_ID", "");
    const std::string url = value_or(variables, "JUDGMENT_API_URL", "");
    const auto is_visible = [](const std::string& text) {
        return text.find_first_not_of(kVisible) == std::string::npos;
    };
    const bool has_credentials =
        !key.empty() && !organization.empty() && is_visible(key) && is_visible(organization);
    const auto first = read_switch(value_or(variables, "JUDGMENT_MONITORING", ""));
    const auto second = read_switch(value_or(variables, "JUDGMENT_ENABLE_MONITORING", ""));
    const bool is_on = first.value_or(second.value_or(true));

    const Judgeval client({.project_name = "fuzz", .log_handler = lines.handler()});
    std::vector<std::string> said = lines.take();
    const auto require_warning = [&](std::string_view name, bool is_wrong) {
        require(lines_about(said, name) == (is_wrong ? 1 : 0), name);
    };
    require_warning("JUDGMENT_API_KEY", !is_visible(key));
    require_warning("JUDGMENT_ORG_ID", !is_visible(organization));
    require_warning("JUDGMENT_API_URL", !url.empty() && !detail::check_url(url).empty());
    if (is_on && has_credentials) return;  // its tracer would go for the network
    const Tracer tracer = client.tracer.create();
    require(!tracer.span("none").is_recording(),
            "a tracer without credentials or switched off records nothing");
    require(tracer.stats().started == 0, "a tracer that records nothing counts nothing");
    for (const std::string& line : lines.take()) said.push_back(line);
    // A key of a kind that no line is made of, unless another variable says the same.
    const auto says_key = [&key](const auto& variable) {
        return variable.first != "JUDGMENT_API_KEY" && variable.second.find(key) != std::string::npos;
    };
    if (key.find("secret") == std::string::npos || std::any_of(variables.begin(), variables.end(), says_key))
        return;
    for (const std::string& line : said) require(line.find(key) == std::string::npos, "no key is logged");
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace judgeval;
    using namespace judgeval::fuzz;
    const Variables variables = read_variables({reinterpret_cast<const char*>(data), size});
    const Environment environment(variables);
    test::LogLines lines;
    const detail::Log log(lines.handler());
    check_level(variables);
    check_switch(variables, "JUDGMENT_MONITORING", log, lines);
    check_switch(variables, "JUDGMENT_ENABLE_MONITORING", log, lines);
    check_resource(variables, log, lines);
    check_url(value_or(variables, "JUDGMENT_API_URL", "http://localhost"));
    check_client(variables, lines);
    return 0;
}
