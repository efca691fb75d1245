// SPDX-License-Identifier: MIT
/// Certificates for tests, good and bad, as PEM text. Generated for each run, so that none can
/// expire in the tree.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/tls_request.hpp>

namespace quoin::test {

/// What to request from an issuer.
struct CertificateRequest {
  std::string common_name = "test";
  std::string alternative_names;  ///< "DNS:a.example,IP:192.0.2.1"; empty: no such extension
  int valid_from_days = -1;       ///< from now
  int valid_to_days = 30;         ///< from now
  bool is_issuer = false;
  std::string extended_usage = "serverAuth";
  /// RSA instead of ECDSA, whose signatures vary in length: with RSA, two runs send exactly the
  /// same number of bytes.
  bool is_rsa = false;
};

/// A certificate with its private key.
struct Identity {
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM
};

/// What the holder of the PEM key `key` would sign for a handshake.
[[nodiscard]] std::vector<std::byte> sign(const std::string& key, SignatureScheme scheme,
                                          Bytes input);

/// Signs certificates.
class Issuer {
 public:
  /// A root of its own.
  explicit Issuer(const std::string& name);
  Issuer(const Issuer&) = delete;
  Issuer& operator=(const Issuer&) = delete;
  ~Issuer();

  [[nodiscard]] const std::string& certificate() const noexcept { return identity_.certificate; }

  [[nodiscard]] Identity issue(const CertificateRequest& request) const;

 private:
  Identity identity_;
};

/// A certificate signed by its own key.
[[nodiscard]] Identity self_signed(const CertificateRequest& request);
/// A certificate signed by another identity.
[[nodiscard]] Identity signed_by(const Identity& issuer, const CertificateRequest& request);

}  // namespace quoin::test
