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
        for (const char* const name :
             {"JUDGMENT_API_KEY", "JUDGMENT_ORG_ID", "JUDGMENT_API_URL", "JUDGMENT_MONITORING",
              "JUDGMENT_EVALUATIONS", "JUDGMENT_ENABLE_MONITORING", "JUDGMENT_ENABLE_EVALUATIONS",
              "JUDGMENT_LOG_LEVEL", "JUDGMENT_NO_COLOR", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME"}) {
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
