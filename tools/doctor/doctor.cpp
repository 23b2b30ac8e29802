// See doctor.hpp.
#include "doctor/doctor.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include "doctor/probe.hpp"
#include "export/curl_transport.hpp"
#include "judgeval/judgeval.hpp"
#include "judgment/environment.hpp"
#include "judgment/otel_environment.hpp"
#include "judgment/project.hpp"

namespace judgeval::doctor {

namespace {

using detail::environment_value;

constexpr const char* kDefaultApiUrl = "https://api.judgmentlabs.ai";

/// A Date header has whole seconds, and takes a while to come.
constexpr std::int64_t kMostSkewSeconds = 60;

class Report {
  public:
    explicit Report(std::ostream& output) : output_(output) {}

    void hide(const std::string& secret) {
        if (!secret.empty()) secrets_.push_back(secret);
    }
    void ok(std::string_view step, const std::string& what) { line(step, "ok", what); }
    void failed(std::string_view step, const std::string& what, const std::string& fix) {
        ++failures_;
        line(step, "FAILED", what);
        line("", "", "fix: " + fix);
    }
    void left_out(std::string_view step) { line(step, "-", "left out: it needs what failed above"); }
    [[nodiscard]] int failures() const { return failures_; }

  private:
    void line(std::string_view step, std::string_view verdict, std::string text) {
        for (const std::string& secret : secrets_) {
            for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3) {
                text.replace(at, secret.size(), "***");
            }
        }
        std::replace_if(
            text.begin(), text.end(), [](char c) { return c >= '\0' && c < ' '; }, ' ');
        output_ << std::left << std::setw(14) << step << std::setw(8) << verdict << text << '\n';
    }

    std::ostream& output_;
    std::vector<std::string> secrets_;
    int failures_ = 0;
};

/// Where spans would go.
struct Destination {
    bool is_judgment = true;
    std::string url;                   ///< Judgment: the base
    std::vector<std::string> headers;  ///< with the credentials
};

/// Lines of the library, to be said as the reason of a step that failed.
class Lines {
  public:
    [[nodiscard]] LogHandler handler() {
        return [this](LogLevel level, std::string_view line) {
            if (level < LogLevel::kWarning) return;
            const std::lock_guard lock(mutex_);
            text_.append(text_.empty() ? "" : "; ").append(line);
        };
    }
    [[nodiscard]] std::string take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(text_, {});
    }

  private:
    std::mutex mutex_;
    std::string text_;
};

bool is_off(const char* name, bool when) {
    Lines lines;
    return detail::environment_switch(name, !when, detail::Log(lines.handler())) == when;
}

std::optional<Destination> check_environment(Report& report) {
    constexpr std::string_view kStep = "environment";
    for (const char* const name : {"JUDGMENT_MONITORING", "JUDGMENT_ENABLE_MONITORING"}) {
        if (environment_value(name)) {
            if (is_off(name, false)) {
                report.failed(kStep, std::string(name) + " switches tracing off",
                              std::string("unset ") + name);
                return std::nullopt;
            }
            break;  // the documented name wins
        }
    }
    if (is_off("OTEL_SDK_DISABLED", true)) {
        report.failed(kStep, "OTEL_SDK_DISABLED switches tracing off", "unset OTEL_SDK_DISABLED");
        return std::nullopt;
    }
    const std::string key = environment_value("JUDGMENT_API_KEY").value_or("");
    const std::string organization = environment_value("JUDGMENT_ORG_ID").value_or("");
    Destination destination;
    if (key.empty() || organization.empty()) {
        Lines lines;
        if (auto otlp = detail::read_otlp_endpoint(detail::Log(lines.handler()))) {
            for (const std::string& secret : otlp->secrets) report.hide(secret);
            report.ok(kStep,
                      "no credentials of Judgment's: spans go to the endpoint of OTEL_EXPORTER_OTLP_*");
            return Destination{false, std::move(otlp->url), std::move(otlp->headers)};
        }
        const std::string missing = key.empty() && organization.empty()
                                        ? "JUDGMENT_API_KEY and JUDGMENT_ORG_ID are"
                                    : key.empty() ? "JUDGMENT_API_KEY is"
                                                  : "JUDGMENT_ORG_ID is";
        const std::string trouble = lines.take();
        report.failed(
            kStep, missing + " not set" + (trouble.empty() ? "" : "; " + trouble),
            "create a key on the platform's settings page, and export both in the environment of the "
            "program");
        return std::nullopt;
    }
    destination.url = environment_value("JUDGMENT_API_URL").value_or(kDefaultApiUrl);
    if (const std::string error = detail::check_url(destination.url); !error.empty()) {
        report.failed(kStep, "JUDGMENT_API_URL is not usable: " + error,
                      std::string("unset it for ") + kDefaultApiUrl + ", or set it to http(s)://HOST[:PORT]");
        return std::nullopt;
    }
    while (destination.url.ends_with('/')) destination.url.pop_back();
    destination.headers = {"Authorization: Bearer " + key, "X-Organization-Id: " + organization};
    report.ok(kStep, "JUDGMENT_API_KEY and JUDGMENT_ORG_ID are set; spans go to " + destination.url);
    return destination;
}

