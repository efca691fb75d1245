// SPDX-License-Identifier: MIT
/// The settings of a QUIC connection and of an endpoint, with their defaults. Not TLS: who one
/// is and whom one trusts is in quoin/quic/tls.hpp.
#pragma once

#include <quoin/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/file_path.hpp>
#include <quoin/quic/cid.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::quic {

/// The congestion controller (RFC 9002 §7, RFC 9438, and ngtcp2's BBR).
enum class CongestionControl : std::uint8_t { cubic, reno, bbr };

/// When a server makes a client prove its address before it keeps any state (RFC 9000 §8.1.2).
enum class RetryPolicy : std::uint8_t {
  never,    ///< not with Retry
  on_load,  ///< when Config::retry_threshold handshakes are in flight
  always,   ///< for every client that brings no valid token
};

/// What Connection::send_datagram() does when Config::datagram_queue datagrams wait already.
enum class DatagramPolicy : std::uint8_t {
  refuse,       ///< answers UsageError::limit_reached, so that the caller can slow down
  drop_oldest,  ///< takes the new one and drops the one that waits longest: for what gets stale
  drop_newest,  ///< takes it and drops it at once
};

/// A version of QUIC.
enum class Version : std::uint8_t {
  v1,  ///< RFC 9000
  v2,  ///< RFC 9369
};

/// Settings of all connections of one endpoint. Checked once, by validate(), when the endpoint
/// is made.
struct QUOIN_EXPORT Config {
  /// The application protocols, in order of preference; 1 to 8 of 1 to 255 bytes each. The HTTP/3
  /// facade sets it to "h3" (RFC 7301).
  std::vector<std::string> alpn{};

  /// The versions to speak, in order of preference, each at most once. A client begins with the
  /// first one; a server moves a client that speaks it to the first one (RFC 9368).
  std::vector<Version> versions{Version::v1, Version::v2};

  /// Time without a packet after which a connection ends silently; the smaller one of both sides'
  /// counts. Zero: never (RFC 9000 §10.1). At a client it begins with the end of the handshake.
  Duration max_idle_timeout = std::chrono::seconds{30};
  /// Time for the whole handshake; more than zero.
  Duration handshake_timeout = std::chrono::seconds{10};
  /// Sends a PING after so much silence, so that the connection stays up. Zero: do not.
  Duration keep_alive{};

  /// Flow control: bytes a peer may send on one stream before we read them (RFC 9000 §4). The
  /// window starts here and grows with the path up to `max_stream_window`. 1 to 2^30.
  std::uint64_t stream_window = 256 * 1024;
  std::uint64_t max_stream_window = 16 * 1024 * 1024;  ///< not below stream_window
  /// The same for all streams of a connection together.
  std::uint64_t connection_window = 1024 * 1024;
  std::uint64_t max_connection_window = 24 * 1024 * 1024;  ///< not below connection_window
  /// Streams that the peer may have open at a time, 0 to 2^20 (RFC 9000 §4.6).
  std::uint64_t max_bidirectional_streams = 100;
  /// The same for unidirectional ones.
  std::uint64_t max_unidirectional_streams = 100;
  /// The largest DATAGRAM frame we take, in bytes; 0: the extension is off (RFC 9221 §3).
  std::size_t max_datagram_frame = 0;
  /// DATAGRAM frames that wait to be sent. 1 to 65536.
  std::size_t datagram_queue = 64;
  /// What happens to one more; counted in Stats::datagrams_dropped or datagrams_refused.
  DatagramPolicy datagram_policy = DatagramPolicy::refuse;

  /// How the sending rate follows the path.
  CongestionControl congestion_control = CongestionControl::cubic;
  /// Bytes that may be under way on a new connection before anything is acknowledged; 2400 to
  /// 1048576. Zero: about ten packets (RFC 9002 §7.2). More saves round trips on fast paths and
  /// costs losses on slow ones. After a migration it is the RFC's.
  std::size_t initial_window = 0;
  /// What to take for the round-trip time before it is measured; 1 ms to 10 s.
  Duration initial_rtt = std::chrono::milliseconds{333};

