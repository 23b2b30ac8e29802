// Finding a project's id by its name: POST {api}/v1/projects/resolve/.
//
// The exporter asks in the background while spans wait in memory; answers are kept by the client, for its
// other tracers.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "export/exporter.hpp"

namespace judgeval::detail {

/// Project ids by name, of one organization. Any thread.
class ProjectCache {
  public:
    /// One for all caches, since it must not be held across a fork (src/tracer.cpp) and nothing here is hot.
    static std::mutex& mutex() noexcept;

    [[nodiscard]] std::optional<std::string> find(const std::string& name) const;
    void remember(const std::string& name, const std::string& id);

  private:
    std::map<std::string, std::string> ids_;
};

[[nodiscard]] std::string project_header(const std::string& project_id);

/// The request that finds the project, and what to make of its answer.
[[nodiscard]] Preparation resolve_project(const std::string& api_url,
                                          const std::vector<std::string>& credentials,
                                          const std::string& project_name,
                                          std::shared_ptr<ProjectCache> cache);

/// True when `value` may stand in an HTTP header: visible ASCII and spaces, nothing that could start another
/// header.
[[nodiscard]] bool is_header_value(const std::string& value) noexcept;

}  // namespace judgeval::detail
