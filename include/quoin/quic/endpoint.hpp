// SPDX-License-Identifier: MIT
/// The QUIC engine: all connections of one client or server as a state machine. It opens no
/// socket and reads no clock: datagrams and times go in, datagrams and deadlines come out.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/resumption.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_request.hpp>

namespace quoin::inline v0::quic {

/// Fills `out` with unpredictable bytes; in a test, with reproducible ones.
using RandomSource = std::move_only_function<void(std::span<std::byte> out)>;
/// Makes the application of a new connection, for either role. Must not call the endpoint.
using Acceptor = std::move_only_function<std::unique_ptr<Application>(Connection&)>;

/// The endpoint's counters since it was made.
struct EndpointStats {
  std::uint64_t datagrams_received = 0;         ///< trains count by their segments
  std::uint64_t datagrams_dropped = 0;          ///< belonged to no connection, or were malformed
  std::uint64_t connections_accepted = 0;       ///< client connections begun
  std::uint64_t connections_refused = 0;        ///< by Config::max_connections or max_handshakes
  std::uint64_t handshakes_completed = 0;       ///< of either role
  std::uint64_t version_negotiations_sent = 0;  ///< answers to unsupported versions
  std::uint64_t retries_sent = 0;               ///< see RetryPolicy
  std::uint64_t tokens_refused = 0;             ///< Retry tokens: expired, another address's
  std::uint64_t cid_repeats = 0;                ///< IDs that the generator repeated while in use
  std::uint64_t tls_requests_made = 0;          ///< for certificates and signatures
  std::uint64_t tls_requests_refused = 0;       ///< by refuse() and Config::max_tls_requests
  std::uint64_t stateless_resets_sent = 0;      ///< answers to packets of forgotten connections
  std::uint64_t stateless_suppressed = 0;       ///< by Config::stateless_per_second
  std::size_t connections = 0;                  ///< at present
  std::size_t handshakes = 0;                   ///< in progress at present
  std::size_t tls_requests = 0;                 ///< waiting for an answer at present

  /// Adds another endpoint's counters, for a sum over workers.
  QUOIN_EXPORT EndpointStats& operator+=(const EndpointStats& other) noexcept;
};

/// All connections that share a set of sockets. To drive it: handle_datagram() for all that
/// arrived, handle_timeout() once poll_timeout() is due, poll_ready() and, for a server whose
/// certificates or keys are elsewhere, poll_tls_request() until they are empty, then
/// poll_transmit() until it is empty; then wait until poll_timeout().
class QUOIN_EXPORT Endpoint {
 public:
  /// A server if there is an `acceptor`. Errors: UsageError::invalid_argument with the name of the
  /// setting in question; usage errors when `tls` is for the other role.
  [[nodiscard]] static Result<Endpoint> create(const Config& config, Tls tls, RandomSource random,
                                               Acceptor acceptor = {});
  /// The connections move with it; references to them stay valid.
  Endpoint(Endpoint&&) noexcept;
  /// Drops the connections of the endpoint that is overwritten.
  Endpoint& operator=(Endpoint&&) noexcept;
  /// Drops all connections without telling their peers; to be polite, close() and drain first.
  ~Endpoint();

  /// A datagram, or a train of them, has arrived.
  void handle_datagram(const Datagram& datagram, Time now);
  /// Whether a single datagram's destination ID belongs to a connection here. Anything else is from
  /// a new client, or for another endpoint on the same sockets.
  [[nodiscard]] bool owns(Bytes packet) const noexcept;
  /// An error on a path; believed only before the handshake is complete.
  void handle_path_error(const PathError& error, Time now);
  /// Does what is due.
  void handle_timeout(Time now);

  /// A connection whose application has had something to handle since it was last returned; each is
  /// returned once until there is more.
  [[nodiscard]] std::optional<ConnectionKey> poll_ready();
  /// Server: a certificate or signature that a handshake waits for; each is returned once, and not
  /// at all if the connection ends first. See quoin/tls_request.hpp.
  [[nodiscard]] std::optional<TlsRequest> poll_tls_request();
  /// The handshake is still waiting for this.
  [[nodiscard]] bool awaits(const TlsRequestId& request) const noexcept;
  /// Goes on with the certificate of this server's Tls, with or without its key, and with its
  /// client verification. Errors: UsageError::stale_handle when nothing waits for it any more,
  /// invalid_argument for a signature's request and for a client's Tls or one on demand; then it
  /// still waits.
  [[nodiscard]] Result<> give_certificate(const TlsRequestId& request, const Tls& tls, Time now);
  /// Goes on with this signature, which is not checked: the client refuses a wrong one. Errors:
  /// UsageError::stale_handle when nothing waits for it any more, invalid_argument for a
  /// certificate's request and unless it has 1 to 1024 bytes; then it still waits.
  [[nodiscard]] Result<> give_signature(const TlsRequestId& request, Bytes signature, Time now);
  /// Ends the handshake with the alert unrecognized_name for a certificate (RFC 6066 §3) or
  /// internal_error for a signature; `why` is for our own logs. Errors: UsageError::stale_handle.
  [[nodiscard]] Result<> refuse(const TlsRequestId& request, std::string_view why);
  /// Builds the next datagram, or train of up to `max_segments`, in `buffer` (which should have
  /// 65536 bytes); its payload is a view of `buffer`. None: nothing to send now. Connections take
  /// turns.
  [[nodiscard]] std::optional<Datagram> poll_transmit(std::span<std::byte> buffer,
                                                      std::size_t max_segments, Time now);
  /// When handle_timeout() is due next.
  [[nodiscard]] std::optional<Time> poll_timeout() const noexcept;

  /// Opens a connection. `server_name` is the host name or IP address that the certificate must
  /// be for, and is sent as SNI if it is a name. `make_application` is called once, before this
  /// returns. Errors: usage, tls.
  [[nodiscard]] Result<ConnectionKey> connect(const Path& path, std::string_view server_name,
                                              Acceptor make_application, Time now,
                                              const ConnectOptions& options = {});
  /// The connection, or null if it is gone. Valid until the next handle_*() call.
  [[nodiscard]] Connection* find(ConnectionKey id) noexcept;
  /// Accepts no more connections: new ones are refused (RFC 9000 §5.2.2).
  void stop_accepting() noexcept;
  /// Whether paths may fragment (Capabilities::may_fragment) and ECN is available; for new
  /// connections.
  void set_capabilities(const Capabilities& capabilities) noexcept;
  /// Replaces certificates and trust for new connections. Errors: UsageError::invalid_argument for
  /// a Tls of the other role.
  [[nodiscard]] Result<> set_tls(Tls tls);
  /// Replaces Config::token_secrets: from `now` on the first one signs and all are accepted.
  /// Removed keys, at most 4, are accepted until everything they signed has expired. Clients do not
  /// notice a change if all machines of a service accept the new key before any of them signs with
  /// it. Errors: UsageError::invalid_argument unless there are 1 to 4 of 32 bytes or more; nothing
  /// changes then.
  [[nodiscard]] Result<> set_token_secrets(std::vector<std::string> secrets, Time now);
  /// The current figures.
  [[nodiscard]] EndpointStats stats() const noexcept;
  /// Calls `visit` with each connection.
  void for_each(const std::function<void(Connection&)>& visit);

 private:
  struct Impl;
  explicit Endpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0::quic
