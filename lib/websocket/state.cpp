// SPDX-License-Identifier: MIT
/// A WebSocket between its stream and the application: messages, back-pressure, keep-alive and the
/// closing handshake (RFC 6455 §5.5, §7).
#include "websocket/state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/websocket.hpp>

#include "base/handle.hpp"
#include "http/endpoint.hpp"
#include "loop/call_in_place.hpp"
#include "loop/random.hpp"
#include "websocket/codec.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::size_t max_reason = 123;
constexpr std::size_t max_ping = 125;
// Pongs that may wait for a peer that pings and does not read.
constexpr std::size_t max_control_frames = 32;

bool is_utf8(std::string_view text) noexcept {
  h3::Utf8Check check;
  return check.add(as_bytes(text)) && check.is_complete();
}

std::unexpected<Error> refuse(UsageError code, std::string_view detail) {
  return std::unexpected(Error{code, detail});
}

std::uint16_t number(CloseCode code) noexcept { return static_cast<std::uint16_t>(code); }

}  // namespace

WebSocketState::WebSocketState(Loop& loop, WebSocketOptions options, bool is_server)
    : loop_(loop),
      options_(std::move(options)),
      codec_(is_server, options_.max_message, random_of(loop)),
      heard_(loop.now()) {}

WebSocketState::~WebSocketState() {
  if (alive_timer_) loop_.cancel(*alive_timer_);
  if (close_timer_) loop_.cancel(*close_timer_);
}

std::shared_ptr<WebSocketState> WebSocketState::make(Loop& loop, WebSocketOptions options,
                                                     bool is_server) {
  auto made = std::make_shared<WebSocketState>(loop, std::move(options), is_server);
  made->self_ = made;
  return made;
}

void WebSocketState::open(Transport transport, std::string subprotocol) {
  transport_ = std::move(transport);
  subprotocol_ = std::move(subprotocol);
  heard_ = loop_.now();
  if (options_.ping_interval > Duration{}) schedule_tick(options_.ping_interval);
}

// ---- What comes in

std::size_t WebSocketState::take(Bytes chunk, bool last) {
  std::size_t taken = 0;
  if (!chunk.empty()) {
    heard_ = loop_.now();
    pinged_ = false;
  }
  while (!input_over_ && taken < chunk.size()) {
    if (!deliver_held() || codec_.queued_control_frames() >= max_control_frames) return taken;
    taken += codec_.read(chunk.subspan(taken));
    if (std::optional<h3::WebSocketInput> input = codec_.poll()) handle(std::move(*input));
    if (const std::uint16_t code = codec_.failure(); code != 0 && !input_over_) {
      fail(CloseCode{code}, {HttpError::message_error, "the peer violated the WebSocket protocol"});
    }
  }
  if (input_over_) return chunk.size();
  if (last) abandon(Error{HttpError::request_incomplete, "no close frame"});
  return taken;
}

void WebSocketState::handle(h3::WebSocketInput input) {
  switch (input.type) {
    case h3::Opcode::text:
    case h3::Opcode::binary: {
      ++counted_.messages_received;
      const bool is_text = input.type == h3::Opcode::text;
      held_ = {.type = is_text ? MessageType::text : MessageType::binary,
               .data = std::move(input.payload)};
      (void)deliver_held();
      break;
    }
    case h3::Opcode::ping:
      if (!close_queued_) {
        codec_.write(h3::Opcode::pong, as_bytes(input.payload));
        transport_.resume();
      }
      break;
    case h3::Opcode::pong:
      heed(call_in_place(loop_, "WebSocket::on_pong", on_pong, std::string_view{input.payload}));
      break;
    case h3::Opcode::close:
      handle_close(std::move(input));
      break;
    case h3::Opcode::continuation:
      break;  // the codec joins them
  }
}

