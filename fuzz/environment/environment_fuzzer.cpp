// The environment: NAME=value, one a line, as what a client and a tracer are made from. A value is what an
// independent reading says or its documented default with one warning; nothing throws, and no key is logged.
#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encode/otlp_reader.hpp"
#include "export/curl_transport.hpp"
#include "export/frame.hpp"
#include "judgeval/judgeval.hpp"
#include "judgment/environment.hpp"
#include "judgment/otel_environment.hpp"
#include "log_lines.hpp"
#include "record/utf8.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

constexpr std::array kNames = {"JUDGMENT_API_KEY",
                               "JUDGMENT_ORG_ID",
                               "JUDGMENT_API_URL",
                               "JUDGMENT_MONITORING",
                               "JUDGMENT_LOG_LEVEL",
                               "JUDGMENT_ENABLE_MONITORING",
                               "OTEL_SERVICE_NAME",
                               "OTEL_RESOURCE_ATTRIBUTES",
                               "OTEL_SDK_DISABLED",
                               "OTEL_TRACES_SAMPLER",
                               "OTEL_TRACES_SAMPLER_ARG",
                               "OTEL_BSP_SCHEDULE_DELAY",
                               "OTEL_BSP_EXPORT_TIMEOUT",
                               "OTEL_BSP_MAX_QUEUE_SIZE",
                               "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
                               "OTEL_ATTRIBUTE_COUNT_LIMIT",
                               "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                               "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
                               "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                               "OTEL_SPAN_EVENT_COUNT_LIMIT",
                               "OTEL_SPAN_LINK_COUNT_LIMIT",
                               "OTEL_EXPORTER_OTLP_ENDPOINT",
                               "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                               "OTEL_EXPORTER_OTLP_HEADERS",
                               "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                               "OTEL_EXPORTER_OTLP_COMPRESSION",
                               "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
                               "OTEL_EXPORTER_OTLP_TIMEOUT",
                               "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
                               "OTEL_EXPORTER_OTLP_CERTIFICATE",
                               "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"};

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
std::optional<std::vector<std::pair<std::string, std::string>>> read_list(std::string_view value) {
    std::vector<std::pair<std::string, std::string>> list;
    while (!value.empty()) {
        const std::size_t comma = std::min(value.find(','), value.size());
        const std::string_view pair = value.substr(0, comma);
        value.remove_prefix(std::min(comma + 1, value.size()));
        if (pair.find_first_not_of(' ') == std::string_view::npos) continue;
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        const std::string key = trimmed_and_decoded(pair.substr(0, equals));
        if (key.empty()) return std::nullopt;
        list.emplace_back(key, trimmed_and_decoded(pair.substr(equals + 1)));
    }
    return list;
}

