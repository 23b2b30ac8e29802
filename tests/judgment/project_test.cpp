// The request that finds a project, and answers of every kind to it.
#include "judgment/project.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace judgeval::detail {
namespace {

using testing::Contains;
using testing::ElementsAre;

class Project : public testing::Test {
  protected:
    std::variant<std::vector<std::string>, std::string> answer(const std::string& body) {
        const Preparation preparation =
            resolve_project("http://host", {"Authorization: Bearer k"}, "name", cache_);
        HttpResponse response;
        response.status = 200;
        response.body = body;
        return preparation.finish(response);
    }
    std::shared_ptr<ProjectCache> cache_ = std::make_shared<ProjectCache>();
};

TEST_F(Project, IsAskedForAsThePlatformWantsIt) {
    const std::string name = "a \"project\" \xE2\x82\xAC\n";
    const Preparation preparation = resolve_project("http://host", {"Authorization: Bearer k"}, name, cache_);
    EXPECT_EQ(preparation.request.url, "http://host/v1/projects/resolve/");
    EXPECT_THAT(preparation.request.headers, Contains("Authorization: Bearer k"));
    EXPECT_THAT(preparation.request.headers, Contains("Content-Type: application/json"));
    std::string body;
    for (const auto piece : preparation.request.body) body.append(piece);
    EXPECT_EQ(nlohmann::json::parse(body), (nlohmann::json{{"project_name", name}}));
}

TEST_F(Project, WithANameThatIsNotUtf8IsStillAskedFor) {
    const Preparation preparation = resolve_project("http://host", {}, "bad\xFF", cache_);
    std::string body;
    for (const auto piece : preparation.request.body) body.append(piece);
    EXPECT_TRUE(nlohmann::json::accept(body));
}

TEST_F(Project, BecomesAHeaderAndIsRemembered) {
    const auto result = answer(R"({"project_id": "0b7c-42", "more": [1]})");
    ASSERT_TRUE(std::holds_alternative<std::vector<std::string>>(result));
    EXPECT_THAT(std::get<std::vector<std::string>>(result), ElementsAre("X-Project-Id: 0b7c-42"));
    EXPECT_EQ(cache_->find("name"), "0b7c-42");
    EXPECT_EQ(cache_->find("other"), std::nullopt);
}

TEST_F(Project, WithAnAnswerThatIsNoneIsRefused) {
    const std::string deep(100'000, '[');
    const std::string bodies[] = {"",
                                  "{}",
                                  "[]",
                                  "null",
                                  "not json",
                                  "\xFF\xFE",
                                  R"({"project_id": 7})",
                                  R"({"project_id": null})",
                                  R"({"project_id": ""})",
                                  R"({"project_id": {"id": "x"}})",
                                  R"({"project_id": "x)",
                                  R"({"project_id": "x\r\nAuthorization: Bearer stolen"})",
                                  R"({"project_id": "x\u0000"})",
                                  R"({"project_id": "€"})",
                                  R"({"project_id": ")" + std::string(2000, 'x') + "\"}",
                                  R"([{"project_id": "x"}])",
                                  deep};
    for (const auto& body : bodies) {
        const auto result = answer(body);
        ASSERT_TRUE(std::holds_alternative<std::string>(result)) << body.substr(0, 100);
        EXPECT_NE(std::get<std::string>(result), "");
        EXPECT_EQ(cache_->find("name"), std::nullopt);
    }
}

TEST(HeaderValue, IsVisibleAsciiAndSpaces) {
    EXPECT_TRUE(is_header_value(""));
    EXPECT_TRUE(is_header_value("sk-123 ~"));
    for (const char* const value : {"a\rb", "a\nb", "a\tb", "a\x7F", "caf\xC3\xA9", "\x01"}) {
        EXPECT_FALSE(is_header_value(value));
    }
    EXPECT_FALSE(is_header_value(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace judgeval::detail