// Offers the waiting message; false if it must go on waiting.
bool WebSocketState::deliver_held() {
  if (!held_) return true;
  if (paused_ || !on_message_ || finished_ || is_orphaned()) return false;
  const WebSocketMessage message = *std::exchange(held_, std::nullopt);
  heed(call_in_place(loop_, "WebSocket::on_message", on_message_, message));
  return true;
}

void WebSocketState::handle_close(h3::WebSocketInput input) {
  input_over_ = true;
  // The answer, unless we began; after what the application has sent in reply to earlier messages.
  queue_close(input.code, {}, false);
  finish({.code = CloseCode{input.code},
          .reason = std::move(input.payload),
          .clean = true,
          .error = {}});
}

void WebSocketState::handle_over(const Error& error) {
  input_over_ = true;
  transport_.is_there = nullptr;  // who says so is, and the stream no longer
  finish({.code = CloseCode::abnormal,
          .reason = {},
          .clean = false,
          .error = error ? error : Error{HttpError::request_incomplete, "no close frame"}});
}

void WebSocketState::handle_half_gone() noexcept {
  if (finished_ || input_over_) return;
  // The other half is useless alone, but this may run anywhere.
  loop_.post([weak = self_] {
    if (const auto self = weak.lock()) self->terminate();
  });
}

// ---- What goes out

Filled WebSocketState::fill(std::span<std::byte> room) {
  const std::size_t before = codec_.queued_control_frames();
  const std::size_t bytes = codec_.fill(room);
  const bool last = close_queued_ && input_over_ && codec_.queued() == 0;
  if (before >= max_control_frames && codec_.queued_control_frames() < max_control_frames) {
    transport_.resume();  // the reader has waited for it
  }
  if (wants_room_ && codec_.queued() <= options_.send_buffer / 2) {
    wants_room_ = false;
    heed(call_in_place(loop_, "WebSocket::on_writable", on_writable));
  }
  return {.bytes = bytes, .last = last};
}

Result<> WebSocketState::send(MessageType type, Bytes data, bool last, bool is_fragment) {
  if (close_queued_ || input_over_) return refuse(UsageError::closed, "the WebSocket is closing");
  if (fragments_ && (!is_fragment || *fragments_ != type)) {
    return refuse(UsageError::invalid_argument, "a fragmented message has not ended");
  }
  if (codec_.queued() > 0 && codec_.queued() + data.size() > options_.send_buffer) {
    wants_room_ = true;
    ++counted_.sends_refused;
    return refuse(UsageError::limit_reached, "too much waits to be sent");
  }
  h3::Utf8Check check = fragments_ ? fragments_utf8_ : h3::Utf8Check{};
  if (type == MessageType::text && (!check.add(data) || (last && !check.is_complete()))) {
    return refuse(UsageError::invalid_argument, "text must be UTF-8");
  }
  const h3::Opcode opcode = fragments_                  ? h3::Opcode::continuation
                            : type == MessageType::text ? h3::Opcode::text
                                                        : h3::Opcode::binary;
  codec_.write(opcode, data, last);
  fragments_utf8_ = check;
  fragments_.reset();
  if (!last) fragments_ = type;
  if (last) ++counted_.messages_sent;
  transport_.resume();
  return {};
}

Result<> WebSocketState::ping(std::string_view payload) {
  if (close_queued_ || input_over_) return refuse(UsageError::closed, "the WebSocket is closing");
  if (payload.size() > max_ping) return refuse(UsageError::too_large, "a ping has 125 bytes");
  if (codec_.queued_control_frames() >= max_control_frames) {
    return refuse(UsageError::limit_reached, "too many pings wait to be sent");
  }
  codec_.write(h3::Opcode::ping, as_bytes(payload));
  transport_.resume();
  return {};
}

// ---- Its end

Result<> WebSocketState::close(CloseCode code, std::string_view reason) {
  if (close_queued_) return refuse(UsageError::closed, "a close frame was sent already");
  if (!h3::is_valid_close_code(number(code))) {
    return refuse(UsageError::invalid_argument,
                  "close code " + std::to_string(number(code)) + " must not be sent");
  }
  if (reason.size() > max_reason || !is_utf8(reason)) {
    return refuse(UsageError::invalid_argument, "a reason is UTF-8 of at most 123 bytes");
  }
  queue_close(number(code), reason, false);
  return {};
}

