// Archives of earlier versions stay readable: judgeval-cat prints each of tests/golden/ exactly as it did
// when the archive was added.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "archive/shell.hpp"

namespace judgeval {
namespace {

using test::read_file;

class Golden : public test::ShellTest {};

TEST_F(Golden, ArchivesArePrintedAsWhenTheyWereAdded) {
    const std::filesystem::path golden = JUDGEVAL_GOLDEN_FOLDER;
    std::set<std::string> suffixes;
    for (const auto& entry : std::filesystem::directory_iterator(golden)) {
        if (!entry.is_directory()) continue;
        const std::filesystem::path folder = entry.path();
        int archives = 0;
        for (const auto& file : std::filesystem::directory_iterator(folder)) {
            const std::string name = file.path().filename();
            if (name.rfind("spans.", 0) != 0) continue;
            ++archives;
            suffixes.insert(name);
            for (const char* const format : {"tree", "json", "otlp-json"}) {
                const test::Said said =
                    shell("$cat --format " + std::string(format) + " '" + file.path().string() + "'");
                EXPECT_EQ(said.exit_code, 0) << file << ": " << said.errors;
                EXPECT_EQ(said.output, read_file(folder / ("expected." + std::string(format)))) << file;
            }
        }
        EXPECT_GT(archives, 0) << folder;
    }
    EXPECT_TRUE(suffixes.count("spans.otlp") && suffixes.count("spans.otlp.gz") &&
                suffixes.count("spans.otlp.zst") && suffixes.count("spans.fb") &&
                suffixes.count("spans.fb.gz") && suffixes.count("spans.fb.zst"))
        << "an encoding has no golden file";
}

}  // namespace
}  // namespace judgeval
