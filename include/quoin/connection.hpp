// SPDX-License-Identifier: MIT
/// Connections of plain QUIC as values to hold and to call; their streams are Streams. Not HTTP:
/// for that there are Server and Client. Connections come from a Listener or a Dialer.
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

/// A connection: the same kind of value as Stream, with the same rules for its handlers, but what
/// one throws ends nothing; of on_stream(), the stream.
class QUOIN_EXPORT Connection {
 public:
  /// No connection.
  Connection() = default;

  /// The connection is still there.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Called with each stream that the peer opens, before its first data. Without a handler such
  /// streams are refused with code 0.
  void on_stream(std::move_only_function<void(Stream)> handler) const;
  /// Called with each datagram; the bytes are valid for the call (RFC 9221).
  void on_datagram(std::move_only_function<void(Bytes)> handler) const;
  /// Called with what became of each datagram that was sent or dropped.
  void on_datagram_fate(
      std::move_only_function<void(quic::DatagramId id, quic::DatagramFate fate)> handler) const;
  /// Called when the peer allows more streams of a kind than before.
  void on_streams_available(std::move_only_function<void(bool bidirectional)> handler) const;
  /// Called with what happens to paths: validation, migration, the size of datagrams.
  void on_path(std::move_only_function<void(const quic::PathEvent&)> handler) const;
  /// Called once when the Listener or Dialer that it came from begins to shut down: the moment to
  /// finish what is under way, and to open a stream for a word of farewell if your protocol has
  /// one. The peer's new streams are refused with code 0 from then on, and the connection is closed
  /// with code 0 as soon as it has no streams. Without a handler that happens all the same.
  void on_shutdown(std::move_only_function<void()> handler) const;
  /// Called once when the connection is over, with the reason; the last call.
  void on_closed(std::move_only_function<void(const Error& reason)> handler) const;

  /// Opens a stream; the peer learns of it with its first bytes. Errors: UsageError::stale_handle,
  /// closed, limit_reached (wait for on_streams_available()).
  [[nodiscard]] Result<Stream> open_stream(bool bidirectional = true) const;
  /// Sends `data` in one datagram, or never: it may be lost like any other (RFC 9221). Returns what
  /// on_datagram_fate() will call it. Errors: UsageError::stale_handle, unsupported, too_large,
  /// limit_reached (see quic::Config::datagram_policy), closed.
  [[nodiscard]] Result<quic::DatagramId> send_datagram(Bytes data) const;
  /// The longest `data` that send_datagram() takes at present; 0: the peer takes none.
  [[nodiscard]] std::size_t max_datagram_size() const noexcept;

  /// Client: goes on from another local address, on which a socket is opened; the path is
  /// validated before it is used (RFC 9000 §9). Errors: UsageError::stale_handle, those of
  /// quic::Connection::migrate(), system when the address cannot be opened.
  [[nodiscard]] Result<> migrate(const Address& new_local) const;
  /// Client: the machine's network is another one (Wi-Fi to mobile, say); moves to the address that
  /// the system would use now, on a new socket. Errors: those of migrate().
  [[nodiscard]] Result<> network_changed() const;
  /// Goes on with new keys (RFC 9001 §6), so that those used so far reveal nothing that comes
  /// later; `quic::Config::key_update_after` does it by itself. Both sides may, at any time and at
  /// once. Errors: UsageError::stale_handle, closed when it is ending, limit_reached for "not yet":
  /// before the handshake is confirmed, and until about three probe timeouts after the last update
  /// was.
  [[nodiscard]] Result<> update_keys() const;
  /// The path in use; of no addresses when the connection is gone.
  [[nodiscard]] Path path() const;
  /// Figures of the present moment; zeros when the connection is gone.
  [[nodiscard]] quic::Stats stats() const;
  /// What the handshake agreed on; empty when the connection is gone.
  [[nodiscard]] TlsInfo tls() const;

  /// Ends the connection with a code of your protocol below 2^62 and a reason for a person. What
  /// was written and is not sent yet is lost.
  void close(std::uint64_t code, std::string_view reason = {}) const;

  /// Equal: the same connection. The order has no meaning.
  friend auto operator<=>(const Connection&, const Connection&) = default;

  /// What names it, for unordered containers.
  [[nodiscard]] const Handle& handle() const noexcept { return handle_; }

 private:
  friend struct detail::Access;

  explicit Connection(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

}  // namespace quoin::inline v0
