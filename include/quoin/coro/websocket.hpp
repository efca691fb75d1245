// SPDX-License-Identifier: MIT
/// WebSockets in coroutines: messages are awaited, and so is room for the next one.
#pragma once

#include <quoin/version.hpp>

#include <memory>
#include <string>

#include <quoin/client.hpp>
#include <quoin/coro/operation.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/loop.hpp>
#include <quoin/websocket.hpp>

namespace quoin::inline v0 {

/// Opens a WebSocket, see the function of the same name with a callback. `request` must be a named
/// object. Cancelling it aborts the attempt.
[[nodiscard]] QUOIN_EXPORT Operation<Result<WebSocket>> open_websocket(Loop& loop, Client& client,
                                                                       WebSocketRequest request);

/// Receives and sends on a WebSocket. It replaces all its handlers but on_pong().
class QUOIN_EXPORT WebSocketChannel {
 public:
  /// One channel for a WebSocket.
  explicit WebSocketChannel(WebSocket socket);
  /// Moves the channel; the other one must not be used any more.
  WebSocketChannel(WebSocketChannel&&) noexcept;
  WebSocketChannel(const WebSocketChannel&) = delete;
  WebSocketChannel& operator=(const WebSocketChannel&) = delete;
  WebSocketChannel& operator=(WebSocketChannel&&) = delete;
  /// Closes with 1001 if it is open.
  ~WebSocketChannel();

  /// The next message. Flow control holds the peer back while nobody receives; a cancelled call has
  /// taken nothing. Errors: UsageError::closed when the WebSocket is over, see end();
  /// UsageError::limit_reached while another call is under way.
  [[nodiscard]] Operation<Result<WebSocketMessage>> receive();
  /// Ends when `message`, which must be a named object, was accepted for sending, which is when
  /// there is room. A cancelled call has sent nothing. Errors: as for WebSocket::send_text(), but
  /// UsageError::limit_reached only while another call is under way.
  [[nodiscard]] Operation<Result<>> send(WebSocketMessage message);
  /// The same with text.
  [[nodiscard]] Operation<Result<>> send(std::string text);

  /// How it ended, once it has; null before, and when the server or client was destroyed. Valid as
  /// long as the channel.
  [[nodiscard]] const WebSocketEnd* end() const noexcept;
  /// The WebSocket, for close(), ping() and the like.
  [[nodiscard]] WebSocket socket() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace quoin::inline v0
