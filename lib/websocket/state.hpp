// SPDX-License-Identifier: MIT
/// The state behind a WebSocket: the codec on one side, reader and writer of a stream on the other,
/// and the closing handshake between them. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/handle.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/websocket.hpp>

#include "base/handle.hpp"
#include "loop/call_in_place.hpp"
#include "websocket/codec.hpp"

namespace quoin::inline v0 {

/// One WebSocket. Its stream's reader, writer and last callback own it together.
class WebSocketState {
 public:
  /// What it needs of its stream.
  struct Transport {
    std::move_only_function<void()> resume;    ///< calls reader and writer in a turn soon
    std::move_only_function<void()> reset;     ///< aborts the stream
    std::move_only_function<bool()> is_there;  ///< false: its server or client is destroyed
  };

  [[nodiscard]] static std::shared_ptr<WebSocketState> make(Loop& loop, WebSocketOptions options,
                                                            bool is_server);
  WebSocketState(Loop& loop, WebSocketOptions options, bool is_server);
  WebSocketState(const WebSocketState&) = delete;
  WebSocketState& operator=(const WebSocketState&) = delete;
  ~WebSocketState();

  [[nodiscard]] Handle handle() const noexcept { return owner_.handle(); }

  /// The handshake is complete.
  void open(Transport transport, std::string subprotocol);

  // Called by the stream, in turns.
  [[nodiscard]] std::size_t take(Bytes chunk, bool last);
  [[nodiscard]] Filled fill(std::span<std::byte> room);
  void handle_over(const Error& error);
  /// The stream no longer calls its reader or writer. Possibly within a call by the application.
  void handle_half_gone() noexcept;

  // Called by the application.
  [[nodiscard]] Result<> send(MessageType type, Bytes data, bool last, bool is_fragment);
  [[nodiscard]] Result<> ping(std::string_view payload);
  [[nodiscard]] Result<> close(CloseCode code, std::string_view reason);
  void terminate();

  void pause() noexcept { paused_ = true; }

  void resume();
  void want_messages(std::move_only_function<void(const WebSocketMessage&)> handler);
  [[nodiscard]] WebSocketStats stats() const noexcept;

  [[nodiscard]] const std::string& subprotocol() const noexcept { return subprotocol_; }

  HandlerPlace<void()> on_writable;
  HandlerPlace<void(std::string_view)> on_pong;
  std::move_only_function<void(const WebSocketEnd&)> on_closed;

  /// Application code of this WebSocket threw: 1011 for the peer. Ignored for null.
  void give_up(const std::exception_ptr& thrown);

  [[nodiscard]] Loop& loop() noexcept { return loop_; }

 private:
  [[nodiscard]] bool is_orphaned();
  void heed(const std::exception_ptr& thrown);
  [[nodiscard]] bool deliver_held();
  void deliver_soon();
  void handle(h3::WebSocketInput input);
  void handle_close(h3::WebSocketInput input);
  void fail(CloseCode code, Error why);
  void abandon(Error error);
  void queue_close(std::uint16_t code, std::string_view reason, bool at_once);
  void finish(const WebSocketEnd& end);
  void tick();
  void schedule_tick(Duration delay);

  Loop& loop_;
  std::weak_ptr<WebSocketState> self_;  // for jobs that may run after it is gone
  const WebSocketOptions options_;
  h3::WebSocketCodec codec_;
  Transport transport_;
  std::string subprotocol_;
  HandlerPlace<void(const WebSocketMessage&)> on_message_;
  std::optional<WebSocketMessage> held_;  // until taken
  std::optional<MessageType> fragments_;  // a message that has begun to be sent
  h3::Utf8Check fragments_utf8_;
  WebSocketStats counted_;
  std::optional<TimerId> alive_timer_;
  std::optional<TimerId> close_timer_;
  Time heard_;
  bool pinged_ = false;  // since anything was received
  bool paused_ = false;
  bool wants_room_ = false;    // a message was refused
  bool delivering_ = false;    // deliver_soon() was called
  bool close_queued_ = false;  // our close frame
  bool input_over_ = false;    // everything else is ignored
  bool finished_ = false;      // on_closed() was called
  HandleOwner owner_{this};
};

/// The Reader of a WebSocket's stream.
class WebSocketReader {
 public:
  explicit WebSocketReader(std::shared_ptr<WebSocketState> state) noexcept
      : state_(std::move(state)) {}

  WebSocketReader(WebSocketReader&&) noexcept = default;
  WebSocketReader(const WebSocketReader&) = delete;
  WebSocketReader& operator=(const WebSocketReader&) = delete;
  WebSocketReader& operator=(WebSocketReader&&) = delete;

  ~WebSocketReader() {
    if (state_) state_->handle_half_gone();
  }

  std::size_t operator()(Bytes chunk, bool last) {
    const std::shared_ptr<WebSocketState> state = state_;  // a handler may destroy this
    return state->take(chunk, last);
  }

 private:
  std::shared_ptr<WebSocketState> state_;
};

/// The Writer of a WebSocket's stream.
class WebSocketWriter {
 public:
  explicit WebSocketWriter(std::shared_ptr<WebSocketState> state) noexcept
      : state_(std::move(state)) {}

  WebSocketWriter(WebSocketWriter&&) noexcept = default;
  WebSocketWriter(const WebSocketWriter&) = delete;
  WebSocketWriter& operator=(const WebSocketWriter&) = delete;
  WebSocketWriter& operator=(WebSocketWriter&&) = delete;

  ~WebSocketWriter() {
    if (state_) state_->handle_half_gone();
  }

  Filled operator()(std::span<std::byte> room) {
    const std::shared_ptr<WebSocketState> state = state_;
    return state->fill(room);
  }

 private:
  std::shared_ptr<WebSocketState> state_;
};

}  // namespace quoin::inline v0
