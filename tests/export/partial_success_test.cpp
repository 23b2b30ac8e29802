// What is read from a backend's answer, whatever it is.
#include "export/partial_success.hpp"

#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>
#include <random>
#include <string>

namespace judgeval::detail {
namespace {

std::string answer(std::int64_t rejected, const std::string& message) {
    std::string fields;
    protozero::pbf_writer partial(fields);
    partial.add_int64(1, rejected);
    partial.add_string(2, message);
    partial.add_string(99, "from the future");
    std::string body;
    protozero::pbf_writer(body).add_message(1, fields);
    return body;
}

TEST(PartialSuccess, IsReadFromAnAnswer) {
    const auto result = read_partial_success(answer(12, "too old"));
    EXPECT_EQ(result.rejected_spans, 12U);
    EXPECT_EQ(result.error_message, "too old");
}

TEST(PartialSuccess, BoundsWhatAServerSays) {
    EXPECT_EQ(read_partial_success(answer(-5, "")).rejected_spans, 0U);
    EXPECT_EQ(read_partial_success(answer(1, std::string(100'000, 'x'))).error_message.size(), 200U);
}

TEST(PartialSuccess, IsNoneInWhatIsNoSuchMessage) {
    for (const std::string body :
         {"", "{}", "{\"partialSuccess\":{\"rejectedSpans\":3}}", "OK", "<html>", "\x0A\xFF", "\x0A\x02\x08",
          "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"}) {
        EXPECT_EQ(read_partial_success(body).rejected_spans, 0U) << testing::PrintToString(body);
    }
    const std::string whole = answer(12, "too old");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(read_partial_success(whole.substr(0, size)).rejected_spans, 0U) << size;
    }
}

TEST(PartialSuccess, SurvivesRandomBytes) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 100'000; ++round) {
        std::string body(random() % 24, '\0');
        for (char& c : body) c = static_cast<char>(random() % 4 == 0 ? random() % 256 : random() % 20);
        EXPECT_LE(read_partial_success(body).error_message.size(), 200U);
    }
}

}  // namespace
}  // namespace judgeval::detail
