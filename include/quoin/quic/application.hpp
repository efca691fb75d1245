// SPDX-License-Identifier: MIT
/// The seam between a QUIC connection and what runs on it. HTTP/3 is one application, plain
/// streams are another, yours may be a third.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/quic/path.hpp>

namespace quoin::inline v0::quic {

/// A stream ID (RFC 9000 §2.1). Bit 0: opened by the server. Bit 1: unidirectional.
enum class StreamId : std::int64_t {};

/// No stream.
inline constexpr StreamId no_stream{-1};

/// The stream was opened by a server.
[[nodiscard]] constexpr bool is_server_initiated(StreamId id) noexcept {
  return (static_cast<std::int64_t>(id) & 1) != 0;
}

/// The stream carries data in both directions.
[[nodiscard]] constexpr bool is_bidirectional(StreamId id) noexcept {
  return (static_cast<std::int64_t>(id) & 2) == 0;
}

/// Names a datagram of a connection: what Connection::send_datagram() returned. They count from 0.
enum class DatagramId : std::uint64_t {};

/// What became of a datagram (RFC 9221 §5.2). When a connection ends, datagrams under way count as
/// lost and waiting ones as dropped.
enum class DatagramFate : std::uint8_t {
  acknowledged,  ///< the peer has it; its application may still have dropped it
  lost,          ///< declared lost; if it was only late, `acknowledged` still follows
  dropped,       ///< never sent: Config::datagram_policy, now too large for the path, or the end
};

/// What an application wants to send next. The bytes, not the array of slices, must stay in place
/// and unchanged until they are acknowledged or the stream is closed; the array must stay until the
/// next call of any member.
struct StreamWrite {
  StreamId id = no_stream;  ///< no_stream: nothing to send now
  std::span<const Bytes>
      slices{};      ///< the next bytes of the stream, in order; may be empty with fin
  bool fin = false;  ///< the stream ends after the slices
};

class Connection;

/// What runs on a connection. All members are called by the engine, while it reads or writes
/// packets: they must not throw, must not call back into the engine except for the commands of
/// Connection that allow it, and should store what they learn until the engine has returned. The
/// engine owns the application and destroys it with the connection.
class QUOIN_EXPORT Application {
 public:
  Application() = default;
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  virtual ~Application() = default;

  /// Streams can be opened and data sent from now on. Client: the server has been verified, unless
  /// Connection::is_early(). Server: this is half a round trip before the handshake is complete.
  virtual void on_started(Connection&) {}

  /// The handshake is complete (RFC 9001 §4.1.1).
  virtual void on_connected(Connection&) {}

  /// Client: the early data was refused (RFC 9001 §4.6.2). All opened streams are gone, without a
  /// call for each; on_started() follows again.
  virtual void on_early_data_rejected(Connection&) {}

  /// Client: Connection::resumption() has something, or something newer.
  virtual void on_resumable(Connection&) {}

  /// The next bytes of a stream, in order and once each; `data` is valid for the call and may be
  /// empty with `fin`. They count against flow control until Connection::consume().
  virtual void on_stream_data(Connection&, StreamId, Bytes data, bool fin) = 0;
  /// The next `bytes` written bytes are acknowledged; their memory may be freed.
  virtual void on_stream_acked(StreamId, std::uint64_t bytes) = 0;
  /// The peer gave up sending (RESET_STREAM, RFC 9000 §19.4); what was not received yet is lost.
  virtual void on_stream_reset(Connection&, StreamId, std::uint64_t code) = 0;
  /// The peer wants no more of the stream (STOP_SENDING, RFC 9000 §19.5). The engine answers with
  /// RESET_STREAM and takes no more data.
  virtual void on_stop_sending(Connection&, StreamId, std::uint64_t code) = 0;
  /// Both directions are over; `code` is the application's error code if one was exchanged. All
  /// memory of the stream may be freed.
  virtual void on_stream_closed(Connection&, StreamId, std::optional<std::uint64_t> code) = 0;

  /// The peer allows more streams of this kind than before.
  virtual void on_streams_available(Connection&, bool bidirectional) { (void)bidirectional; }

  /// A DATAGRAM frame; `data` is valid for the call (RFC 9221).
  virtual void on_datagram(Connection&, Bytes data) { (void)data; }

  /// What became of a queued datagram; once for each, before on_closed().
  virtual void on_datagram_fate(Connection&, DatagramId id, DatagramFate fate) {
    (void)id;
    (void)fate;
  }

  /// Something happened to a path: validation, migration, another size of datagrams.
  virtual void on_path(Connection&, const PathEvent& event) { (void)event; }

  /// The connection is over, for this reason; the last call. Open streams get no call of their own.
  virtual void on_closed(Connection&, const Error& reason) = 0;

  /// Stream bytes waiting to be sent for the first time, for Stats::bytes_queued.
  [[nodiscard]] virtual std::uint64_t bytes_queued() const noexcept { return 0; }

  /// Asks for the next slices while a packet is being filled; see StreamWrite. Called until it
  /// has nothing more or the packet is full.
  [[nodiscard]] virtual StreamWrite next_write() = 0;
  /// `bytes` of what next_write() offered went into a packet, and the end as well if `fin`.
  virtual void on_written(StreamId, std::size_t bytes, bool fin) = 0;
  /// The stream's flow control window is full: do not offer this stream until on_unblocked().
  virtual void on_blocked(StreamId) = 0;
  /// The peer opened the stream's window again.
  virtual void on_unblocked(StreamId) = 0;
  /// The stream takes no more data (it was reset, or the peer stopped it): do not offer it again.
  virtual void on_write_closed(StreamId) = 0;
};

}  // namespace quoin::inline v0::quic
