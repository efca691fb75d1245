// SPDX-License-Identifier: MIT
/// What a client keeps of a connection to come back faster: a TLS session ticket, the server's
/// limits and an address token (RFC 8446 §2.2, RFC 9000 §7.4.1 and §8.1.3). Not a cache: the caller
/// decides where to keep these, and for how long.
#pragma once

#include <quoin/version.hpp>

#include <string>
#include <string_view>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>

namespace quoin::inline v0::quic {

/// Opaque, and a secret: anyone who has it can read early data sent with it. It is bound to the
/// server's name and the client's trust settings, and is ignored with any others.
class QUOIN_EXPORT Resumption {
 public:
  /// Nothing to resume.
  Resumption() = default;

  /// Reads what serialize() wrote. Errors: UsageError::invalid_argument.
  [[nodiscard]] static Result<Resumption> parse(Bytes data);
  /// In a form for a file, which only its owner must be able to read.
  [[nodiscard]] std::string serialize() const;

  /// It holds no ticket.
  [[nodiscard]] bool empty() const noexcept { return tls_session_.empty(); }

  /// The server it is valid for.
  [[nodiscard]] std::string_view server_name() const noexcept { return server_name_; }

  /// What the application protocol wants to remember, for example HTTP/3's settings.
  [[nodiscard]] std::string_view application_data() const noexcept { return application_data_; }

  /// At most 65535 bytes.
  void set_application_data(std::string_view data) { application_data_ = data; }

  friend bool operator==(const Resumption&, const Resumption&) = default;

 private:
  friend struct ResumptionAccess;

  std::string server_name_;
  std::string trust_;
  std::string alpn_;
  std::string tls_session_;
  std::string transport_parameters_;
  std::string token_;
  std::string application_data_;
};

/// How Endpoint::connect() should go about it.
struct ConnectOptions {
  /// From an earlier connection to the same server. If empty, or from another server or trust: a
  /// full handshake.
  Resumption resumption{};
  /// Sends data before the server has answered (0-RTT), if the server allowed that. An attacker can
  /// replay such data (RFC 9001 §9.2), so while Connection::is_early() the application must send
  /// only what may safely happen twice.
  bool early_data = false;
};

}  // namespace quoin::inline v0::quic