bool check_key(Report& report) {
    for (const char* const name : {"JUDGMENT_API_KEY", "JUDGMENT_ORG_ID"}) {
        const std::string value = environment_value(name).value_or("");
        constexpr std::string_view kStray = " \t\r\n\"'<>";
        if (!detail::is_header_value(value) || kStray.find(value.front()) != std::string_view::npos ||
            kStray.find(value.back()) != std::string_view::npos) {
            report.failed("key",
                          std::string(name) +
                              " has a space, quote, line break or other character around it or in it "
                              "that no key has",
                          std::string("copy ") + name + " again, without quotes and line breaks");
            return false;
        }
    }
    report.ok("key", "its shape is that of a key");
    return true;
}

/// What stands in a proxy's variable, without its user and password.
std::string shown_proxy(const std::string& proxy) {
    const auto at = proxy.rfind('@');
    return at == std::string::npos ? proxy : "***@" + proxy.substr(at + 1);
}

/// Whether the library goes through one is libcurl's to say; this says what it would find.
void check_proxy(const Destination& destination, Report& report) {
    std::vector<const char*> names = {"https_proxy", "HTTPS_PROXY"};
    // libcurl leaves HTTP_PROXY alone, which a CGI server sets from a request's header
    if (destination.url.starts_with("http://")) names = {"http_proxy"};
    names.insert(names.end(), {"all_proxy", "ALL_PROXY"});
    for (const char* const name : names) {
        const auto value = environment_value(name);
        if (!value) continue;
        std::string except;
        for (const char* const no_proxy : {"no_proxy", "NO_PROXY"}) {
            if (const auto hosts = environment_value(no_proxy)) except = " (not for " + *hosts + ")";
        }
        return report.ok("proxy", std::string(name) + "=" + shown_proxy(*value) + except);
    }
    if (destination.url.starts_with("http://") && environment_value("HTTP_PROXY")) {
        return report.ok("proxy", "none; HTTP_PROXY is not looked at, http_proxy would be");
    }
    report.ok("proxy", "none");
}

bool check_connection(const Destination& destination, const ProbeOptions& options, Report& report) {
    const Connection connection = connect(options);
    const bool is_tls = destination.url.starts_with("https://");
    if (connection.failed_at == Reached::kProxyName || connection.failed_at == Reached::kHostName) {
        const bool is_proxy = connection.failed_at == Reached::kProxyName;
        report.failed("dns", connection.error,
                      is_proxy
                          ? "correct the proxy's name in the environment, or unset it"
                          : "correct the host's name in the URL; is there a network, and a name server in "
                            "/etc/resolv.conf?");
        report.left_out("connection");
        report.left_out("tls");
        return false;
    }
    report.ok("dns", connection.address.empty() ? "the name is known" : connection.address);
    if (connection.failed_at == Reached::kHost) {
        report.failed(
            "connection", connection.error,
            "does something listen at that host and port, and does a firewall or proxy let this machine "
            "reach it?");
        report.left_out("tls");
        return false;
    }
    report.ok("connection", "made");
    if (!is_tls) {
        report.ok("tls", "none: the URL is http, and the key is readable on the way");
        return true;
    }
    if (connection.failed_at == Reached::kTls) {
        report.failed(
            "tls", connection.error,
            "for a certificate of your own, give its PEM file (--ca-file, pipeline.ca_file); else install "
            "ca-certificates, and ask who stands between: a proxy that looks inside?");
        return false;
    }
    report.ok("tls", "the certificate is good");
    return true;
}

