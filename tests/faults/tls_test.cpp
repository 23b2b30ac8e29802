// The key goes to no host that cannot prove who it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <judgeval/judgeval.hpp>
#include <mutex>
#include <string>
#include <vector>

#include "faults/faulty_backend.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;

class Tls : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "judgeval-tls-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string pem_of(const Certificate& certificate) const {
        const std::string path = (directory_ / "certificate.pem").string();
        certificate.write_pem(path);
        return path;
    }

    Tracer make_tracer(const std::string& url, const std::string& ca_file) {
        return Judgeval({.project_name = "tls",
                         .api_key = "secret-key",
                         .organization_id = "organization",
                         .api_url = url,
                         .log_handler =
                             [this](LogLevel, std::string_view line) {
                                 const std::lock_guard lock(mutex_);
                                 lines_.emplace_back(line);
                             }})
            .tracer.create({.pipeline = {.ca_file = ca_file}});
    }

    /// Nothing is sent, nothing is lost before the tracer ends, and the log says why.
    void expect_refused(const Certificate& certificate, const std::string& ca_file) {
        FaultyBackend backend({.certificate = &certificate});
        const Tracer tracer = make_tracer(backend.url(), ca_file);
        { auto span = tracer.span("span"); }
        EXPECT_FALSE(tracer.force_flush(2s));
        EXPECT_EQ(tracer.stats().in_flight, 1U);
        EXPECT_FALSE(tracer.shutdown(10ms));
        EXPECT_EQ(tracer.stats().dropped_by(DropReason::kShutdown), 1U);
        EXPECT_TRUE(backend.requests().empty()) << "the key was sent";
        const std::lock_guard lock(mutex_);
        EXPECT_THAT(lines_, testing::Contains(testing::HasSubstr("SSL")));
        EXPECT_THAT(lines_, testing::Not(testing::Contains(testing::HasSubstr("secret-key"))));
    }

  private:
    std::filesystem::path directory_;
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

TEST_F(Tls, AGivenCertificateIsAccepted) {
    const Certificate certificate("localhost", 24h);
    FaultyBackend backend({.certificate = &certificate});
    const Tracer tracer = make_tracer(backend.url(), pem_of(certificate));
    { auto span = tracer.span("span"); }
    ASSERT_TRUE(tracer.force_flush(60s));
    EXPECT_EQ(tracer.stats().exported, 1U);
    ASSERT_EQ(backend.requests().size(), 1U);
    EXPECT_EQ(backend.requests()[0].authorization, "Bearer secret-key");
}

TEST_F(Tls, ASelfSignedOneIsRefused) {
    const Certificate certificate("localhost", 24h);
    expect_refused(certificate, "");
}

TEST_F(Tls, OneOfAnotherHostIsRefused) {
    const Certificate certificate("elsewhere.example", 24h);
    expect_refused(certificate, pem_of(certificate));
}

TEST_F(Tls, AnExpiredOneIsRefused) {
    const Certificate certificate("localhost", -1h);
    expect_refused(certificate, pem_of(certificate));
}

}  // namespace
}  // namespace judgeval::faults
