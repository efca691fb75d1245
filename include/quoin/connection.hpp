// SPDX-License-Identifier: MIT
/// Plain QUIC connections as values to hold and call; their streams are Streams. For HTTP, use
/// Server and Client. Connections come from a Listener or a Dialer.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/handle.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/stream.hpp>

namespace quoin::inline v0 {

/// A connection: the same kind of value as Stream, with the same rules for its handlers, except
/// that an exception from one ends nothing, or only the stream if thrown by on_stream().
class QUOIN_EXPORT Connection {
 public:
  /// No connection.
  Connection() = default;

  /// Whether the connection still exists.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Called with each stream the peer opens, before its first data. Without a handler, such streams
  /// are refused with code 0.
  void on_stream(std::move_only_function<void(Stream)> handler) const;
  /// Called with each datagram; the bytes are valid during the call (RFC 9221).
  void on_datagram(std::move_only_function<void(Bytes)> handler) const;
  /// Called with the fate of each datagram that was sent or dropped.
  void on_datagram_fate(
      std::move_only_function<void(quic::DatagramId id, quic::DatagramFate fate)> handler) const;
  /// Called when the peer allows more streams of a kind than before.
  void on_streams_available(std::move_only_function<void(bool bidirectional)> handler) const;
  /// Called with path events: validation, migration, the size of datagrams.
  void on_path(std::move_only_function<void(const quic::PathEvent&)> handler) const;
  /// Called once when the Listener or Dialer it came from begins to shut down: the moment to finish
  /// what is under way, and to open a stream for a farewell message if your protocol has one. From
  /// then on the peer's new streams are refused with code 0, and the connection is closed with code
  /// 0 as soon as it has no streams; this happens even without a handler.
  void on_shutdown(std::move_only_function<void()> handler) const;
  /// Called once, with the reason, when the connection has ended; the last call.
  void on_closed(std::move_only_function<void(const Error& reason)> handler) const;

  /// Opens a stream; the peer learns of it from its first bytes. Errors: UsageError::stale_handle,
  /// closed, limit_reached (wait for on_streams_available()).
  [[nodiscard]] Result<Stream> open_stream(bool bidirectional = true) const;
  /// Sends `data` in one datagram or not at all; it may be lost (RFC 9221). Returns the ID that
  /// on_datagram_fate() will use for it. Errors: UsageError::stale_handle, unsupported, too_large,
  /// limit_reached (see quic::Config::datagram_policy), closed.
  [[nodiscard]] Result<quic::DatagramId> send_datagram(Bytes data) const;
  /// The longest `data` that send_datagram() accepts now; 0: the peer accepts none.
  [[nodiscard]] std::size_t max_datagram_size() const noexcept;

  /// Client: moves to another local address, opening a socket on it; the path is validated before
  /// it is used (RFC 9000 §9). Errors: UsageError::stale_handle, those of
  /// quic::Connection::migrate(), system when the address cannot be opened.
  [[nodiscard]] Result<> migrate(const Address& new_local) const;
  /// Client: the machine's network has changed (Wi-Fi to mobile, say); moves to the address the
  /// system would use now, on a new socket. Errors: those of migrate().
  [[nodiscard]] Result<> network_changed() const;
  /// Switches to new keys (RFC 9001 §6), so that those used so far reveal nothing sent later;
  /// `quic::Config::key_update_after` does it automatically. Either side may do so at any time,
  /// even both at once. Errors: UsageError::stale_handle, closed when it is ending, limit_reached
  /// for "not yet": before the handshake is confirmed, and until about three probe timeouts after
  /// the last update was confirmed.
  [[nodiscard]] Result<> update_keys() const;
  /// The path in use; without addresses when the connection is gone.
  [[nodiscard]] Path path() const;
  /// Current figures; zeros when the connection is gone.
  [[nodiscard]] quic::Stats stats() const;
  /// What the handshake agreed on; empty when the connection is gone.
  [[nodiscard]] TlsInfo tls() const;

  /// Ends the connection with a code of your protocol below 2^62 and a human-readable reason. Data
  /// written but not yet sent is lost.
  void close(std::uint64_t code, std::string_view reason = {}) const;

  /// Equal: the same connection. The order has no meaning.
  friend auto operator<=>(const Connection&, const Connection&) = default;

  /// Its identity, for unordered containers.
  [[nodiscard]] const Handle& handle() const noexcept { return handle_; }

 private:
  friend struct detail::Access;

  explicit Connection(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

}  // namespace quoin::inline v0
