// SPDX-License-Identifier: MIT
/// The settings of a QUIC connection and of an endpoint, with their defaults. Not TLS: identity and
/// trust are in quoin/tls.hpp.
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
  on_load,  ///< when Config::retry_threshold handshakes are in progress
  always,   ///< for every client without a valid token
};

/// What Connection::send_datagram() does when Config::datagram_queue datagrams are waiting already.
enum class DatagramPolicy : std::uint8_t {
  refuse,       ///< returns UsageError::limit_reached, so that the caller can slow down
  drop_oldest,  ///< takes the new one and drops the oldest: for data that gets stale
  drop_newest,  ///< accepts the new one, but drops it at once
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
  /// first; a server moves clients that speak it to its first (RFC 9368).
  std::vector<Version> versions{Version::v1, Version::v2};

  /// Time without a packet after which a connection ends silently; the smaller value of the two
  /// sides applies. Zero: never (RFC 9000 §10.1). A client applies it from the end of the
  /// handshake.
  Duration max_idle_timeout = std::chrono::seconds{30};
  /// Time limit for the whole handshake; more than zero.
  Duration handshake_timeout = std::chrono::seconds{10};
  /// Sends a PING after this much silence, to keep the connection up. Zero: never.
  Duration keep_alive{};

  /// Flow control: bytes a peer may send on one stream before we read them (RFC 9000 §4). The
  /// window starts here and grows with the path up to `max_stream_window`. 1 to 2^30.
  std::uint64_t stream_window = 256 * 1024;
  std::uint64_t max_stream_window = 16 * 1024 * 1024;  ///< not below stream_window
  /// The same for all streams of a connection together.
  std::uint64_t connection_window = 1024 * 1024;
  std::uint64_t max_connection_window = 24 * 1024 * 1024;  ///< not below connection_window
  /// Bidirectional streams that the peer may have open at a time, 0 to 2^20 (RFC 9000 §4.6).
  std::uint64_t max_bidirectional_streams = 100;
  /// The same for unidirectional ones.
  std::uint64_t max_unidirectional_streams = 100;
  /// The largest DATAGRAM frame accepted, in bytes; 0: the extension is off (RFC 9221 §3).
  std::size_t max_datagram_frame = 0;
  /// DATAGRAM frames that may wait to be sent. 1 to 65536.
  std::size_t datagram_queue = 64;
  /// What happens beyond that; counted in Stats::datagrams_dropped or datagrams_refused.
  DatagramPolicy datagram_policy = DatagramPolicy::refuse;

  /// How the sending rate follows the path.
  CongestionControl congestion_control = CongestionControl::cubic;
  /// Bytes that may be in flight on a new connection before anything is acknowledged; 2400 to
  /// 1048576. Zero: about ten packets (RFC 9002 §7.2). More saves round trips on fast paths and
  /// costs losses on slow ones. After a migration the RFC's value applies.
  std::size_t initial_window = 0;
  /// The round-trip time to assume before it is measured; 1 ms to 10 s.
  Duration initial_rtt = std::chrono::milliseconds{333};

  /// Probes for the largest datagram the path carries (RFC 8899), if the backend can promise that
  /// nothing is fragmented. Otherwise datagrams have at most 1200 bytes.
  bool probe_path_mtu = true;
  /// The largest UDP payload to send, ever; 1200 to 65527. The default fills Ethernet's 1500 bytes
  /// with IPv4; 8972 is for networks with jumbo frames.
  std::size_t max_udp_payload = 1472;

  /// Bytes in either direction after which the keys are updated (RFC 9001 §6), which limits what a
  /// leaked key reveals. 0: only when the cipher requires it.
  std::uint64_t key_update_after = std::uint64_t{64} << 30U;

  /// Server: when to ask for a token first.
  RetryPolicy retry = RetryPolicy::on_load;
  /// Server: handshakes in progress from which RetryPolicy::on_load asks for tokens.
  std::size_t retry_threshold = 256;
  /// Server: handshakes in progress from which new connections are refused; 1 or more.
  std::size_t max_handshakes = 4096;
  /// Server: handshakes that may wait for a certificate or a signature at a time; further ones fail
  /// with the alert internal_error. 1 or more. See quoin/tls_request.hpp.
  std::size_t max_tls_requests = 1024;
  /// Connections at a time; more are refused (CONNECTION_REFUSED). 1 or more.
  std::size_t max_connections = 100'000;
  /// Stateless answers (version negotiation, Retry, reset, refusals) per second; up to twice as
  /// many in a burst. More are not sent. 0: none.
  std::size_t stateless_per_second = 10'000;
  /// Server: refuse clients that migrate to another address (RFC 9000 §9).
  bool disable_active_migration = false;
  /// Server: addresses that clients should move to after the handshake; the server must listen
  /// there too. An anycast service names its machine's own address (RFC 9000 §9.6). None: stay.
  Address preferred_ipv4{};
  Address preferred_ipv6{};  ///< the same for clients on IPv6
  /// Client: move to the server's preferred address once it is validated.
  bool use_preferred_address = true;
  /// Key for stateless resets, tickets and, without `token_secrets`, tokens; shared by all workers
  /// and restarts of one service; 32 bytes or more. Empty: a random one.
  std::string secret{};
  /// Server: keys for Retry and address tokens; the first one signs, all are accepted, so that a
  /// fleet can learn the next one before it is used. Up to 4 of 32 bytes or more; none: `secret`.
  /// See Endpoint::set_token_secrets() to replace them.
  std::vector<std::string> token_secrets{};
  /// Server: how long a client may take to come back with a Retry token; 1 s to 1 min. Within that
  /// time it can be used repeatedly, but from one address only (RFC 9000 §8.1.4).
  Duration retry_token_lifetime = std::chrono::seconds{10};
  /// Server: how long an address token spares a client the Retry of a later connection; 1 s to 30
  /// days. Zero: none are issued or accepted (RFC 9000 §8.1.3).
  Duration address_token_lifetime = std::chrono::hours{24};
  /// What makes the connection IDs of this endpoint; null: 12 random bytes each. See
  /// quoin/quic/cid.hpp.
  std::shared_ptr<CidGenerator> connection_ids{};

  /// Server: let returning clients send data before the handshake is complete (0-RTT). An attacker
  /// can replay such data; see Connection::is_early().
  bool early_data = false;
  /// Server: what else early data depends on, such as the application protocol's settings. Tickets
  /// of a server with another text allow no early data.
  std::string early_data_context{};

  /// A folder for one qlog file per connection; empty: none. Packet contents are not logged.
  FilePath qlog_directory{};

  /// Checks all settings. Errors: UsageError::invalid_argument with the name of the member that is
  /// out of range.
  [[nodiscard]] Result<> validate() const;
};

}  // namespace quoin::inline v0::quic
