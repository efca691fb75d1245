// SPDX-License-Identifier: MIT
/// One QUIC connection as its application sees it. Not a way to feed packets: datagrams go
/// through the Endpoint that owns the connection.
#pragma once

#include <quoin/version.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/resumption.hpp>
#include <quoin/time.hpp>
#include <quoin/tls_info.hpp>

namespace quoin::inline v0::quic {

/// Names a connection of an endpoint; a stale one is detected, never mistaken for another.
struct ConnectionKey {
  std::uint32_t slot = 0;        ///< place in the endpoint's table
  std::uint32_t generation = 0;  ///< 0: names no connection

  friend auto operator<=>(const ConnectionKey&, const ConnectionKey&) = default;
};

/// The state of a connection.
enum class State : std::uint8_t {
  handshaking,
  connected,  ///< the handshake is complete
  closing,    ///< we closed; only CONNECTION_CLOSE is sent (RFC 9000 §10.2.1)
  draining,  ///< the peer closed; nothing is sent, and the state is soon dropped (RFC 9000 §10.2.2)
  closed,    ///< over
};

/// Current figures of a connection.
struct Stats {
  Duration smoothed_rtt{};                   ///< RFC 9002 §5.3
  Duration min_rtt{};                        ///< zero before the first sample
  Duration handshake_time{};                 ///< from the first datagram to the complete handshake
  std::uint64_t congestion_window = 0;       ///< bytes
  std::uint64_t bytes_in_flight = 0;         ///< bytes
  std::uint64_t bytes_sent = 0;              ///< UDP payload
  std::uint64_t bytes_received = 0;          ///< UDP payload
  std::uint64_t packets_sent = 0;            ///< QUIC packets, not datagrams
  std::uint64_t packets_received = 0;        ///< those that could be decrypted
  std::uint64_t packets_lost = 0;            ///< declared lost (RFC 9002 §6)
  std::uint64_t key_updates = 0;             ///< begun by us, by call or Config::key_update_after
  std::size_t udp_payload_size = 0;          ///< the largest datagram sent on this path, bytes
  std::uint64_t mtu_fallbacks = 0;           ///< the path no longer carried its largest datagram
  std::uint64_t bytes_queued = 0;            ///< of streams and datagrams, waiting to be sent
  std::size_t datagrams_queued = 0;          ///< DATAGRAM frames waiting to be sent
  std::uint64_t datagrams_sent = 0;          ///< DATAGRAM frames that went into a packet
  std::uint64_t datagrams_acknowledged = 0;  ///< of these, those that the peer has
  std::uint64_t datagrams_lost = 0;          ///< declared lost; some may be only late
  std::uint64_t datagrams_dropped = 0;       ///< never sent, see DatagramFate::dropped
  std::uint64_t datagrams_refused = 0;       ///< by DatagramPolicy::refuse
};

/// One QUIC connection. Owned by its Endpoint; a reference is valid until the endpoint's next
/// handle_timeout() or handle_datagram(), so keep the id() instead. Unless said otherwise the
/// members may be called from Application's, and none of them sends anything: packets come out of
/// Endpoint::poll_transmit().
class QUOIN_EXPORT Connection {
 public:
  struct Impl;

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  /// The ID to keep instead of a reference.
  [[nodiscard]] ConnectionKey id() const noexcept;
  /// Its state.
  [[nodiscard]] State state() const noexcept;
  /// Our side is the server.
  [[nodiscard]] bool is_server() const noexcept;
  /// The negotiated version; before that, the one being tried.
  [[nodiscard]] Version version() const noexcept;
  /// The path in use.
  [[nodiscard]] Path path() const;
  /// The application protocol that was agreed on; empty before. Valid as long as the connection.
  [[nodiscard]] std::string_view alpn() const noexcept;
  /// The current figures.
  [[nodiscard]] Stats stats() const;
  /// What was agreed on; empty before the handshake is complete.
  [[nodiscard]] TlsInfo tls() const;
  /// A request for this host belongs here. Server: a new connection would get the same certificate
  /// and demands (RFC 9110 §15.5.20; always true without Tls::add_host()). Client: the server's
  /// certificate covers it and was verified, by a Tls that does not trust every server (RFC 9114
  /// §3.3).
  [[nodiscard]] bool serves(std::string_view host) const;
  /// The application that runs on the connection.
  [[nodiscard]] Application& application() noexcept;
  /// Why the connection is over; no error before that.
  [[nodiscard]] const Error& close_reason() const noexcept;

