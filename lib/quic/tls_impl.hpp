// SPDX-License-Identifier: MIT
/// The inside of Tls: a BoringSSL context set up for QUIC. Not public.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <quoin/error.hpp>
#include <quoin/quic/tls.hpp>

namespace quoin {

struct Tls::Impl {
  struct ContextDeleter {
    void operator()(SSL_CTX* old) const noexcept { SSL_CTX_free(old); }
  };

  std::unique_ptr<SSL_CTX, ContextDeleter> context;
  bool server = false;
  std::vector<std::uint16_t> ciphers;  ///< protocol numbers; empty: any
  std::function<void(std::string_view)> key_log;
  std::string trust_id;     ///< client: whom it trusts; sessions of another trust are not resumed
  std::string setup_error;  ///< why no certificate can be trusted, if there is a reason
};

namespace quic {

/// Checks the peer's chain and name, and leaves the reason of a refusal with the connection.
/// For SSL_CTX_set_cert_verify_callback.
int verify_peer(X509_STORE_CTX* store, void* argument);
/// The certificate's subjectAltName as "DNS:name" and "IP:address".
[[nodiscard]] std::vector<std::string> certificate_names(const X509* certificate);
/// A distinguished name in one line.
[[nodiscard]] std::string name_text(const X509_NAME* name);
/// "2027-01-31T00:00:00Z".
[[nodiscard]] std::string time_text(const ASN1_TIME* time);
/// The newest message of the TLS library's error queue, which is emptied.
[[nodiscard]] std::string take_tls_error();

}  // namespace quic
}  // namespace quoin
