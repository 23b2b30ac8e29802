// A certificate that vouches for itself, made on the spot: for a TLS server in a test.
#pragma once

#include <openssl/ossl_typ.h>

#include <chrono>
#include <memory>
#include <string>

namespace judgeval::faults {

class Certificate {
  public:
    /// For that host name, valid from a day ago until `lasts` from now. Throws std::runtime_error when
    /// OpenSSL fails.
    Certificate(const std::string& host, std::chrono::seconds lasts);

    [[nodiscard]] X509* certificate() const noexcept { return certificate_.get(); }
    [[nodiscard]] EVP_PKEY* private_key() const noexcept { return key_.get(); }
    /// For a client that is to trust it.
    void write_pem(const std::string& path) const;

  private:
    std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
    std::unique_ptr<X509, void (*)(X509*)> certificate_;
};

}  // namespace judgeval::faults
