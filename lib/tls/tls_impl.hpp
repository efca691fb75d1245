// SPDX-License-Identifier: MIT
/// The inside of Tls: a BoringSSL context set up for QUIC. Not public.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <quoin/error.hpp>
#include <quoin/tls.hpp>

namespace quoin::inline v0 {

using Sha256 = std::array<std::uint8_t, 32>;

/// What a client checks about its server.
enum class Trust : std::uint8_t {
  chain,    ///< a trusted issuer vouches for it, and for this name
  nothing,  ///< besides the pins
};

struct Tls::Impl {
  struct ContextDeleter {
    void operator()(SSL_CTX* old) const noexcept { SSL_CTX_free(old); }
  };

  std::unique_ptr<SSL_CTX, ContextDeleter> context;
  bool server = false;
  std::vector<std::uint16_t> ciphers;  ///< protocol numbers; empty: any
  std::function<void(std::string_view)> key_log;
  std::string anchors_id;   ///< whose certificates are trusted, as a digest
  std::string setup_error;  ///< why no certificate can be trusted, if there is a reason

  // Server.
  std::vector<Tls> hosts;
  /// By the names in the certificates, lower case, "*." in front of wildcards; of `hosts` and of
  /// this one.
  std::map<std::string, const Impl*, std::less<>> by_name;
  bool strict_hosts = false;
  bool on_demand = false;  ///< it has no certificate of its own
  ClientAuth client_auth = ClientAuth::none;

  // Client.
  Trust trust = Trust::chain;
  std::vector<Sha256> pins;

  /// Client: whom it trusts and who it says it is. Sessions of another one are not resumed.
  [[nodiscard]] std::string trust_id() const;
  /// Server: whose certificate is shown to a client that asks for `name`; null for nobody's.
  [[nodiscard]] const Impl* find_host(std::string_view name) const;
};

namespace quic {

/// Checks the peer's chain, name and key, and leaves the reason of a refusal with the connection.
/// For SSL_CTX_set_cert_verify_callback.
int verify_peer(X509_STORE_CTX* store, void* argument);
/// Chooses the host that the client asks for. For SSL_CTX_set_tlsext_servername_callback.
int select_host(SSL* ssl, int* alert, void* argument);
/// Enters the certificate's names under which `impl` is found, and binds its tickets to them and
/// to what it asks of clients. To be called when one of these has changed.
void index_names(Tls::Impl& impl);
/// Takes the PEM certificates as trust anchors.
[[nodiscard]] Result<> trust_anchors(Tls::Impl& impl, std::string_view pem);
/// Makes the context show this certificate.
[[nodiscard]] Result<> use_certificate(SSL_CTX* context, std::string_view chain,
                                       std::string_view key);
/// The same without the key: the context asks for signatures, see requests.hpp.
[[nodiscard]] Result<> use_certificate(SSL_CTX* context, std::string_view chain);
/// Errors: system, with the file's name.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& file);
/// Puts the name of the file in front of what is wrong with it.
[[nodiscard]] Error in_file(const Error& error, const std::filesystem::path& file);

/// Reads the two files and calls `use` with their texts; its errors get the files' names.
auto from_pair(const std::filesystem::path& chain, const std::filesystem::path& key, auto&& use)
    -> decltype(use(std::string{}, std::string{})) {
  const auto chain_text = read_file(chain);
  if (!chain_text) {
    return std::unexpected(chain_text.error());
  }
  const auto key_text = read_file(key);
  if (!key_text) {
    return std::unexpected(key_text.error());
  }
  auto used = use(*chain_text, *key_text);
  if (!used) {
    return std::unexpected(in_file(used.error(), chain.string() + ", " + key.string()));
  }
  return used;
}

/// Of the certificate's public key.
[[nodiscard]] Sha256 spki_digest(const X509* certificate);
/// Empty if there is no certificate.
[[nodiscard]] std::string fingerprint(const X509* certificate);
[[nodiscard]] std::string base64(const Sha256& digest);
/// The certificate's subjectAltName as "DNS:name" and "IP:address".
[[nodiscard]] std::vector<std::string> certificate_names(const X509* certificate);
/// A distinguished name in one line.
[[nodiscard]] std::string name_text(const X509_NAME* name);
/// "2027-01-31T00:00:00Z".
[[nodiscard]] std::string time_text(const ASN1_TIME* time);
/// The newest message of the TLS library's error queue, which is emptied.
[[nodiscard]] std::string take_tls_error();

}  // namespace quic
}  // namespace quoin::inline v0
