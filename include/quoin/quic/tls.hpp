// SPDX-License-Identifier: MIT
/// Identity and trust: certificates, keys and what a client believes. The handshake itself is
/// the engine's business; no TLS library type shows here.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <quoin/error.hpp>
#include <quoin/export.hpp>

namespace quoin {

/// The TLS side of a client or a server; copies share it. TLS 1.3 only (RFC 9001 §4.2). Settings
/// must be made before the first connection.
class QUOIN_EXPORT Tls {
 public:
  /// A server with a PEM certificate chain (leaf first) and its PEM private key. Errors: system
  /// and tls, naming the file and what is wrong with it: missing, unreadable, no PEM, a key that
  /// does not belong to the certificate, an expired certificate is only refused by clients.
  [[nodiscard]] static Result<Tls> server(const std::filesystem::path& chain,
                                          const std::filesystem::path& key);
  /// The same from PEM text.
  [[nodiscard]] static Result<Tls> server_from_pem(std::string_view chain, std::string_view key);
  /// A server with a fresh self-signed certificate (ECDSA P-256, 14 days, the longest that
  /// browsers accept by fingerprint) for `names`, which may be DNS names and IP addresses. For
  /// development and tests. Errors: UsageError::invalid_argument with the name in question, tls.
  [[nodiscard]] static Result<Tls> self_signed(std::span<const std::string> names);
  /// The same for localhost, 127.0.0.1 and ::1.
  [[nodiscard]] static Result<Tls> self_signed();

  /// A client that trusts what the system trusts: the file in $SSL_CERT_FILE if set, else the
  /// system's bundle. Without any, every server is refused as untrusted.
  [[nodiscard]] static Tls client();
  /// A client that trusts the PEM certificates in this file and nothing else. Errors: system and
  /// tls, with the file's name; a file without certificates is an error.
  [[nodiscard]] static Result<Tls> client(const std::filesystem::path& trust_anchors);
  /// The same from PEM text.
  [[nodiscard]] static Result<Tls> client_from_pem(std::string_view trust_anchors);
  /// A client that believes everybody. Whoever is on the path can read and change everything:
  /// for tests only.
  [[nodiscard]] static Tls insecure_client();

  /// For servers.
  [[nodiscard]] bool is_server() const noexcept;

  /// Only these TLS 1.3 cipher suites, separated by colons, of TLS_AES_128_GCM_SHA256,
  /// TLS_AES_256_GCM_SHA384 and TLS_CHACHA20_POLY1305_SHA256; a connection on which another one
  /// is negotiated fails. Errors: UsageError::invalid_argument with the unknown name.
  [[nodiscard]] Result<> set_ciphers(std::string_view names);
  /// Calls `log` with each TLS secret as a line in NSS key log format, without end of line.
  /// Whoever has these lines can read the traffic.
  void set_key_log(std::function<void(std::string_view line)> log);

  /// The server certificate's SHA-256, 64 hexadecimal digits; empty for clients.
  [[nodiscard]] std::string certificate_sha256() const;
  /// The SHA-256 of the server's public key (SPKI) in base64, as browsers take it for
  /// --ignore-certificate-errors-spki-list; empty for clients.
  [[nodiscard]] std::string spki_sha256() const;
  /// The server's certificate chain as PEM text, for clients to trust; empty for clients.
  [[nodiscard]] std::string certificate_pem() const;

  struct Impl;

  /// For the library's own use.
  explicit Tls(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

  /// For the library's own use.
  [[nodiscard]] Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace quoin
