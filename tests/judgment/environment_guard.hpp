// The environment of a test: everything the library reads is unset, and put back when the test is over.
#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace judgeval::test {

class EnvironmentGuard {
  public:
    EnvironmentGuard() {
        for (const char* const name : {"JUDGMENT_API_KEY",
                                       "JUDGMENT_ORG_ID",
                                       "JUDGMENT_API_URL",
                                       "JUDGMENT_MONITORING",
                                       "JUDGMENT_EVALUATIONS",
                                       "JUDGMENT_ENABLE_MONITORING",
                                       "JUDGMENT_ENABLE_EVALUATIONS",
                                       "JUDGMENT_LOG_LEVEL",
                                       "JUDGMENT_NO_COLOR",
                                       "OTEL_RESOURCE_ATTRIBUTES",
                                       "OTEL_SERVICE_NAME",
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
                                       "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"}) {
            const char* const value = std::getenv(name);
            before_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
            ::unsetenv(name);
        }
    }
    ~EnvironmentGuard() {
        for (const auto& [name, value] : before_) {
            if (value) {
                ::setenv(name.c_str(), value->c_str(), 1);
            } else {
                ::unsetenv(name.c_str());
            }
        }
    }
    EnvironmentGuard(const EnvironmentGuard&) = delete;
    EnvironmentGuard& operator=(const EnvironmentGuard&) = delete;

    void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
    void unset(const char* name) { ::unsetenv(name); }

  private:
    std::map<std::string, std::optional<std::string>> before_;
};

}  // namespace judgeval::test
