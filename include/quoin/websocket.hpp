// SPDX-License-Identifier: MIT
/// WebSockets over HTTP/3 (RFC 6455, RFC 9220), for servers and clients: whole messages in both
/// directions on one stream. Not WebTransport, and no extensions (no compression).
#pragma once

#include <quoin/version.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/handle.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// Why a WebSocket was closed (RFC 6455 §7.4.1). Applications may use 3000 to 4999 as well.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005,  ///< the peer's close frame had no code; never sent
  abnormal = 1006,   ///< there was no close frame; never sent
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
};

/// What a message is.
enum class MessageType : std::uint8_t {
  text,    ///< UTF-8, which is checked in both directions
  binary,  ///< any bytes
};

/// A whole message, however many frames it came in.
struct WebSocketMessage {
  MessageType type = MessageType::text;  ///< what `data` is
  std::string data{};                    ///< the text or the bytes
};

/// How a WebSocket ended.
struct WebSocketEnd {
  CloseCode code = CloseCode::abnormal;  ///< the peer's, or ours if we gave up
  std::string reason{};                  ///< the peer's, UTF-8 of at most 123 bytes; may be empty
  bool clean = false;                    ///< both sides have sent a close frame
  Error error{};                         ///< if not clean: what happened
};

/// Settings of one WebSocket.
struct WebSocketOptions {
  /// The largest message accepted, in bytes; a larger one closes with 1009.
  std::size_t max_message = 1024 * 1024;
  /// Bytes that may wait to be sent; then sending is refused until on_writable(). If nothing is
  /// waiting, one message of any size is accepted.
  std::size_t send_buffer = 1024 * 1024;
  /// Silence after which the peer is pinged. Zero: never; then the idle time-outs of server and
  /// connection end a silent WebSocket.
  Duration ping_interval = std::chrono::seconds{20};
  /// Time for anything to arrive after a ping; then the peer counts as gone (1006).
  Duration pong_timeout = std::chrono::seconds{10};
  /// Time for the peer to answer a close frame, and to end its stream; then the stream is reset.
  Duration close_timeout = std::chrono::seconds{5};
  /// Client: the subprotocols to offer, best first. Server: the subprotocols it speaks; the first
  /// in this list that the client offers is chosen, if any.
  std::vector<std::string> subprotocols{};
  /// Server: origins (`https://host`) whose pages may connect, besides those of the requested host
  /// and programs that send no `origin`. "*": all, which lets any page on the web use its visitor's
  /// cookies.
  std::vector<std::string> origins{};
};

/// A WebSocket's counters.
struct WebSocketStats {
  std::uint64_t messages_received = 0;  ///< whole ones
  std::uint64_t messages_sent = 0;      ///< accepted for sending
  std::uint64_t sends_refused = 0;      ///< because of WebSocketOptions::send_buffer
  std::size_t bytes_waiting = 0;        ///< at present, until the stream takes them
};

/// One end of a WebSocket. A 16-byte handle: copy and compare it freely; once the WebSocket is
/// closed its members return UsageError::stale_handle, or do nothing. Handlers run in turns of the
/// loop, never within a call, and are destroyed with the stream. An exception from any of them but
/// on_closed() closes the WebSocket with 1011: see Loop.
class QUOIN_EXPORT WebSocket {
 public:
  /// Names no WebSocket.
  WebSocket() = default;

  /// on_closed() has not been called yet.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Sends a text message. Errors: UsageError::stale_handle, closed (a close frame was sent or
  /// received), invalid_argument (not UTF-8, or a message in fragments has not ended),
  /// limit_reached (see WebSocketOptions::send_buffer; nothing is sent).
  [[nodiscard]] Result<> send_text(std::string_view text) const;
  /// Sends a binary message. Errors as for send_text().
  [[nodiscard]] Result<> send_binary(Bytes data) const;
  /// Sends a part of a message, the `last` one or not, so that a long message can begin before its
  /// end is known. No other message can be sent in between. `type` is the same for all parts.
  /// Errors as for send_text().
  [[nodiscard]] Result<> send_fragment(MessageType type, Bytes data, bool last) const;
  /// Sends a ping in addition to the automatic ones; `payload` has at most 125 bytes. Errors:
  /// UsageError::stale_handle, closed, too_large.
  [[nodiscard]] Result<> ping(std::string_view payload = {}) const;
  /// Begins the closing handshake: what was sent before goes out, then a close frame. on_closed()
  /// is called when the peer has answered. `reason` is UTF-8 of at most 123 bytes. Errors:
  /// UsageError::stale_handle, closed, invalid_argument (reason, or a code that must not be sent).
  [[nodiscard]] Result<> close(CloseCode code = CloseCode::normal,
                               std::string_view reason = {}) const;
  /// Aborts: the stream is reset, and on_closed() is called in one of the next turns.
  void reset() const;

  /// Takes messages, each in a turn. What arrives before there is a handler, or while paused,
  /// waits, and flow control holds the peer back.
  void on_message(std::move_only_function<void(const WebSocketMessage&)> handler) const;
  /// Called when there is room again after a message was refused with limit_reached.
  void on_writable(std::move_only_function<void()> handler) const;
  /// Called with the payload of each pong.
  void on_pong(std::move_only_function<void(std::string_view)> handler) const;
  /// Called once, when nothing more will be received; the handle is stale then. Not called if the
  /// server or client is destroyed first.
  void on_closed(std::move_only_function<void(const WebSocketEnd&)> handler) const;

  /// Takes no message until resume(); at most one incoming message is kept in memory. Pings behind
  /// it are not answered meanwhile, so a peer that waits for pongs gives up after a while.
  void pause() const;
  /// Goes on after pause().
  void resume() const;

  /// The subprotocol that was agreed on; empty if none. Valid until the next turn.
  [[nodiscard]] std::string_view subprotocol() const;
  /// The current figures; all zero once it is closed.
  [[nodiscard]] WebSocketStats stats() const;

  friend auto operator<=>(const WebSocket&, const WebSocket&) = default;

 private:
  friend struct detail::Access;

  explicit WebSocket(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

/// Server: makes a WebSocket of a request, in a handler of `route("CONNECT", pattern, ...)` or
/// later, on the server's loop. Check the request first: to refuse it, answer it like any other. A
/// request that is not a WebSocket handshake is answered with 400 or 501, one from a foreign page
/// (WebSocketOptions::origins) with 403; then the error is UsageError::invalid_argument with the
/// reason.
[[nodiscard]] QUOIN_EXPORT Result<WebSocket> accept_websocket(Loop& loop, Request request,
                                                              Response response,
                                                              WebSocketOptions options = {});

/// What to connect to.
struct WebSocketRequest {
  std::string url{};           ///< "wss://host[:port]/path", or the same with "https://"
  Headers headers{};           ///< `origin`, `cookie` and the like
  Duration timeout{};          ///< for the server's answer; zero: ClientConfig::request_timeout
  WebSocketOptions options{};  ///< with the subprotocols to offer
};

/// Client: opens a WebSocket on the connection of `client`, which runs on `loop`, and calls `done`
/// once in a turn. Set the handlers there. Errors: those of Client::request();
/// UsageError::unsupported when the server takes no extended CONNECT; HttpError::connect_error with
/// the status when it refuses, or chose a subprotocol that was not offered. Call::cancel() aborts
/// the attempt; once open, it is the same as WebSocket::reset().
QUOIN_EXPORT Call open_websocket(Loop& loop, Client& client, WebSocketRequest request,
                                 std::move_only_function<void(Result<WebSocket>)> done);

}  // namespace quoin::inline v0
