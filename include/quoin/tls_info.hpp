// SPDX-License-Identifier: MIT
/// The outcome of a TLS handshake.
#pragma once

#include <quoin/version.hpp>

#include <string>
#include <vector>

namespace quoin::inline v0 {

/// What the handshake agreed on. Empty before it is complete.
struct TlsInfo {
  std::string version{};                         ///< "TLSv1.3"
  std::string cipher{};                          ///< for example "TLS_AES_128_GCM_SHA256"
  std::string group{};                           ///< for example "X25519"
  std::string alpn{};                            ///< the application protocol
  std::string server_name{};                     ///< SNI, as sent or received
  std::vector<std::string> certificate_names{};  ///< the peer's subjectAltName, "DNS:a.example"
  std::string certificate_issuer{};              ///< the peer's certificate's, RFC 2253 form
  std::string certificate_expires{};             ///< "2027-01-31T00:00:00Z"
  std::string certificate_sha256{};              ///< of the peer's certificate, 64 hex digits
  std::string spki_sha256{};                     ///< of the peer's public key, base64
  bool resumed = false;                          ///< an earlier session was resumed
};

}  // namespace quoin::inline v0
