// Prompt scorers by name: GET {api}/v1/projects/{project_id}/scorers?names=NAME.
//
// A call of set-up, like making a client: whoever asks waits, while a thread of the library's own does the
// asking. Answers are kept for the client's life. Any thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "export/log.hpp"
#include "judgeval/evaluation.hpp"
#include "judgment/project.hpp"

namespace judgeval::detail {

class PromptScorerCache {
  public:
    /// With no `credentials` nothing is asked and nothing found.
    PromptScorerCache(std::string api_url, std::vector<std::string> credentials, std::string project_name,
                      std::shared_ptr<ProjectCache> projects)
        : api_url_(std::move(api_url)),
          credentials_(std::move(credentials)),
          project_name_(std::move(project_name)),
          projects_(std::move(projects)) {}

    /// Without a score_type, which is logged, when it cannot be had within `timeout`. That is not kept: the
    /// next call asks again.
    [[nodiscard]] Scorer get(const std::string& name, std::chrono::nanoseconds timeout, const Log& log);

  private:
    [[nodiscard]] Scorer fetch(const std::string& name, std::chrono::nanoseconds timeout) const;

    const std::string api_url_;
    const std::vector<std::string> credentials_;
    const std::string project_name_;
    const std::shared_ptr<ProjectCache> projects_;
    std::map<std::string, Scorer> found_;  ///< guarded by ProjectCache::mutex(), which forks know
};

}  // namespace judgeval::detail
