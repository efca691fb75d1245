// SPDX-License-Identifier: MIT
/// The awaitable side of WebSocket.
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/coro/operation.hpp>
#include <quoin/coro/websocket.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/websocket.hpp>

#include "coro/owning_handler.hpp"

namespace quoin::inline v0 {

Operation<Result<WebSocket>> open_websocket(Loop& loop, Client& client, WebSocketRequest request) {
  Operation<Result<WebSocket>> operation;
  const Call call =
      open_websocket(loop, client, std::move(request),
                     [done = operation.completion()](Result<WebSocket> opened) mutable {
                       done(std::move(opened));
                     });
  operation.on_cancel([call] { call.cancel(); });
  return operation;
}

struct WebSocketChannel::State {
  explicit State(WebSocket opened) : socket(opened) {}

  void handle_message(const WebSocketMessage& message);
  [[nodiscard]] Result<> try_to_send();
  void handle_room();
  void handle_closed(const WebSocketEnd& how);
  void abandon();

  WebSocket socket;
  std::optional<WebSocketEnd> end;
  std::optional<Completion<Result<WebSocketMessage>>> receiving;
  std::optional<Completion<Result<>>> sending;
  WebSocketMessage message;  // that is being sent
  bool over = false;
  bool unwanted = false;  // nobody will receive again
};

// Delivered only while a coroutine waits; otherwise the WebSocket is paused.
void WebSocketChannel::State::handle_message(const WebSocketMessage& received) {
  if (receiving) {
    auto done = std::move(*receiving);
    receiving.reset();
    done(received);
  }
  if (!receiving && !unwanted) socket.pause();
}

Result<> WebSocketChannel::State::try_to_send() {
  return message.type == MessageType::text ? socket.send_text(message.data)
                                           : socket.send_binary(as_bytes(message.data));
}

void WebSocketChannel::State::handle_room() {
  if (!sending) return;
  Result<> sent = try_to_send();
  if (!sent && sent.error() == Error{UsageError::limit_reached}) return;
  auto done = std::move(*sending);
  sending.reset();
  done(std::move(sent));
}

void WebSocketChannel::State::handle_closed(const WebSocketEnd& how) {
  end = how;
  over = true;
  const Error closed{UsageError::closed, "the WebSocket is over"};
  if (auto done = std::exchange(receiving, std::nullopt)) (*done)(std::unexpected(closed));
  if (auto done = std::exchange(sending, std::nullopt)) (*done)(std::unexpected(closed));
}

// The waiting coroutine is told in one of the next turns.
void WebSocketChannel::State::abandon() {
  over = true;
  receiving.reset();
  sending.reset();
}

WebSocketChannel::WebSocketChannel(WebSocket socket) : state_(std::make_shared<State>(socket)) {
  if (!socket) {
    state_->over = true;
    return;
  }
  socket.pause();
  socket.on_closed(owning_handler<&State::handle_closed, &State::abandon>(state_));
  socket.on_writable(owning_handler<&State::handle_room>(state_));
  socket.on_message(owning_handler<&State::handle_message>(state_));
}

WebSocketChannel::WebSocketChannel(WebSocketChannel&&) noexcept = default;

WebSocketChannel::~WebSocketChannel() {
  if (!state_ || state_->over) return;
  state_->unwanted = true;
  (void)state_->socket.close(CloseCode::going_away);
  state_->socket.resume();  // for the peer's answer
}

Operation<Result<WebSocketMessage>> WebSocketChannel::receive() {
  if (state_->over || state_->receiving) {
    const Error error = state_->over ? Error{UsageError::closed, "the WebSocket is over"}
                                     : Error{UsageError::limit_reached, "one receive at a time"};
    return ready_operation<Result<WebSocketMessage>>(std::unexpected(error));
  }
  Operation<Result<WebSocketMessage>> operation;
  state_->receiving = operation.completion();
  operation.on_cancel([state = state_] {
    state->receiving.reset();
    state->socket.pause();
  });
  state_->socket.resume();
  return operation;
}

Operation<Result<>> WebSocketChannel::send(WebSocketMessage message) {
  if (state_->over || state_->sending) {
    const Error error = state_->over ? Error{UsageError::closed, "the WebSocket is over"}
                                     : Error{UsageError::limit_reached, "one send at a time"};
    return ready_operation<Result<>>(std::unexpected(error));
  }
  state_->message = std::move(message);
  Result<> sent = state_->try_to_send();
  if (sent || !(sent.error() == Error{UsageError::limit_reached})) {
    return ready_operation<Result<>>(std::move(sent));
  }
  Operation<Result<>> operation;
  state_->sending = operation.completion();
  operation.on_cancel([state = state_] { state->sending.reset(); });
  return operation;
}

Operation<Result<>> WebSocketChannel::send(std::string text) {
  WebSocketMessage message;
  message.data = std::move(text);
  return send(std::move(message));
}

const WebSocketEnd* WebSocketChannel::end() const noexcept {
  return state_->end ? &*state_->end : nullptr;
}

WebSocket WebSocketChannel::socket() const noexcept { return state_->socket; }

}  // namespace quoin::inline v0
