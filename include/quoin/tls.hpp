// SPDX-License-Identifier: MIT
/// Identity and trust: certificates, keys and what a client believes. The handshake itself is
/// the engine's business; no TLS library type shows here.
#pragma once

#include <quoin/version.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/file_path.hpp>

namespace quoin::inline v0 {

namespace detail {
struct Access;
}

/// Whether a server asks its clients for a certificate (RFC 8446 §4.3.2).
enum class ClientAuth : std::uint8_t {
  none,     ///< it does not
  request,  ///< a client may show one or not; one that is not good ends the handshake
  require,  ///< a client that does not show a good one is turned away
};

/// The TLS side of a client or a server; copies share it. TLS 1.3 only (RFC 9001 §4.2). Settings
/// must be made before the first connection.
class QUOIN_EXPORT Tls {
 public:
  /// A server with a PEM certificate chain (leaf first) and its PEM private key. Errors, with the
  /// file: system when it is missing or unreadable, LocalError::certificate_invalid when it is no
  /// PEM or the key does not belong to the certificate. Dates and names are not looked at; clients
  /// refuse an expired certificate.
  [[nodiscard]] static Result<Tls> server(const FilePath& chain, const FilePath& key);
  /// The same from PEM text.
  [[nodiscard]] static Result<Tls> server_from_pem(std::string_view chain, std::string_view key);
  /// A server whose private key is elsewhere, in a hardware module or another process, with its PEM
  /// chain (leaf first): each full handshake asks for one signature, see
  /// quoin/tls_request.hpp. Errors: as server().
  [[nodiscard]] static Result<Tls> server_without_key(const FilePath& chain);
  /// The same from PEM text.
  [[nodiscard]] static Result<Tls> server_without_key_from_pem(std::string_view chain);
  /// A server without a certificate: each handshake asks for one, see quoin/tls_request.hpp,
  /// but for names of a host that add_host() gave it. set_strict_hosts() has no effect, and what
  /// is asked of clients is what the Tls says that comes as the answer. Errors:
  /// LocalError::certificate_invalid when BoringSSL gives no context.
  [[nodiscard]] static Result<Tls> server_on_demand();
  /// A server with a fresh self-signed certificate (ECDSA P-256, 14 days, the longest that
  /// browsers accept by fingerprint) for `names`, which may be DNS names and IP addresses. For
  /// development and tests. Errors: UsageError::invalid_argument with the name in question,
  /// LocalError::certificate_invalid when BoringSSL cannot make it.
  [[nodiscard]] static Result<Tls> self_signed(std::span<const std::string> names);
  /// The same for localhost, 127.0.0.1 and ::1.
  [[nodiscard]] static Result<Tls> self_signed();

  /// Server: to clients that ask for a name in the certificate of `host`, another server's Tls, it
  /// shows that certificate and asks for theirs as `host` says. Names of this one and of all hosts
  /// are tried exactly, then with a wildcard (RFC 9525 §6.3); of two that are equal the one that
  /// came first is taken. Other names, and none (a client that connects to an IP address sends
  /// none), get this one's certificate. Settings of `host` must be made before, and those for the
  /// key log and the cipher suites do not count. A session is resumed only with the host that it
  /// began with. Errors: UsageError::invalid_argument for a client's Tls, for one that has hosts
  /// itself, and for one whose certificate has no name that SNI can ask for.
  [[nodiscard]] Result<> add_host(const Tls& host);
  /// Server: refuses names that no certificate is for with the alert unrecognized_name (RFC 6066
  /// §3), instead of showing this one's certificate. Off by default.
  void set_strict_hosts(bool strict);
  /// Server: the names of all its certificates as "DNS:name" and "IP:address", its own first.
  [[nodiscard]] std::vector<std::string> names() const;

  /// Server: asks clients for a certificate that one of the PEM certificates in this file vouches
  /// for. What it says is in Request::tls(), and must be checked there: everybody whom these
  /// issuers certified gets in. Early data (0-RTT) are not taken from clients that must show who
  /// they are. Errors: system, LocalError::certificate_invalid when there is no certificate in it,
  /// both with the file's name; UsageError::invalid_argument for a client's Tls.
  [[nodiscard]] Result<> verify_clients(const FilePath& trust_anchors,
                                        ClientAuth mode = ClientAuth::require);
  /// The same from PEM text.
  [[nodiscard]] Result<> verify_clients_from_pem(std::string_view trust_anchors,
                                                 ClientAuth mode = ClientAuth::require);

  /// A client that trusts what the system trusts: the file in $SSL_CERT_FILE if set, else the
  /// system's bundle. Without any, every server is refused as untrusted.
  [[nodiscard]] static Tls client();
  /// A client that trusts the PEM certificates in this file and nothing else. Errors, with the
  /// file's name: system, LocalError::certificate_invalid when there is no certificate in it.
  [[nodiscard]] static Result<Tls> client(const FilePath& trust_anchors);
  /// The same from PEM text.
  [[nodiscard]] static Result<Tls> client_from_pem(std::string_view trust_anchors);
  /// A client that believes everybody. Whoever is on the path can read and change everything:
  /// for tests only.
  [[nodiscard]] static Tls insecure_client();
  /// A client that believes whoever has one of these public keys, whatever name and dates the
  /// certificate bears; see pin() for what `pins` are. Errors: UsageError::invalid_argument.
  [[nodiscard]] static Result<Tls> pinned_client(std::span<const std::string> pins);

  /// Client: beyond everything else, the server's own public key (SPKI) must be one of these:
  /// SHA-256 in base64, as spki_sha256() gives it, with or without "sha256//" in front. Adds to
  /// what was pinned before. Errors: UsageError::invalid_argument with the pin that is none, for
  /// no pins at all, and for a server's Tls.
  [[nodiscard]] Result<> pin(std::span<const std::string> pins);
  /// Client: shows this certificate (PEM, leaf first) to servers that ask for one. Errors: as
  /// server(), and UsageError::invalid_argument for a server's Tls.
  [[nodiscard]] Result<> client_certificate(const FilePath& chain, const FilePath& key);
  /// The same from PEM text.
  [[nodiscard]] Result<> client_certificate_from_pem(std::string_view chain, std::string_view key);

  /// For servers.
  [[nodiscard]] bool is_server() const noexcept;
  /// Why no server at all will be trusted, for a person; empty if there is no such reason.
  [[nodiscard]] std::string trust_problem() const;

  /// Only these TLS 1.3 cipher suites, separated by colons, of TLS_AES_128_GCM_SHA256,
  /// TLS_AES_256_GCM_SHA384 and TLS_CHACHA20_POLY1305_SHA256; a connection on which another one
  /// is negotiated fails. Errors: UsageError::invalid_argument with the unknown name.
  [[nodiscard]] Result<> set_ciphers(std::string_view names);
  /// Calls `log` with each TLS secret as a line in NSS key log format, without end of line.
  /// Whoever has these lines can read the traffic. `log` must not throw: it is called inside TLS.
  void set_key_log(std::move_only_function<void(std::string_view line)> log);

  /// The server certificate's SHA-256, 64 hexadecimal digits; empty for clients.
  [[nodiscard]] std::string certificate_sha256() const;
  /// The SHA-256 of the server's public key (SPKI) in base64, as browsers take it for
  /// --ignore-certificate-errors-spki-list; empty for clients.
  [[nodiscard]] std::string spki_sha256() const;
  /// The server's certificate chain as PEM text, for clients to trust; empty for clients.
  [[nodiscard]] std::string certificate_pem() const;

  struct Impl;

 private:
  friend struct detail::Access;

  explicit Tls(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

  std::shared_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