void WebSocketState::queue_close(std::uint16_t code, std::string_view reason, bool at_once) {
  if (!std::exchange(close_queued_, true)) codec_.write_close(code, reason, at_once);
  // Whatever happens, the stream ends.
  if (!close_timer_) {
    close_timer_ = loop_.after(options_.close_timeout, [this] {
      close_timer_.reset();
      abandon(Error{LocalError::request_timeout, "the peer did not answer the close frame"});
    });
  }
  transport_.resume();
}

// The peer is told whose fault it is, and then ignored.
void WebSocketState::fail(CloseCode code, Error why) {
  input_over_ = true;
  queue_close(number(code), {}, true);
  finish({.code = code, .reason = {}, .clean = false, .error = std::move(why)});
}

// Its server or client is destroyed, and the stream goes soon: no handler is called meanwhile.
bool WebSocketState::is_orphaned() { return transport_.is_there && !transport_.is_there(); }

// What is due after a handler was called.
void WebSocketState::heed(const std::exception_ptr& thrown) {
  if (is_orphaned()) input_over_ = true;
  give_up(thrown);
}

void WebSocketState::give_up(const std::exception_ptr& thrown) {
  if (!thrown || finished_) return;
  fail(CloseCode::internal_error, {HttpError::internal_error, message_of(thrown)});
}

void WebSocketState::abandon(Error error) {
  input_over_ = true;
  transport_.reset();
  finish({.code = CloseCode::abnormal, .reason = {}, .clean = false, .error = std::move(error)});
}

// handle_over() follows.
void WebSocketState::terminate() {
  input_over_ = true;
  if (transport_.reset) transport_.reset();
}

void WebSocketState::finish(const WebSocketEnd& end) {
  if (std::exchange(finished_, true)) return;
  if (alive_timer_) loop_.cancel(*std::exchange(alive_timer_, std::nullopt));
  owner_.release();
  if (is_orphaned()) return;
  call_and_forget(loop_, "WebSocket::on_closed", on_closed, end);
}

// ---- Keep-alive

void WebSocketState::schedule_tick(Duration delay) {
  alive_timer_ = loop_.after(delay, [this] {
    alive_timer_.reset();
    tick();
  });
}

void WebSocketState::tick() {
  if (close_queued_ || input_over_) return;  // which has its own time limit
  // While a message waits for the application nothing can be received.
  if (held_) heard_ = loop_.now();
  const Duration silent = loop_.now() - heard_;
  const Duration limit = options_.ping_interval + options_.pong_timeout;
  if (pinged_ && silent >= limit) {
    abandon(Error{LocalError::idle_timeout, "no answer to a ping"});
    return;
  }
  if (silent >= options_.ping_interval && !pinged_) {
    pinged_ = true;
    (void)ping({});  // refused only when others wait to be sent
  }
  schedule_tick(pinged_ ? limit - silent : options_.ping_interval - silent);
}

// ---- Handlers

void WebSocketState::want_messages(std::move_only_function<void(const WebSocketMessage&)> handler) {
  on_message_ = std::move(handler);
  deliver_soon();
}

void WebSocketState::resume() {
  paused_ = false;
  deliver_soon();
}

void WebSocketState::deliver_soon() {
  if (!held_ || std::exchange(delivering_, true)) {
    if (transport_.resume) transport_.resume();
    return;
  }
  loop_.post([weak = self_] {
    const auto self = weak.lock();
    if (!self) return;
    self->delivering_ = false;
    if (self->deliver_held()) self->transport_.resume();
  });
}

WebSocketStats WebSocketState::stats() const noexcept {
  WebSocketStats stats = counted_;
  stats.bytes_waiting = codec_.queued();
  return stats;
}

}  // namespace quoin::inline v0
