// A folder of its own for a test that runs programs, and the shell to run them with, as a user does.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "judgment/environment_guard.hpp"

namespace judgeval::test {

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.is_open()) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream file(path, std::ios::binary);
    file << bytes;
    ASSERT_TRUE(file.good()) << path;
}

struct Said {
    int exit_code = -1;  ///< -1: ended by a signal
    std::string output;
    std::string errors;
};

class ShellTest : public ::testing::Test {
  protected:
    ShellTest() {
        std::string pattern = std::filesystem::temp_directory_path() / "judgeval-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder for the test");
        folder_ = pattern;
    }
    ~ShellTest() override { std::filesystem::remove_all(folder_); }

    /// In the test's folder, where $cat is judgeval-cat and $write is write_spans; without credentials.
    [[nodiscard]] Said shell(const std::string& commands) const {
        const std::string script = "cd '" + folder_.string() +
                                   "'\ncat='" JUDGEVAL_CAT_PROGRAM "' write='" JUDGEVAL_WRITE_SPANS_PROGRAM
                                   "'\n{ " +
                                   commands + "\n} >said.output 2>said.errors";
        const int status = std::system(script.c_str());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder_ / "said.output"),
                read_file(folder_ / "said.errors")};
    }

    EnvironmentGuard environment_;
    std::filesystem::path folder_;
};

}  // namespace judgeval::test
