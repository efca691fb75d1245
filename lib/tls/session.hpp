// SPDX-License-Identifier: MIT
/// The TLS side of one connection. Moves no bytes: the transport does, with the native handle. Not
/// public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_info.hpp>
#include <quoin/tls_request.hpp>

#include "tls/handshake.hpp"

struct ssl_st;

namespace quoin::inline v0::tls {

/// The result of Session::offer().
enum class Offer : std::uint8_t {
  nothing,     ///< it cannot be read: a full handshake
  session,     ///< is offered
  early_data,  ///< and allows early data, see Session::send_early_data()
};

/// One TLS object, its Tls, and what it waits for.
class Session {
 public:
  /// `connection` owns this. Nothing but the getters may be called before start_*().
  Session(Tls settings, Handshake& connection) noexcept;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Errors: LocalError::certificate_invalid when there is no TLS library, internal_error.
  [[nodiscard]] Result<> start_server(const Transport& transport);
  /// `server_name` is a host name or an address that the certificate must be for; `protocols` are
  /// as on the wire (RFC 7301 §3.1). Errors: the same, UsageError::invalid_argument for the name.
  [[nodiscard]] Result<> start_client(const Transport& transport, std::string_view server_name,
                                      std::span<const std::uint8_t> protocols);

  /// The SSL object, for the transport; null before start_*().
  [[nodiscard]] void* native_handle() noexcept;
  /// What SSL_get_app_data() gives the transport until this is destroyed.
  void set_app_data(void* data) noexcept;

  // Early data and resumption.

  /// Server: allows QUIC early data, and only with tickets of the same `context` (RFC 9001 §4.6.1).
  [[nodiscard]] bool allow_early_data(std::string_view context) noexcept;
  /// Client: offers the session of a ticket received by a connection with the same trust_id(), on
  /// the same transport.
  [[nodiscard]] Offer offer(std::string_view ticket) noexcept;
  /// Client: the offered session's early data will be sent.
  void send_early_data() noexcept;
  [[nodiscard]] bool early_data_accepted() const noexcept;
  /// Client: its trust, its identity and its transport. Tickets with another one must not be
  /// offered.
  [[nodiscard]] std::string trust_id() const;

  // The result.

  /// To be called once the handshake is complete; from then on alpn() is set. Errors: TLS alerts
  /// without an application protocol, or with a cipher suite that is not allowed.
  [[nodiscard]] Result<> check_negotiated();

  /// The application protocol; empty before check_negotiated().
  [[nodiscard]] const std::string& alpn() const noexcept { return alpn_; }

  /// Client: as passed to start_client().
  [[nodiscard]] const std::string& server_name() const noexcept { return server_name_; }

  [[nodiscard]] TlsInfo info() const;
  /// Client: the server has proved to be `host`, too. Server: a new connection for this host would
  /// be shown the same certificate.
  [[nodiscard]] bool serves(std::string_view host) const;

  /// Why the handshake failed, if we know more than the alert.
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

  void fail(Error why) { failure_ = std::move(why); }

  // What a server's handshake waits for.

  /// Null: nothing.
  [[nodiscard]] const TlsRequest* waits_for() const noexcept { return asked_ ? &*asked_ : nullptr; }

  /// The request; its details move out with it.
  [[nodiscard]] TlsRequest take_request();

  /// Ends the wait; the answer is used when the transport continues the handshake.
  void stop_waiting() noexcept { asked_.reset(); }

  /// Errors: UsageError::invalid_argument for a signature's request and for a Tls that has no
  /// certificate, internal_error; then it still waits.
  [[nodiscard]] Result<> give_certificate(const Tls& chosen);
  /// Errors: UsageError::invalid_argument for a certificate's request, for no bytes and for more
  /// than any key makes; then it still waits.
  [[nodiscard]] Result<> give_signature(Bytes signature);
  /// Refuses: the alert to close with, and `why` for our own logs.
  [[nodiscard]] Error refusal(std::string_view why) const;

  // For the callbacks of the TLS library.

  /// The Session of this object.
  [[nodiscard]] static Session& of(const ssl_st* ssl) noexcept;

  [[nodiscard]] const Tls& settings() const noexcept { return settings_; }

  [[nodiscard]] Handshake& connection() const noexcept { return *connection_; }

  /// Begins to wait; false: the handshake is to end.
  [[nodiscard]] bool wait_for(TlsRequest request);
  /// Server: goes on with the certificate of `chosen`, and what belongs to it. False: no memory.
  [[nodiscard]] bool use_host(const Tls& chosen);

  std::vector<std::string> offered_protocols;  ///< server: if requested
  std::vector<std::byte> signature;            ///< server: given and not used yet

 private:
  struct Deleter {
    void operator()(ssl_st* ssl) const noexcept;
  };

  [[nodiscard]] Result<> make(const Transport& transport);
  [[nodiscard]] Result<> expect_server_name();
  [[nodiscard]] bool is_server() const noexcept;

  Tls settings_;             ///< as they were when the connection was made; outlives the TLS object
  std::optional<Tls> host_;  ///< server: whose certificate is shown, once that is known
  Handshake* connection_;
  const Transport* transport_ = nullptr;
  std::string server_name_;
  std::string alpn_;
  std::optional<TlsRequest> asked_;
  std::optional<Error> failure_;
  std::unique_ptr<ssl_st, Deleter> ssl_;
};

/// Encrypts this server's tickets, on every transport, with keys derived from `secret`, so that all
/// workers and restarts of a service can read each other's.
void share_ticket_keys(const Tls& server, std::string_view secret);

}  // namespace quoin::inline v0::tls