std::optional<std::map<std::string, std::string>> read_resource(std::string_view value) {
    const auto list = read_list(value);
    if (!list) return std::nullopt;
    std::map<std::string, std::string> resource;
    for (const auto& [key, text] : *list) resource[key] = text;  // the last of a key counts
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

/// The value of the first of them that is set.
std::string first_of(const Variables& variables, std::string_view first, std::string_view second) {
    return value_or(variables, first, value_or(variables, second, ""));
}

/// Counts what makes no sense.
class Oracle {
  public:
    /// What the text says when it is a number of that range.
    std::uint64_t number(const std::string& text, std::uint64_t by_default, std::uint64_t least,
                         std::uint64_t most) {
        if (text.empty()) return by_default;
        unsigned __int128 number = 0;
        bool is_number = true;
        for (const char c : text) {
            is_number = is_number && c >= '0' && c <= '9' && number <= UINT64_MAX;
            if (is_number) number = number * 10 + static_cast<unsigned>(c - '0');
        }
        if (is_number && number >= least && number <= most) return static_cast<std::uint64_t>(number);
        ++warnings_;
        return by_default;
    }
    void warn() { ++warnings_; }
    [[nodiscard]] std::size_t warnings() const { return warnings_; }

  private:
    std::size_t warnings_ = 0;
};

constexpr std::uint64_t kMostMilliseconds = 2'147'483'647;
constexpr std::uint64_t kMostLimit = 9'223'372'036'854'775'807;

double expected_ratio(const Variables& variables, Oracle& oracle) {
    const std::string name = value_or(variables, "OTEL_TRACES_SAMPLER", "always_on");
    const auto is = [&name](const std::string& kind) {
        return name == kind || name == "parentbased_" + kind;
    };
    if (is("always_on")) return 1.0;
    if (is("always_off")) return 0.0;
    if (!is("traceidratio")) {
        oracle.warn();
        return 1.0;
    }
    const std::string text = value_or(variables, "OTEL_TRACES_SAMPLER_ARG", "1");
    char* end = nullptr;
    const double ratio = std::strtod(text.c_str(), &end);
    // strtod takes more than a plain number: signs, spaces, hexadecimal
    const bool is_plain =
        text.find_first_not_of("0123456789.eE+-") == std::string::npos && text[0] != '+' && *end == '\0';
    if (is_plain && ratio >= 0.0 && ratio <= 1.0) return ratio;
    oracle.warn();
    return 1.0;
}

void check_otel_options(const Variables& variables, const detail::Log& log, test::LogLines& lines) {
    TracerOptions taken;
    detail::read_otel_options(taken, log);
    Oracle oracle;
    const auto expect = [&oracle](std::uint64_t is, const std::string& text, std::uint64_t by_default,
                                  std::uint64_t least, std::uint64_t most) {
        const std::uint64_t number = oracle.number(text, by_default, 0, kMostLimit);
        require(is == std::clamp(number, least, most),
                "a limit is what the variable says, as far as it can be");
    };
    expect(taken.limits.attribute_count,
           first_of(variables, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"), 128, 0,
           UINT32_MAX);
    expect(taken.limits.attribute_value_bytes,
           first_of(variables, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
           std::uint64_t{4} << 20U, 32, kMostLimit);
    expect(taken.limits.event_count, value_or(variables, "OTEL_SPAN_EVENT_COUNT_LIMIT", ""), 128, 0, 65'535);
    expect(taken.limits.link_count, value_or(variables, "OTEL_SPAN_LINK_COUNT_LIMIT", ""), 128, 0, 65'535);
    const auto expect_time = [&](std::chrono::milliseconds is, std::string_view name,
                                 std::uint64_t by_default) {
        require(is.count() == static_cast<std::int64_t>(oracle.number(value_or(variables, name, ""),
                                                                      by_default, 1, kMostMilliseconds)),
                "a time is what the variable says");
    };
    expect_time(taken.pipeline.export_interval, "OTEL_BSP_SCHEDULE_DELAY", 1000);
    expect_time(taken.pipeline.max_retry_time, "OTEL_BSP_EXPORT_TIMEOUT", 120'000);
    for (const char* const name : {"OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"}) {
        if (variables.contains(name)) oracle.warn();
    }
    require(taken.sampler.number() == expected_ratio(variables, oracle),
            "the sampler is what the variables say");
    const std::string sampler = value_or(variables, "OTEL_TRACES_SAMPLER", "");
    const bool is_root_only = sampler == "always_on" || sampler == "always_off" || sampler == "traceidratio";
    require(taken.sampler.is_parent_based() != is_root_only,
            "the sampler follows remote parents unless the variable says otherwise");
    require(lines.take().size() == oracle.warnings(), "what makes no sense is one warning");
}

void check_otlp_options(const Variables& variables, const detail::Log& log, test::LogLines& lines) {
    PipelineOptions taken;
    detail::read_otlp_options(taken, log);
    Oracle oracle;
    const std::string timeout =
        first_of(variables, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT");
    require(taken.request_timeout.count() ==
                static_cast<std::int64_t>(oracle.number(timeout, 10'000, 1, kMostMilliseconds)),
            "the time-out is what the variable says");
    const std::string compression =
        first_of(variables, "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION");
    const Compression expected = compression == "gzip"   ? Compression::kGzip
                                 : compression == "none" ? Compression::kNone
                                                         : Compression::kZstd;
    require(taken.compression == expected, "the compression is what the variable says");
    if (expected == Compression::kZstd && compression != "zstd" && !compression.empty()) oracle.warn();
    const std::string certificate =
        first_of(variables, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE");
    if (taken.ca_file.empty()) {
        if (!certificate.empty()) oracle.warn();
    } else {
        require(taken.ca_file == certificate, "the certificate is what the variable says");
    }
    require(lines.take().size() == oracle.warnings(), "what makes no sense is one warning");
}

bool is_header(const std::string& name, const std::string& value) {
    static constexpr std::string_view kNameCharacters =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return !name.empty() && name.find_first_not_of(kNameCharacters) == std::string::npos &&
           value.find_first_not_of(kVisible) == std::string::npos &&
           !is_one_of(name, {"content-type", "content-encoding", "content-length", "transfer-encoding",
                             "host", "expect", "connection", "upgrade"});
}

/// Returns whether spans of a client without credentials would go somewhere.
bool check_otlp_endpoint(const Variables& variables, const detail::Log& log, test::LogLines& lines) {
    const auto taken = detail::read_otlp_endpoint(log);
    const std::vector<std::string> said = lines.take();
    const std::string of_traces = value_or(variables, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "");
    const std::string of_all = value_or(variables, "OTEL_EXPORTER_OTLP_ENDPOINT", "");
    std::size_t warnings = 0;
    std::string expected;
    if (!of_traces.empty()) {
        if (detail::check_url(of_traces, true).empty()) {
            expected = of_traces;
        } else {
            ++warnings;
        }
    }
    if (expected.empty() && !of_all.empty()) {
        if (detail::check_url(of_all).empty()) {
            expected = of_all + (of_all.back() == '/' ? "" : "/") + "v1/traces";
        } else {
            ++warnings;
        }
    }
    require((taken ? taken->url : "") == expected, "the endpoint is what the variables say");
    if (!taken) {
        require(said.size() == warnings, "an endpoint that makes no sense is one warning");
        return false;
    }
    require(expected.find_first_of("\r\n") == std::string::npos, "a URL that is taken is one line");
    const std::string text =
        first_of(variables, "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS");
    const auto list = read_list(text);
    std::vector<std::string> headers;
    bool are_good = list.has_value();
    for (const auto& [name, value] : list.value_or(std::vector<std::pair<std::string, std::string>>{})) {
        are_good = are_good && is_header(name, value);
        headers.push_back(name + ": " + value);
    }
    if (!are_good) headers.clear();
    require(taken->headers == headers, "the headers are what the variable says");
    require(said.size() == warnings + (are_good ? 0 : 1), "headers that make no sense are one warning");
    for (const std::string& line : said) {
        // a value of a kind that no line is made of
        require(line.find("secret") == std::string::npos, "no header is logged");
    }
    return true;
}

void check_client(const Variables& variables, bool has_endpoint, test::LogLines& lines) {
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
    const bool is_disabled = read_switch(value_or(variables, "OTEL_SDK_DISABLED", "")).value_or(false);
    // its tracer would go for the network
    if (is_on && !is_disabled && (has_credentials || has_endpoint)) return;
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
    check_switch(variables, "OTEL_SDK_DISABLED", log, lines);
    check_switch(variables, "JUDGMENT_MONITORING", log, lines);
    check_switch(variables, "JUDGMENT_ENABLE_MONITORING", log, lines);
    check_resource(variables, log, lines);
    check_url(value_or(variables, "JUDGMENT_API_URL", "http://localhost"));
    check_otel_options(variables, log, lines);
    check_otlp_options(variables, log, lines);
    const bool has_endpoint = check_otlp_endpoint(variables, log, lines);
    check_client(variables, has_endpoint, lines);
    return 0;
}
