// SPDX-License-Identifier: MIT
/// Plain QUIC in coroutines: connections, streams, and the bytes on them.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/coro/operation.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/listener.hpp>

namespace quoin::inline v0 {

/// Connects: Dialer::connect(), with its errors and those of the handshake. If it is cancelled, a
/// connection that is made nevertheless is closed with code 0.
[[nodiscard]] QUOIN_EXPORT Operation<Result<Connection>> connect(Dialer& dialer,
                                                                 std::string_view address,
                                                                 std::string_view server_name = {});

/// The connections of a listener. It replaces Listener::on_connection().
class QUOIN_EXPORT IncomingConnections {
 public:
  /// At most `limit` connections wait to be accepted; more are closed with code 0.
  explicit IncomingConnections(Listener& listener, std::size_t limit = 128);
  IncomingConnections(const IncomingConnections&) = delete;
  IncomingConnections& operator=(const IncomingConnections&) = delete;
  /// Closes waiting connections, and all later ones, with code 0.
  ~IncomingConnections();

  /// The next connection. Errors: UsageError::closed when the listener is gone,
  /// UsageError::limit_reached while another call is under way.
  [[nodiscard]] Operation<Result<Connection>> accept();
  /// How many connections were closed because too many waited.
  [[nodiscard]] std::uint64_t refused() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Reads and writes a stream. It replaces all its handlers.
class QUOIN_EXPORT Channel {
 public:
  /// For a new stream: just opened, or just announced by Connection::on_stream().
  explicit Channel(const Stream& stream);
  /// Moves the channel; the other one must not be used any more.
  Channel(Channel&&) noexcept;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  Channel& operator=(Channel&&) = delete;
  /// Aborts, with code 0, each direction that has not ended.
  ~Channel();

  /// The next bytes, as they arrive; none after the end. Flow control holds the peer back while
  /// nobody reads; a cancelled read has taken nothing. Errors: domain application with the peer's
  /// code when it gave up sending, UsageError::closed or the reason when the stream or the
  /// connection is over, UsageError::limit_reached while another read is under way.
  [[nodiscard]] Operation<Result<SharedBytes>> read();
  /// Ends when the connection has taken `data`, which is when there is room; `last` ends our
  /// direction. A cancelled write has sent nothing. Errors: domain application with the peer's code
  /// when it wants no more, else as for read().
  [[nodiscard]] Operation<Result<>> write(SharedBytes data, bool last = false);
  /// The same, taking over `text`.
  [[nodiscard]] Operation<Result<>> write(std::string text, bool last = false);
  /// Ends our direction, without waiting.
  void end();
  /// The stream, for reset(), stop_sending() and the like.
  [[nodiscard]] Stream stream() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The streams that a peer opens. It replaces Connection::on_stream().
class QUOIN_EXPORT IncomingStreams {
 public:
  /// At most `limit` streams wait to be accepted; more are aborted with code 0.
  explicit IncomingStreams(const Connection& connection, std::size_t limit = 128);
  IncomingStreams(const IncomingStreams&) = delete;
  IncomingStreams& operator=(const IncomingStreams&) = delete;
  /// Aborts waiting streams, and all later ones, with code 0.
  ~IncomingStreams();

  /// The next stream. Errors: UsageError::closed when the connection is over,
  /// UsageError::limit_reached while another call is under way.
  [[nodiscard]] Operation<Result<Channel>> accept();
  /// How many streams were aborted because too many waited.
  [[nodiscard]] std::uint64_t refused() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace quoin::inline v0
