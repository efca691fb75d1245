// SPDX-License-Identifier: MIT
/// The inside of Tls: its settings, and the BoringSSL contexts made from them. Not public.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <quoin/error.hpp>
#include <quoin/file_path.hpp>
#include <quoin/tls.hpp>

#include "tls/handshake.hpp"

namespace quoin::inline v0 {

namespace tls {

using Sha256 = std::array<std::uint8_t, 32>;
using TicketKeys = std::array<std::uint8_t, 48>;

/// Frees what the TLS library made.
struct Free {
  void operator()(SSL_CTX* old) const noexcept { SSL_CTX_free(old); }

  void operator()(X509* old) const noexcept { X509_free(old); }

  void operator()(X509_STORE* old) const noexcept { X509_STORE_free(old); }

  void operator()(EVP_PKEY* old) const noexcept { EVP_PKEY_free(old); }

  void operator()(BIO* old) const noexcept { BIO_free(old); }
};

using ContextPtr = std::unique_ptr<SSL_CTX, Free>;
using CertificatePtr = std::unique_ptr<X509, Free>;
using StorePtr = std::unique_ptr<X509_STORE, Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;
using BioPtr = std::unique_ptr<BIO, Free>;

/// What a client checks about its server.
enum class Trust : std::uint8_t {
  chain,    ///< a trusted issuer vouches for it, and for this name
  nothing,  ///< besides the pins
};

/// A certificate to show.
struct Identity {
  std::vector<CertificatePtr> chain;  ///< the leaf first; empty: there is none
  KeyPtr key;                         ///< null: kept elsewhere

  [[nodiscard]] X509* leaf() const noexcept {
    return chain.empty() ? nullptr : chain.front().get();
  }
};

}  // namespace tls

/// The members are set before the first connection, by one thread; context() is for all threads.
struct Tls::Impl {
  bool server = false;
  std::vector<std::uint16_t> ciphers;  ///< protocol numbers; empty: any
  std::move_only_function<void(std::string_view)> key_log;
  std::string setup_error;  ///< why no certificate can be trusted, if so

  // Changed only by the functions below.
  tls::Identity identity;
  tls::StorePtr store;     ///< whose certificates are trusted; null: there is no TLS library
  std::string anchors_id;  ///< the same, as a digest
  std::vector<tls::CertificatePtr> anchors;  ///< server: the same, to name them to clients

  // Server.
  std::vector<Tls> hosts;
  /// By the names in the certificates of `hosts` and of this one, in lower case, with "*." in front
  /// of wildcards.
  std::map<std::string, const Impl*, std::less<>> by_name;
  bool strict_hosts = false;
  bool on_demand = false;  ///< it has no certificate of its own
  ClientAuth client_auth = ClientAuth::none;

  // Client.
  tls::Trust trust = tls::Trust::chain;
  std::vector<tls::Sha256> pins;

  /// Takes the certificate. Errors: LocalError::certificate_invalid; nothing changes then.
  [[nodiscard]] Result<> use(tls::Identity made);
  /// Adds the PEM certificates. Errors: LocalError::certificate_invalid.
  [[nodiscard]] Result<> trust_anchors(std::string_view pem);
  /// Server: asks clients for certificates.
  void ask_clients(ClientAuth mode);
  /// Server: encrypts tickets with these keys, on every transport.
  void set_ticket_keys(const tls::TicketKeys& keys);

  /// The context for connections on this transport, with all settings; null: no memory, or no TLS
  /// library. Made on first use, and again after a setting has changed.
  [[nodiscard]] tls::ContextPtr context(const tls::Transport& transport) const;

  /// Client: its trust and its identity. Sessions with another one are not resumed.
  [[nodiscard]] std::string trust_id() const;
  /// Server: the Tls whose certificate is shown to a client that asks for `name`; null for none.
  [[nodiscard]] const Impl* find_host(std::string_view name) const;
  /// Server: registers the names in the certificate.
  void index_names();

 private:
  using Made = std::pair<const tls::Transport*, tls::ContextPtr>;

  [[nodiscard]] tls::ContextPtr make_context(const tls::Transport& transport) const;
  /// What a ticket is bound to: one issued under one name or client verification must not be used
  /// under another, nor on another transport.
  [[nodiscard]] tls::Sha256 ticket_scope(const tls::Transport& transport) const;
  void forget_contexts();

  mutable std::mutex mutex_;  // for what follows
  mutable std::vector<Made> contexts_;
  std::optional<tls::TicketKeys> ticket_keys_;
};

namespace tls {

/// Checks the peer's chain, name and key, and stores the reason for a refusal in the session. For
/// SSL_CTX_set_cert_verify_callback.
int verify_peer(X509_STORE_CTX* store, void* argument);
/// Chooses the host that the client asks for. For SSL_CTX_set_tlsext_servername_callback.
int select_host(SSL* ssl, int* alert, void* argument);
/// Reads a certificate chain and its key; the second one when the key is elsewhere. Errors:
/// LocalError::certificate_invalid.
[[nodiscard]] Result<Identity> parse_identity(std::string_view chain, std::string_view key);
[[nodiscard]] Result<Identity> parse_identity(std::string_view chain);
/// Makes the context show this certificate. Errors: LocalError::certificate_invalid.
[[nodiscard]] Result<> show(SSL_CTX* context, const Identity& identity);
/// All certificates in the text; none when there is something else in it.
[[nodiscard]] std::vector<CertificatePtr> read_certificates(std::string_view pem);
/// Errors: system, with the file's name.
[[nodiscard]] Result<std::string> read_file(const FilePath& file);
/// Puts the file's name in front of the error.
[[nodiscard]] Error in_file(const Error& error, const FilePath& file);

/// Reads the two files and calls `use` with their texts; its errors get the files' names.
auto from_pair(const FilePath& chain, const FilePath& key, auto&& use)
    -> decltype(use(std::string{}, std::string{})) {
  const auto chain_text = read_file(chain);
  if (!chain_text) return std::unexpected(chain_text.error());
  const auto key_text = read_file(key);
  if (!key_text) return std::unexpected(key_text.error());
  auto used = use(*chain_text, *key_text);
  if (!used) return std::unexpected(in_file(used.error(), chain.native() + ", " + key.native()));
  return used;
}

[[nodiscard]] Sha256 sha256(std::string_view text);
/// Of the certificate's public key.
[[nodiscard]] Sha256 spki_digest(const X509* certificate);
/// Empty if there is no certificate.
[[nodiscard]] std::string fingerprint(const X509* certificate);
[[nodiscard]] std::string base64(const Sha256& digest);
/// The certificate's subjectAltName as "DNS:name" and "IP:address"; none if it is null.
[[nodiscard]] std::vector<std::string> certificate_names(const X509* certificate);
/// A distinguished name in one line.
[[nodiscard]] std::string name_text(const X509_NAME* name);
/// "2027-01-31T00:00:00Z".
[[nodiscard]] std::string time_text(const ASN1_TIME* time);
/// ASCII letters in lower case.
[[nodiscard]] std::string lower(std::string_view text);
/// SNI as the client sent it; empty if it sent none.
[[nodiscard]] std::string_view name_sent(const SSL* ssl);
/// The newest message of the TLS library's error queue, which is emptied.
[[nodiscard]] std::string take_tls_error();
/// LocalError::certificate_invalid.
[[nodiscard]] Error tls_error(std::string_view detail);

}  // namespace tls
}  // namespace quoin::inline v0
