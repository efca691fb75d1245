// SPDX-License-Identifier: MIT
/// Connections and streams of plain QUIC as values to hold and to call. Not HTTP: for that there
/// are Server and Client. Connections come from a Listener or a Dialer.
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
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/streaming.hpp>

namespace quoin::inline v0 {

class Connection;

/// A stream: a 16-byte value that names it. On a stream that is gone the members do nothing and
/// return 0 or the like. Handlers are owned by the stream and destroyed with it; they are called
/// by the loop's turn only, never by a member of this class. What one throws resets and stops the
/// stream with code 0: see Loop.
class QUOIN_EXPORT Stream {
 public:
  /// No stream.
  Stream() = default;

  /// The stream is still there.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Its number on the connection (RFC 9000 §2.1); quic::no_stream when it is gone.
  [[nodiscard]] quic::StreamId id() const noexcept;
  /// The connection it belongs to.
  [[nodiscard]] Connection connection() const noexcept;

  /// Who takes what is received. Until it is called, received bytes wait under flow control.
  void on_data(Reader reader) const;
  /// Called when the peer gives up sending, with its code: the reader is not called any more.
  void on_reset(std::move_only_function<void(std::uint64_t code)> handler) const;

  /// Appends as much of `data` as there is room for and returns how much that was; `last`, the end
  /// of our direction, counts only if all was taken. After a return of less, on_writable() is
  /// called, and the reader offered again what it left, when there is room.
  [[nodiscard]] std::size_t write(Bytes data, bool last = false) const;
  /// Sends shared bytes without copying them: takes all, or nothing (false) while room() is 0.
  [[nodiscard]] bool write_shared(SharedBytes data, bool last = false) const;
  /// How many bytes write() would take now.
  [[nodiscard]] std::size_t room() const noexcept;
  /// Called when there is room again after write() took less than offered.
  void on_writable(std::move_only_function<void()> handler) const;
  /// Has `writer` asked for bytes whenever there is room, until its end; after Filled::failed the
  /// stream is reset with code 0. Do not mix it with write().
  void source(Writer writer) const;
  /// Called when the peer wants no more from us, with its code: nothing more can be sent.
  void on_stop_sending(std::move_only_function<void(std::uint64_t code)> handler) const;

  /// Sends this stream before, after or in turns with the others of its connection, from the next
  /// packet on. Errors: UsageError::stale_handle, invalid_argument for an urgency above 7.
  [[nodiscard]] Result<> prioritize(quic::StreamPriority priority) const;

  /// Offers the reader again what it did not take, and asks the writer again.
  void resume() const;
  /// Gives up sending, with a code of your protocol below 2^62; what was not sent is dropped.
  void reset(std::uint64_t code) const;
  /// Gives up receiving, with a code of your protocol below 2^62; the reader is not called again.
  void stop_sending(std::uint64_t code) const;
  /// Called once when both directions are over: no error after an orderly end, domain application
  /// when one side gave up, the connection's reason when that ended first. The last call.
  void on_closed(std::move_only_function<void(const Error& reason)> handler) const;

  /// Equal: the same stream. The order has no meaning.
  friend auto operator<=>(const Stream&, const Stream&) = default;

  /// What names it, for unordered containers.
  [[nodiscard]] const Handle& handle() const noexcept { return handle_; }

 private:
  friend struct detail::Access;

  explicit Stream(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

/// A connection: the same kind of value, with the same rules for its handlers, but what one throws
/// ends nothing; of on_stream(), the stream.
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