  /// Data exchanged now may be an attacker's replay (0-RTT, RFC 9001 §9.2). Server: the handshake
  /// is not complete yet, so what has arrived was sent as early data. Client: the server has not
  /// answered yet.
  [[nodiscard]] bool is_early() const noexcept;
  /// Client: what is needed to resume this session in another connection; none until the server has
  /// sent a ticket (see Application::on_resumable()).
  [[nodiscard]] std::optional<Resumption> resumption() const;

  /// Opens a stream. Errors: UsageError::limit_reached when the peer allows no more for now (see
  /// Application::on_streams_available()), UsageError::closed.
  [[nodiscard]] Result<StreamId> open_stream(bool bidirectional);
  /// How many more streams the peer allows at present.
  [[nodiscard]] std::uint64_t streams_left(bool bidirectional) const noexcept;
  /// There is new data to send: Application::next_write() will be asked.
  void want_write() noexcept;
  /// The application has something to poll that does not come from the engine:
  /// Endpoint::poll_ready() will return this connection.
  void want_poll() noexcept;
  /// The application has taken `bytes` of the stream: the peer may send as many more. Call it also
  /// for streams closed in the meantime, so that the connection's window does not shrink.
  void consume(StreamId, std::size_t bytes);
  /// Gives up sending, with an application error code below 2^62 (RESET_STREAM).
  void reset_stream(StreamId, std::uint64_t code);
  /// Asks the peer to give up sending, with an application error code (STOP_SENDING).
  void stop_sending(StreamId, std::uint64_t code);

  /// Queues a DATAGRAM frame with a copy of `data` (RFC 9221) and returns its name for
  /// Application::on_datagram_fate(). Errors: UsageError::unsupported when the peer takes none,
  /// too_large, limit_reached when the queue is full (see Config::datagram_policy), closed.
  [[nodiscard]] Result<DatagramId> send_datagram(Bytes data);
  /// The longest `data` for send_datagram() at present, 0 if the peer takes none.
  [[nodiscard]] std::size_t max_datagram_size() const noexcept;

  /// Moves to another local address on which the endpoint can receive; the new path is validated
  /// before it is used, and the old one kept if that fails (RFC 9000 §9). Not to be called from
  /// Application's members. Each path gets a connection ID of its own, so that nobody on the way
  /// can link them. Application::on_path() reports the outcome. Errors: UsageError::unsupported on
  /// a server and when the server forbids it; limit_reached for "not yet": before the handshake is
  /// confirmed, without a spare connection ID; invalid_argument for the address in use and another
  /// family; closed.
  [[nodiscard]] Result<> migrate(const Address& new_local, Time now);
  /// Sends a PING after this much silence from now on, instead of Config::keep_alive. Zero: never.
  void set_keep_alive(Duration silence) noexcept;
  /// Updates the keys (RFC 9001 §6). Not to be called from Application's members. Errors:
  /// UsageError::limit_reached for "not yet": before the handshake is confirmed, and until about
  /// three probe timeouts after the last update (RFC 9001 §6.5); closed.
  [[nodiscard]] Result<> update_keys(Time now);

  /// Fills `out` from the endpoint's source of randomness.
  void fill_random(std::span<std::byte> out);
  /// The time last passed to the endpoint.
  [[nodiscard]] Time now() const noexcept;

  /// Ends the connection: sends CONNECTION_CLOSE with this reason (domains transport,
  /// application and http3; others become INTERNAL_ERROR). The first call counts.
  void close(const Error& reason);

 private:
  explicit Connection(Impl& impl) noexcept : impl_(&impl) {}

  Impl* impl_;
};

}  // namespace quoin::inline v0::quic
