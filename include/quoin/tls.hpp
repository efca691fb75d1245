// SPDX-License-Identifier: MIT
/// Identity and trust: certificates, keys, and which servers a client trusts. The engine runs the
/// handshake itself; no type of the TLS library appears here.
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
  request,  ///< optional, but an invalid one ends the handshake
  require,  ///< clients without a valid one are refused
};

/// The TLS side of a client or a server; copies share it. TLS 1.3 only (RFC 9001 §4.2). Make all
/// settings before the first connection.
class QUOIN_EXPORT Tls {
 public:
  /// A server with a PEM certificate chain (leaf first) and its PEM private key. Errors, with the
  /// file: system when it is missing or unreadable, LocalError::certificate_invalid when it is not
  /// PEM or the key does not match the certificate. Dates and names are not checked; clients refuse
  /// an expired certificate.
  [[nodiscard]] static Result<Tls> server(const FilePath& chain, const FilePath& key);
  /// The same from PEM text.
  [[nodiscard]] static Result<Tls> server_from_pem(std::string_view chain, std::string_view key);
  /// A server whose private key lives elsewhere, in a hardware module or another process, with its
  /// PEM chain (leaf first): each full handshake asks for one signature, see quoin/tls_request.hpp.
  /// Errors: as server().
  [[nodiscard]] static Result<Tls> server_without_key(const FilePath& chain);
  /// The same from PEM text.
  [[nodiscard]] static Result<Tls> server_without_key_from_pem(std::string_view chain);
  /// A server without a certificate: each handshake asks for one, see quoin/tls_request.hpp, except
  /// for the names of hosts added with add_host(). set_strict_hosts() has no effect; what clients
  /// are asked for is set by the Tls given as the answer. Errors: LocalError::certificate_invalid
  /// when BoringSSL cannot create a context.
  [[nodiscard]] static Result<Tls> server_on_demand();
  /// A server with a fresh self-signed certificate (ECDSA P-256, valid for 14 days, the longest
  /// that browsers accept by fingerprint) for `names`, which may be DNS names and IP addresses. For
  /// development and tests. Errors: UsageError::invalid_argument with the name in question,
  /// LocalError::certificate_invalid when BoringSSL cannot make it.
  [[nodiscard]] static Result<Tls> self_signed(std::span<const std::string> names);
  /// The same for localhost, 127.0.0.1 and ::1.
  [[nodiscard]] static Result<Tls> self_signed();

  /// Server: clients that ask for a name in the certificate of `host`, another server's Tls, get
  /// that certificate, and are asked for theirs as `host` is set up. Names of this Tls and of all
  /// hosts are matched exactly first, then with a wildcard (RFC 9525 §6.3); if two are equal, the
  /// first one added wins. Clients that ask for another name, or for none (as when connecting to an
  /// IP address), get this one's certificate. Set `host` up before adding it; its key log and
  /// cipher suites are ignored. A session is resumed only with the host it began with. Errors:
  /// UsageError::invalid_argument for a client's Tls, for one that has hosts of its own, and for
  /// one whose certificate has no name that SNI can carry.
  [[nodiscard]] Result<> add_host(const Tls& host);
  /// Server: refuses names that no certificate covers with the alert unrecognized_name (RFC 6066
  /// §3), instead of showing this one's certificate. Off by default.
  void set_strict_hosts(bool strict);
  /// Server: the names of all its certificates as "DNS:name" and "IP:address", its own first.
  [[nodiscard]] std::vector<std::string> names() const;

  /// Server: asks clients for a certificate issued under one of the PEM certificates in this file.
  /// Its names are in Request::tls() and must be checked there: anyone certified by these issuers
  /// gets in. Early data (0-RTT) is not accepted from clients that must authenticate. Errors:
  /// system, LocalError::certificate_invalid when there is no certificate in it, both with the
  /// file's name; UsageError::invalid_argument for a client's Tls.
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
  /// A client that trusts every server. Anyone on the path can read and change everything: for
  /// tests only.
  [[nodiscard]] static Tls insecure_client();
  /// A client that trusts any server with one of these public keys, whatever the name and dates in
  /// its certificate; see pin() for the form of `pins`. Errors: UsageError::invalid_argument.
  [[nodiscard]] static Result<Tls> pinned_client(std::span<const std::string> pins);

  /// Client: in addition to all other checks, the server's own public key (SPKI) must be one of
  /// these: SHA-256 in base64, as spki_sha256() gives it, with or without "sha256//" in front. Adds
  /// to earlier pins. Errors: UsageError::invalid_argument with the malformed pin, for an empty
  /// list, and for a server's Tls.
  [[nodiscard]] Result<> pin(std::span<const std::string> pins);
  /// Client: shows this certificate (PEM, leaf first) to servers that ask for one. Errors: as
  /// server(), and UsageError::invalid_argument for a server's Tls.
  [[nodiscard]] Result<> client_certificate(const FilePath& chain, const FilePath& key);
  /// The same from PEM text.
  [[nodiscard]] Result<> client_certificate_from_pem(std::string_view chain, std::string_view key);

  /// For servers.
  [[nodiscard]] bool is_server() const noexcept;
  /// Why no server at all will be trusted, as text for people; empty if nothing is wrong.
  [[nodiscard]] std::string trust_problem() const;

  /// Only these TLS 1.3 cipher suites, separated by colons, of TLS_AES_128_GCM_SHA256,
  /// TLS_AES_256_GCM_SHA384 and TLS_CHACHA20_POLY1305_SHA256; a connection that negotiates another
  /// one fails. Errors: UsageError::invalid_argument with the unknown name.
  [[nodiscard]] Result<> set_ciphers(std::string_view names);
  /// Calls `log` with each TLS secret as a line in NSS key log format, without a line end. Anyone
  /// with these lines can read the traffic. `log` must not throw: it is called inside TLS.
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
