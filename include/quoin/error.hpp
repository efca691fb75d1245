// SPDX-License-Identifier: MIT
/// The one error type of the library and the names of its codes. Not an exception hierarchy:
/// no function of quoin throws because of what a peer sent.
#pragma once

#include <quoin/version.hpp>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <quoin/export.hpp>

namespace quoin::inline v0 {

/// Transport error codes as they go over the wire (RFC 9000 §20.1). CRYPTO_ERROR codes
/// (0x0100 to 0x01ff) have the domain `tls` instead, with the TLS alert as code.
enum class TransportError : std::uint64_t {
  no_error = 0x00,
  internal_error = 0x01,
  connection_refused = 0x02,
  flow_control_error = 0x03,
  stream_limit_error = 0x04,
  stream_state_error = 0x05,
  final_size_error = 0x06,
  frame_encoding_error = 0x07,
  transport_parameter_error = 0x08,
  connection_id_limit_error = 0x09,
  protocol_violation = 0x0a,
  invalid_token = 0x0b,
  application_error = 0x0c,
  crypto_buffer_exceeded = 0x0d,
  key_update_error = 0x0e,
  aead_limit_reached = 0x0f,
  no_viable_path = 0x10,
  version_negotiation_error = 0x11,  ///< RFC 9368 §6
};

/// Why a request or an HTTP connection ended, for all versions of HTTP; the codes are those of
/// HTTP/3 and QPACK (RFC 9114 §8.1, RFC 9204 §6).
enum class HttpError : std::uint64_t {
  no_error = 0x100,
  general_protocol_error = 0x101,
  internal_error = 0x102,
  stream_creation_error = 0x103,
  closed_critical_stream = 0x104,
  frame_unexpected = 0x105,
  frame_error = 0x106,
  excessive_load = 0x107,
  id_error = 0x108,
  settings_error = 0x109,
  missing_settings = 0x10a,
  request_rejected = 0x10b,
  request_cancelled = 0x10c,
  request_incomplete = 0x10d,
  message_error = 0x10e,
  connect_error = 0x10f,
  version_fallback = 0x110,
  qpack_decompression_failed = 0x200,
  qpack_encoder_stream_error = 0x201,
  qpack_decoder_stream_error = 0x202,
};

/// Why a connection ended, or never began, without a frame from either side.
enum class LocalError : std::uint64_t {
  idle_timeout = 1,       ///< Nothing was received for the negotiated idle time (RFC 9000 §10.1).
  handshake_timeout,      ///< The peer answered, but the handshake did not finish in time.
  no_answer,              ///< Nothing came back: no host, or UDP is blocked on the way.
  stateless_reset,        ///< The peer lost its state and said so (RFC 9000 §10.3).
  version_negotiation,    ///< No QUIC version in common (RFC 9000 §6).
  name_resolution,        ///< The host name has no address.
  certificate_name,       ///< The certificate is not for this host (RFC 9525).
  certificate_expired,    ///< The certificate is out of date, or not valid yet.
  certificate_untrusted,  ///< No trusted issuer vouches for the certificate.
  certificate_invalid,    ///< The certificate is broken or not allowed for this use.
  request_timeout,        ///< A deadline that the application set has passed.
  connection_draining,    ///< The peer is shutting down and takes no new requests (GOAWAY).
  certificate_pin,        ///< The server's public key is not one of the pinned ones.
};

/// A call that could not be carried out and changed nothing.
enum class UsageError : std::uint64_t {
  invalid_argument = 1,  ///< A value is out of its documented range.
  stale_handle,          ///< The stream, request or connection behind the handle is gone.
  closed,                ///< The connection or the sending side is closed already.
  limit_reached,         ///< A configured or negotiated limit is reached.
  too_large,             ///< The data is too large for the peer or the path.
  unsupported,           ///< The peer or the backend does not support this.
};

/// Why an operation failed. A value: copy it, compare it, log it. QUIC and HTTP/3 codes have 62
/// bits (RFC 9000 §20), which is why this is not a std::error_code.
class QUOIN_EXPORT Error {
 public:
  /// What kind of code it is.
  enum class Domain : std::uint8_t {
    transport,    ///< TransportError, from either side
    application,  ///< a code that the application protocol defines
    tls,          ///< a TLS alert (RFC 8446 §6)
    http,         ///< HttpError
    system,       ///< errno of the operating system
    local,        ///< LocalError
    usage,        ///< UsageError
  };

  /// No error: an orderly end.
  Error() = default;
  /// Any code of any domain.
  Error(Domain domain, std::uint64_t code, std::string_view detail = {});
  /// Domain transport.
  Error(TransportError code, std::string_view detail = {});
  /// Domain http.
  Error(HttpError code, std::string_view detail = {});
  /// Domain local.
  Error(LocalError code, std::string_view detail = {});
  /// Domain usage.
  Error(UsageError code, std::string_view detail = {});

  /// Something went wrong. Not so for no_error of TransportError and HttpError, and for 0 of the
  /// domains system, local and usage. Application codes and TLS alerts always count, even 0: only
  /// the application knows what its 0 means, perhaps an abandoned stream.
  [[nodiscard]] explicit operator bool() const noexcept {
    switch (domain_) {
      case Domain::application:
      case Domain::tls:
        return true;
      case Domain::http:
        return code_ != static_cast<std::uint64_t>(HttpError::no_error);
      default:
        return code_ != 0;
    }
  }

  /// What kind of code code() is.
  [[nodiscard]] Domain domain() const noexcept { return domain_; }

  /// The code within its domain, 0 to 2^62 - 1.
  [[nodiscard]] std::uint64_t code() const noexcept { return code_; }

  /// The code's name for the log, for example "H3_REQUEST_CANCELLED". Static text, never empty.
  [[nodiscard]] std::string_view name() const noexcept;
  /// What exactly went wrong, and with which input, as text for people; may be empty. Valid as long
  /// as this object or a copy of it. It never contains text that needs escaping in a terminal.
  [[nodiscard]] std::string_view detail() const noexcept;
  /// name(), the code if it says more than the name, and detail(), in one line.
  [[nodiscard]] std::string message() const;

  /// Domain and code are equal, or neither is an error; the detail is ignored.
  friend bool operator==(const Error& a, const Error& b) noexcept {
    if (!a || !b) return !a && !b;
    return a.domain_ == b.domain_ && a.code_ == b.code_;
  }

 private:
  Domain domain_ = Domain::transport;
  std::uint64_t code_ = 0;
  std::shared_ptr<const std::string> detail_;
};

/// What a function that can fail returns.
template <class T = void>
using Result = std::expected<T, Error>;

}  // namespace quoin::inline v0
