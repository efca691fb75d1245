// SPDX-License-Identifier: MIT
/// A stream as a value to hold and call, whatever carries it. Those of plain QUIC come from a
/// Connection.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/handle.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/streaming.hpp>

namespace quoin::inline v0 {

class Connection;

/// A stream: a 16-byte value that names it. Once the stream is gone, its members do nothing and
/// return 0 or the like. Handlers are owned by the stream and destroyed with it; they are called
/// only from the loop's turn, never by a member of this class. An exception from one resets and
/// stops the stream with code 0: see Loop.
class QUOIN_EXPORT Stream {
 public:
  /// No stream.
  Stream() = default;

  /// Whether the stream still exists.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Its number on the connection (RFC 9000 §2.1); quic::no_stream when it is gone.
  [[nodiscard]] quic::StreamId id() const noexcept;
  /// The connection it belongs to; none when the stream is gone or not one of plain QUIC. Include
  /// `quoin/connection.hpp` to call it.
  [[nodiscard]] Connection connection() const noexcept;

  /// Sets the reader of received bytes. Until this is called, they wait under flow control.
  void on_data(Reader reader) const;
  /// Called with the peer's code when it gives up sending: the reader is no longer called.
  void on_reset(std::move_only_function<void(std::uint64_t code)> handler) const;

  /// Appends as much of `data` as there is room for and returns how much that was; `last`, the end
  /// of our direction, counts only if all was taken. After a short write, once there is room,
  /// on_writable() is called and the reader is offered again what it left.
  [[nodiscard]] std::size_t write(Bytes data, bool last = false) const;
  /// Sends shared bytes without copying them: takes all, or nothing (false) while room() is 0.
  [[nodiscard]] bool write_shared(SharedBytes data, bool last = false) const;
  /// How many bytes write() would take now.
  [[nodiscard]] std::size_t room() const noexcept;
  /// Called when there is room again after write() took less than offered.
  void on_writable(std::move_only_function<void()> handler) const;
  /// Asks `writer` for bytes whenever there is room, until its end; after Filled::failed the stream
  /// is reset with code 0. Do not mix it with write().
  void source(Writer writer) const;
  /// Called with the peer's code when it wants no more from us: nothing more can be sent.
  void on_stop_sending(std::move_only_function<void(std::uint64_t code)> handler) const;

  /// Sends this stream before, after or interleaved with the others of its connection, from the
  /// next packet on. Errors: UsageError::stale_handle, invalid_argument for an urgency above 7.
  [[nodiscard]] Result<> prioritize(quic::StreamPriority priority) const;

  /// Offers the reader what it did not take, and asks the writer again.
  void resume() const;
  /// Gives up sending, with a code of your protocol below 2^62; what was not sent is dropped.
  void reset(std::uint64_t code) const;
  /// Gives up receiving, with a code of your protocol below 2^62; the reader is not called again.
  void stop_sending(std::uint64_t code) const;
  /// Called once when both directions have ended: no error after an orderly end, domain application
  /// when one side gave up, the connection's reason when it ended first. The last call.
  void on_closed(std::move_only_function<void(const Error& reason)> handler) const;

  /// Equal: the same stream. The order has no meaning.
  friend auto operator<=>(const Stream&, const Stream&) = default;

  /// Its identity, for unordered containers.
  [[nodiscard]] const Handle& handle() const noexcept { return handle_; }

 private:
  friend struct detail::Access;

  explicit Stream(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

}  // namespace quoin::inline v0