  /// Looks for the largest datagram the path carries (RFC 8899), where the backend can promise
  /// that nothing is fragmented. Otherwise datagrams have 1200 bytes at most.
  bool probe_path_mtu = true;
  /// The largest UDP payload to send, ever; 1200 to 65527. The default fills Ethernet's 1500 bytes
  /// with IPv4; 8972 is for networks with jumbo frames.
  std::size_t max_udp_payload = 1472;

  /// Bytes in either direction after which the keys are updated (RFC 9001 §6), so that one key
  /// that becomes known reveals no more. 0: only when the cipher demands it.
  std::uint64_t key_update_after = std::uint64_t{64} << 30U;

  /// Server: when to ask for a token first.
  RetryPolicy retry = RetryPolicy::on_load;
  /// Server: handshakes in flight from which RetryPolicy::on_load asks for tokens.
  std::size_t retry_threshold = 256;
  /// Server: handshakes in flight from which new connections are refused; 1 or more.
  std::size_t max_handshakes = 4096;
  /// Server: handshakes that wait for a certificate or a signature at a time; one more fails with
  /// the alert internal_error. 1 or more. See quoin/tls_request.hpp.
  std::size_t max_tls_requests = 1024;
  /// Connections at a time; more are refused (CONNECTION_REFUSED). 1 or more.
  std::size_t max_connections = 100'000;
  /// Stateless answers (version negotiation, Retry, reset, refusals) each second; up to twice as
  /// many in a burst. More are not sent. 0: none at all.
  std::size_t stateless_per_second = 10'000;
  /// Server: refuse clients that move to another address on purpose (RFC 9000 §9).
  bool disable_active_migration = false;
  /// Server: addresses that clients should move to when the handshake is done, where it listens as
  /// well; an anycast service names its machine's own so (RFC 9000 §9.6). None: stay.
  Address preferred_ipv4{};
  Address preferred_ipv6{};  ///< the same for clients on IPv6
  /// Client: move to the server's preferred address, after it was validated.
  bool use_preferred_address = true;
  /// Key for stateless resets, tickets and, without `token_secrets`, tokens; shared by all workers
  /// and restarts of one service; 32 bytes or more. Empty: a random one.
  std::string secret{};
  /// Server: keys for Retry and address tokens; the first one signs, all are accepted, so that a
  /// fleet can get to know the next one before it is used. Up to 4 of 32 bytes or more; none:
  /// `secret`. See Endpoint::set_token_secrets() to replace them.
  std::vector<std::string> token_secrets{};
  /// Server: how long a client may take to come back with a Retry token; 1 s to 1 min. It can be
  /// used as often as that allows, but from one address only (RFC 9000 §8.1.4).
  Duration retry_token_lifetime = std::chrono::seconds{10};
  /// Server: how long an address token spares a client the Retry of a later connection; 1 s to 30
  /// days. Zero: none is given out or accepted (RFC 9000 §8.1.3).
  Duration address_token_lifetime = std::chrono::hours{24};
  /// What makes the connection IDs of this endpoint; null: 12 random bytes each. See
  /// quoin/quic/cid.hpp.
  std::shared_ptr<CidGenerator> connection_ids{};

  /// Server: let clients that come back send data before the handshake is complete (0-RTT). An
  /// attacker can replay such data; see Connection::is_early().
  bool early_data = false;
  /// Server: what early data depends on besides these settings; the application protocol's own
  /// settings, say. Tickets of a server with another text allow no early data.
  std::string early_data_context{};

  /// A folder for one qlog file a connection; empty: none. Packet contents are not logged.
  FilePath qlog_directory{};

  /// Says what is out of range. Errors: UsageError::invalid_argument with the member's name.
  [[nodiscard]] Result<> validate() const;
};

}  // namespace quoin::inline v0::quic
