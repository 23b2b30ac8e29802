// What a client logged, collected from whichever thread it comes.
#pragma once

#include <judgeval/options.hpp>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace judgeval::test {

/// Outlives the client and its tracers, whose log handler points here.
class LogLines {
  public:
    [[nodiscard]] LogHandler handler() {
        return [this](LogLevel, std::string_view line) {
            const std::lock_guard lock(mutex_);
            lines_.emplace_back(line);
        };
    }
    /// The lines since this was called last.
    [[nodiscard]] std::vector<std::string> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(lines_, {});
    }

  private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

/// For a test that loses spans and says so by itself.
inline void no_log(LogLevel /*level*/, std::string_view /*line*/) {}

}  // namespace judgeval::test
