// The key goes to no host that cannot prove who it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <judgeval/judgeval.hpp>
#include <string>
#include <vector>

#include "client.hpp"
#include "faults/faulty_backend.hpp"

namespace judgeval::faults {
namespace {

using namespace std::chrono_literals;
using test::make_tracer;

/// Where this test may keep the certificate for as long as it runs.
std::string pem_of(const Certificate& certificate) {
    std::string path = testing::TempDir() + "judgeval-" +
                       testing::UnitTest::GetInstance()->current_test_info()->name() + ".pem";
    certificate.write_pem(path);
    return path;
}

/// Nothing is sent, nothing is lost before the tracer ends, and the log says why.
void expect_refused(const Certificate& certificate, const std::string& ca_file, bool is_tls_old = false) {
    FaultyBackend backend({.certificate = &certificate, .is_tls_old = is_tls_old});
    test::LogLines log;
    const Tracer tracer = make_tracer(backend.url(), {.pipeline = {.ca_file = ca_file}}, log.handler());
    { auto span = tracer.span("span"); }
    EXPECT_FALSE(tracer.force_flush(2s));
    EXPECT_EQ(tracer.stats().in_flight, 1U);
    EXPECT_FALSE(tracer.shutdown(10ms));
    EXPECT_EQ(tracer.stats().dropped_by(DropReason::kShutdown), 1U);
    EXPECT_TRUE(backend.requests().empty()) << "the key was sent";
    const auto lines = log.take();
    EXPECT_THAT(lines, testing::Contains(testing::HasSubstr("SSL")));
    EXPECT_THAT(lines, testing::Not(testing::Contains(testing::HasSubstr("secret-key"))));
}

TEST(Tls, AGivenCertificateIsAccepted) {
    const Certificate certificate("localhost", 24h);
    FaultyBackend backend({.certificate = &certificate});
    const Tracer tracer = make_tracer(backend.url(), {.pipeline = {.ca_file = pem_of(certificate)}});
    { auto span = tracer.span("span"); }
    ASSERT_TRUE(tracer.force_flush(60s));
    EXPECT_EQ(tracer.stats().exported, 1U);
    ASSERT_EQ(backend.requests().size(), 1U);
    EXPECT_EQ(backend.requests()[0].authorization, "Bearer secret-key");
}

TEST(Tls, ASelfSignedOneIsRefused) {
    const Certificate certificate("localhost", 24h);
    expect_refused(certificate, "");
}

// OpenSSL itself would take it: see old_tls.cnf.
TEST(Tls, AVersionBefore12IsRefused) {
    const Certificate certificate("localhost", 24h);
    expect_refused(certificate, pem_of(certificate), true);
}

TEST(Tls, OneOfAnotherHostIsRefused) {
    const Certificate certificate("elsewhere.example", 24h);
    expect_refused(certificate, pem_of(certificate));
}

TEST(Tls, AnExpiredOneIsRefused) {
    const Certificate certificate("localhost", -1h);
    expect_refused(certificate, pem_of(certificate));
}

}  // namespace
}  // namespace judgeval::faults
