// See certificate.hpp.
#include "faults/certificate.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>

namespace judgeval::faults {

namespace {

void require(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

void add_extension(X509* certificate, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), X509_EXTENSION_free);
    require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "no extension");
}

}  // namespace

Certificate::Certificate(const std::string& host, std::chrono::seconds lasts)
    // what EVP_EC_gen() does, without its cast
    : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free),
      certificate_(X509_new(), X509_free) {
    require(key_ && certificate_, "no memory");
    X509* const certificate = certificate_.get();
    constexpr long kVersion3 = 2;
    X509_set_version(certificate, kVersion3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -24L * 3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), static_cast<long>(lasts.count()));
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("judgeval test"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key_.get());
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, "DNS:" + host);
    require(X509_sign(certificate, key_.get(), EVP_sha256()) != 0, "cannot sign");
}

void Certificate::write_pem(const std::string& path) const {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
    require(file && PEM_write_X509(file.get(), certificate_.get()) == 1, "cannot write a certificate");
}

}  // namespace judgeval::faults