/// Nothing when there was no answer to look at.
std::optional<Answer> check_project(const Destination& destination, ProbeOptions probe,
                                    const std::string& project, Report& report) {
    using nlohmann::json;
    probe.url = destination.url + "/v1/projects/resolve/";
    std::vector<std::string> headers = destination.headers;
    headers.emplace_back("Content-Type: application/json");
    Answer answer = post(
        probe, headers, json{{"project_name", project}}.dump(-1, ' ', false, json::error_handler_t::replace));
    const std::string status = "HTTP " + std::to_string(answer.status);
    if (answer.status == 0) {
        report.failed("project", answer.error, "is the host of the URL the platform, or something else?");
        return std::nullopt;
    }
    if (answer.status == 401 || answer.status == 403) {
        report.failed(
            "project", "the platform does not take the key for this organization (" + status + ")",
            "check JUDGMENT_API_KEY and JUDGMENT_ORG_ID: both of the same organization, the key not "
            "revoked");
    } else if (answer.status == 404) {
        report.failed("project", "the platform does not know project " + project + " (" + status + ")",
                      "create the project on the platform, or correct its name (--project, project_name); is "
                      "JUDGMENT_API_URL the platform's?");
    } else if (answer.status != 200) {
        report.failed("project", "the platform answers " + status,
                      answer.status >= 500 ? "try again later" : "is JUDGMENT_API_URL the platform's?");
    } else {
        const json said = json::parse(answer.body, nullptr, false);
        const bool has_id = said.is_object() && said.contains("project_id") && said["project_id"].is_string();
        if (has_id) {
            report.ok("project", project + " is known");
        } else {
            report.failed("project", "the answer has no project_id", "is JUDGMENT_API_URL the platform's?");
        }
    }
    return answer;
}

void check_clock(const std::optional<std::time_t>& date, Report& report) {
    if (!date) return report.ok("clock", "the backend does not tell the time (no Date header)");
    const std::int64_t skew = std::time(nullptr) - *date;
    const std::string text =
        std::to_string(skew < 0 ? -skew : skew) + " s " + (skew < 0 ? "behind" : "ahead of");
    if (skew > kMostSkewSeconds || skew < -kMostSkewSeconds) {
        return report.failed(
            "clock", "this machine's clock is " + text + " the backend's: spans appear at a wrong time",
            "set the clock, and let NTP keep it (timedatectl set-ntp true)");
    }
    report.ok("clock", "within " + std::to_string(kMostSkewSeconds) + " s of the backend's");
}

void send_span(const DoctorOptions& options, Report& report) {
    Lines lines;
    const Judgeval client({.project_name = options.project_name, .log_handler = lines.handler()});
    TracerOptions tracer_options;
    tracer_options.pipeline.ca_file = options.ca_file;
    tracer_options.pipeline.shutdown_timeout = std::chrono::milliseconds(0);
    const Tracer tracer = client.tracer.create(std::move(tracer_options));
    {
        auto span = tracer.span("judgeval-doctor", {.type = "function"});
        span.set_output("It arrived.");
    }
    tracer.force_flush(options.timeout);
    const Stats stats = tracer.stats();
    if (stats.exported == 1) {
        return report.ok("test span", "delivered: look for judgeval-doctor among the traces");
    }
    std::string fix = "the lines above say what stands in its way";
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        if (stats.dropped[i] != 0) fix = advice_for(static_cast<DropReason>(i));
    }
    const std::string said = lines.take();
    report.failed("test span", said.empty() ? "not delivered in time" : said, fix);
}

}  // namespace

int examine(const DoctorOptions& options, std::ostream& output) {
    Report report(output);
    report.hide(environment_value("JUDGMENT_API_KEY").value_or(""));
    const auto destination = check_environment(report);
    if (!destination) return report.failures();
    if (destination->is_judgment && !check_key(report)) return report.failures();
    check_proxy(*destination, report);
    ProbeOptions probe{destination->url, options.ca_file, options.timeout};
    if (!destination->is_judgment && probe.ca_file.empty()) {
        PipelineOptions pipeline;
        detail::read_otlp_options(pipeline, detail::Log());
        probe.ca_file = pipeline.ca_file;
    }
    if (!check_connection(*destination, probe, report)) {
        if (destination->is_judgment) report.left_out("project");
        report.left_out("clock");
        report.left_out("test span");
        return report.failures();
    }
    const auto answer = destination->is_judgment
                            ? check_project(*destination, probe, options.project_name, report)
                            : post(probe, destination->headers, "");
    check_clock(answer ? answer->date : std::nullopt, report);
    send_span(options, report);
    return report.failures();
}

}  // namespace judgeval::doctor
