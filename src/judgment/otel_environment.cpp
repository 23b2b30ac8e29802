// Reading of the OTEL_* variables, one function a group of them.
#include "judgment/otel_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "export/curl_transport.hpp"
#include "judgeval/detail/open_span.hpp"
#include "judgment/environment.hpp"
#include "judgment/project.hpp"

namespace judgeval::detail {

namespace {

using std::chrono::milliseconds;

/// What libcurl and the clocks can count with: 24 days.
constexpr std::uint64_t kMostMilliseconds = INT32_MAX;

/// Shorter words of a header's value are no secrets, and would blank half of every line.
constexpr std::size_t kShortestSecret = 4;

struct Variable {
    std::string name;
    std::string value;
};

/// The first of them that is set.
std::optional<Variable> first_of(std::initializer_list<const char*> names) {
    for (const char* const name : names) {
        if (auto value = environment_value(name)) return Variable{name, std::move(*value)};
    }
    return std::nullopt;
}

template <typename Number>
std::optional<Number> parse(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> number_of(const std::optional<Variable>& variable, std::uint64_t least,
                                       std::uint64_t most, const Log& log) {
    if (!variable) return std::nullopt;
    const auto number = parse<std::uint64_t>(variable->value);
    if (number && *number >= least && *number <= most) return number;
    log(LogLevel::kWarning, variable->name + "=" + variable->value + " is not a number from " +
                                std::to_string(least) + " to " + std::to_string(most) + "; it is ignored");
    return std::nullopt;
}

/// An option that has its default value counts as not set in code.
template <typename Option>
bool is_default(const Option& option, const Option& by_default) {
    return option == by_default;
}

void read_milliseconds(milliseconds& option, milliseconds by_default, const std::optional<Variable>& variable,
                       const Log& log) {
    if (!is_default(option, by_default)) return;
    if (const auto number = number_of(variable, 1, kMostMilliseconds, log)) {
        option = milliseconds(static_cast<std::int64_t>(*number));
    }
}

/// One that is larger than the option can be is as good as none.
template <typename Option>
void read_limit(Option& option, Option by_default, std::uint64_t least, std::uint64_t most,
                const std::optional<Variable>& variable, const Log& log) {
    if (!is_default(option, by_default)) return;
    if (const auto number = number_of(variable, 0, INT64_MAX, log)) {
        option = static_cast<Option>(std::clamp(*number, least, most));
    }
}

void read_limits(SpanLimits& limits, const Log& log) {
    const SpanLimits defaults;
    read_limit(limits.attribute_count, defaults.attribute_count, 0, UINT32_MAX,
               first_of({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"}), log);
    read_limit(limits.attribute_value_bytes, defaults.attribute_value_bytes, kShortValue, SIZE_MAX,
               first_of({"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"}),
               log);
    read_limit(limits.event_count, defaults.event_count, 0, UINT16_MAX,
               first_of({"OTEL_SPAN_EVENT_COUNT_LIMIT"}), log);
    read_limit(limits.link_count, defaults.link_count, 0, UINT16_MAX,
               first_of({"OTEL_SPAN_LINK_COUNT_LIMIT"}), log);
}

/// The ratio of OTEL_TRACES_SAMPLER_ARG.
double sampler_ratio(const Log& log) {
    const auto text = environment_value("OTEL_TRACES_SAMPLER_ARG");
    if (!text) return 1.0;
    const auto ratio = parse<double>(*text);
    if (ratio && *ratio >= 0.0 && *ratio <= 1.0) return *ratio;
    log(LogLevel::kWarning, "OTEL_TRACES_SAMPLER_ARG=" + *text + " is not a number from 0 to 1; using 1");
    return 1.0;
}

void read_sampler(Sampler& sampler, const Log& log) {
    const bool is_set =
        sampler.kind() != Sampler::Kind::kRatio || sampler.number() != 1.0 || !sampler.is_parent_based();
    if (is_set) return;
    const auto name = environment_value("OTEL_TRACES_SAMPLER");
    if (!name) return;
    constexpr std::string_view kParentBased = "parentbased_";
    std::string_view kind = *name;
    const bool is_parent_based = kind.starts_with(kParentBased);
    if (is_parent_based) kind.remove_prefix(kParentBased.size());
    Sampler root = Sampler::always_on();
    if (kind == "always_off") {
        root = Sampler::always_off();
    } else if (kind == "traceidratio") {
        root = Sampler::trace_id_ratio(sampler_ratio(log));
    } else if (kind != "always_on") {
        log(LogLevel::kWarning, "OTEL_TRACES_SAMPLER=" + *name +
                                    " is none of always_on, always_off, traceidratio, with or without "
                                    "parentbased_; it is ignored");
        return;
    }
    sampler = is_parent_based ? Sampler::parent_based(root) : root;
}

void read_batching(PipelineOptions& options, const Log& log) {
    const PipelineOptions defaults;
    read_milliseconds(options.export_interval, defaults.export_interval,
                      first_of({"OTEL_BSP_SCHEDULE_DELAY"}), log);
    read_milliseconds(options.max_retry_time, defaults.max_retry_time, first_of({"OTEL_BSP_EXPORT_TIMEOUT"}),
                      log);
    constexpr std::array<std::pair<const char*, const char*>, 2> kWithoutMeaning = {{
        {"OTEL_BSP_MAX_QUEUE_SIZE", "pipeline.memory_budget_bytes"},
        {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "pipeline.max_batch_bytes"},
    }};
    for (const auto& [name, option] : kWithoutMeaning) {
        if (!environment_value(name)) continue;
        log(LogLevel::kWarning,
            std::string(name) + " has no effect: spans are bounded by their bytes, see " + option);
    }
}

/// A "token" of RFC 9110, 5.6.2.
bool is_header_name(std::string_view name) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               kOthers.find(c) != std::string_view::npos;
    });
}

/// Those that say how the request is to be read: the library's to set.
bool is_framing(std::string_view name) {
    constexpr std::array<std::string_view, 8> kFraming = {
        "content-type", "content-encoding", "content-length", "transfer-encoding",
        "host",         "expect",           "connection",     "upgrade"};
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return std::find(kFraming.begin(), kFraming.end(), lower) != kFraming.end();
}

void read_headers(OtlpEndpoint& endpoint, const Log& log) {
    const auto variable = first_of({"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"});
    if (!variable) return;
    const auto list = environment_list(variable->name.c_str(), log);
    if (!list) return;
    for (const auto& [name, value] : *list) {
        if (!is_header_name(name) || is_framing(name) || !is_header_value(value)) {
            log(LogLevel::kWarning,
                variable->name +
                    " has a header that must not be set, or a character that may not stand in one; " +
                    "it is ignored");
            endpoint.headers.clear();
            endpoint.secrets.clear();
            return;
        }
        endpoint.headers.push_back(name + ": " + value);
        for (std::string_view rest = value; !rest.empty();) {
            const std::string_view word = rest.substr(0, rest.find(' '));
            rest.remove_prefix(std::min(rest.size(), word.size() + 1));
            if (word.size() >= kShortestSecret) endpoint.secrets.emplace_back(word);
        }
    }
}

}  // namespace

bool is_otel_sdk_disabled(const Log& log) {
    return environment_switch("OTEL_SDK_DISABLED", false, log).value_or(false);
}

void read_otel_options(TracerOptions& options, const Log& log) {
    read_sampler(options.sampler, log);
    read_limits(options.limits, log);
    read_batching(options.pipeline, log);
}

std::optional<OtlpEndpoint> read_otlp_endpoint(const Log& log) {
    OtlpEndpoint endpoint;
    constexpr const char* kOfTraces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    constexpr const char* kOfAll = "OTEL_EXPORTER_OTLP_ENDPOINT";
    for (const char* const name : {kOfTraces, kOfAll}) {
        const auto url = environment_value(name);
        if (!url) continue;
        const bool is_whole = name == kOfTraces;
        if (const std::string error = check_url(*url, is_whole); !error.empty()) {
            log(LogLevel::kWarning, std::string(name) + " is not usable (" + error + "); it is ignored");
            continue;
        }
        endpoint.url = *url;
        if (!is_whole) endpoint.url += url->ends_with('/') ? "v1/traces" : "/v1/traces";
        read_headers(endpoint, log);
        return endpoint;
    }
    return std::nullopt;
}

void read_otlp_options(PipelineOptions& options, const Log& log) {
    const PipelineOptions defaults;
    read_milliseconds(options.request_timeout, defaults.request_timeout,
                      first_of({"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"}), log);
    const auto compression =
        first_of({"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"});
    if (compression && is_default(options.compression, defaults.compression)) {
        const std::string& value = compression->value;
        if (value == "gzip") {
            options.compression = Compression::kGzip;
            options.compression_level = std::clamp(options.compression_level, 1, 9);
        } else if (value == "none") {
            options.compression = Compression::kNone;
        } else if (value != "zstd") {
            log(LogLevel::kWarning,
                compression->name + "=" + value + " is none of gzip, zstd, none; it is ignored");
        }
    }
    const auto certificate =
        first_of({"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"});
    if (certificate && options.ca_file.empty()) {
        if (::access(certificate->value.c_str(), R_OK) == 0) {
            options.ca_file = certificate->value;
        } else {
            log(LogLevel::kWarning, certificate->name + "=" + certificate->value +
                                        " is not a file that can be read; using the system's certificates");
        }
    }
}

}  // namespace judgeval::detail
