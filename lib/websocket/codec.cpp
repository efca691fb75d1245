// SPDX-License-Identifier: MIT
/// Messages out of frames and frames out of messages. wslay is fed a byte range at a time, and
/// its callbacks only copy.
#include "websocket/codec.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <wslay/wslay.h>

#include <quoin/bytes.hpp>

namespace quoin::inline v0::h3 {
namespace {

// RFC 6455 §7.4.1.
constexpr std::uint16_t protocol_error = 1002;
constexpr std::uint16_t no_status = 1005;
constexpr std::uint16_t invalid_payload = 1007;
constexpr std::uint16_t too_large = 1009;

constexpr std::size_t max_control_payload = 125;

bool is_control(Opcode opcode) noexcept { return opcode >= Opcode::close; }

}  // namespace

bool is_valid_close_code(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

// RFC 3629 §4: the second byte's range is what keeps out long forms and surrogates.
bool Utf8Check::add(Bytes text) noexcept {
  for (const std::byte each : text) {
    const auto octet = std::to_integer<std::uint8_t>(each);
    if (left_ > 0) {
      if (octet < least_ || octet > most_) return false;
      --left_;
      least_ = 0x80;
      most_ = 0xbf;
    } else if (octet >= 0x80) {
      if (octet < 0xc2 || octet > 0xf4) return false;
      left_ = octet < 0xe0 ? 1 : octet < 0xf0 ? 2 : 3;
      least_ = octet == 0xe0 ? 0xa0 : octet == 0xf0 ? 0x90 : 0x80;
      most_ = octet == 0xed ? 0x9f : octet == 0xf4 ? 0x8f : 0xbf;
    }
  }
  return true;
}

/// wslay's context and the way to it.
struct WebSocketCodec::Wslay {
  explicit Wslay(WebSocketCodec& owner) : codec(owner) {
    wslay_frame_callbacks table{};
    table.send_callback = [](const std::uint8_t* data, std::size_t size, int, void* user) {
      self(user).out.append(reinterpret_cast<const char*>(data), size);
      return static_cast<ssize_t>(size);
    };
    table.recv_callback = [](std::uint8_t* room, std::size_t size, int, void* user) {
      Bytes& input = self(user).codec.input_;
      const std::size_t taken = std::min(size, input.size());
      if (taken == 0) return ssize_t{-1};  // for wslay: would block
      std::memcpy(room, input.data(), taken);
      input = input.subspan(taken);
      return static_cast<ssize_t>(taken);
    };
    table.genmask_callback = [](std::uint8_t* mask, std::size_t size, void* user) {
      self(user).codec.random_(std::as_writable_bytes(std::span{mask, size}));
      return 0;
    };
    if (wslay_frame_context_init(&context, &table, this) != 0) throw std::bad_alloc{};
  }

  Wslay(const Wslay&) = delete;
  Wslay& operator=(const Wslay&) = delete;

  ~Wslay() { wslay_frame_context_free(context); }

  static Wslay& self(void* user) noexcept { return *static_cast<Wslay*>(user); }

  WebSocketCodec& codec;
  wslay_frame_context_ptr context = nullptr;
  std::string out;  // the frame that is being encoded
};

WebSocketCodec::WebSocketCodec(bool is_server, std::size_t max_message, Random random)
    : server_(is_server),
      max_message_(max_message),
      random_(std::move(random)),
      wslay_(std::make_unique<Wslay>(*this)) {}

WebSocketCodec::~WebSocketCodec() = default;

std::size_t WebSocketCodec::read(Bytes data) {
  std::size_t taken = 0;
  // wslay reads ahead as far as allowed: a header's bytes one by one, then the frame's.
  while (taken < data.size() && failure_ == 0 && !complete_) {
    const std::size_t wanted =
        in_frame_ ? static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, data.size()))
                  : std::size_t{1};
    const std::size_t step = std::min(wanted, data.size() - taken);
    input_ = data.subspan(taken, step);
    taken += step;
    while (failure_ == 0) {
      wslay_frame_iocb frame{};
      const ssize_t got = wslay_frame_recv(wslay_->context, &frame);
      if (got == WSLAY_ERR_WANT_READ) break;
      if (got < 0) {
        fail(protocol_error);
        break;
      }
      if (!in_frame_ &&
          !begin_frame(frame.opcode, frame.rsv, frame.mask != 0, frame.payload_length)) {
        break;
      }
      frame_left_ -= static_cast<std::uint64_t>(got);
      in_frame_ = frame_left_ > 0;
      handle_frame_data(Opcode{frame.opcode}, frame.fin != 0,
                        std::as_bytes(std::span{frame.data, static_cast<std::size_t>(got)}),
                        !in_frame_);
      if (input_.empty()) break;
    }
  }
  return taken;
}

std::optional<WebSocketInput> WebSocketCodec::poll() {
  return std::exchange(complete_, std::nullopt);
}

// Masks, reserved bits and opcodes, fragments: RFC 6455 §5.1, §5.2, §5.4.
bool WebSocketCodec::begin_frame(std::uint8_t opcode, std::uint8_t reserved, bool masked,
                                 std::uint64_t length) {
  const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
  if (!known || reserved != 0 || masked != server_) {
    fail(protocol_error);
    return false;
  }
  const Opcode type{opcode};
  if (!is_control(type)) {
    const bool continues = type == Opcode::continuation;
    if (continues != message_.has_value()) {
      fail(protocol_error);
      return false;
    }
    if (length > max_message_ - payload_.size()) {
      fail(too_large);
      return false;
    }
    if (!continues) message_ = type;
  }
  frame_left_ = length;
  return true;
}

void WebSocketCodec::handle_frame_data(Opcode opcode, bool last, Bytes data, bool frame_ends) {
  if (is_control(opcode)) {
    control_ += as_text(data);
    if (frame_ends) end_control(opcode);
    return;
  }
  if (message_ == Opcode::text && !utf8_.add(data)) {
    fail(invalid_payload);
    return;
  }
  payload_ += as_text(data);
  if (frame_ends && last) end_message();
}

void WebSocketCodec::end_message() {
  if (!utf8_.is_complete()) {
    fail(invalid_payload);
    return;
  }
  complete_ = {.type = *message_, .payload = std::exchange(payload_, {})};
  message_.reset();
}

void WebSocketCodec::end_control(Opcode opcode) {
  WebSocketInput input{.type = opcode, .payload = std::exchange(control_, {})};
  if (opcode == Opcode::close) {
    input.code = no_status;
    if (input.payload.size() == 1) return fail(protocol_error);
    if (!input.payload.empty()) {
      const auto high = static_cast<unsigned char>(input.payload[0]);
      const auto low = static_cast<unsigned char>(input.payload[1]);
      input.code = static_cast<std::uint16_t>(high << 8U | low);
      input.payload.erase(0, 2);
      if (!is_valid_close_code(input.code)) return fail(protocol_error);
    }
    Utf8Check check;
    if (!check.add(as_bytes(input.payload)) || !check.is_complete()) return fail(invalid_payload);
  }
  complete_ = std::move(input);
}

void WebSocketCodec::fail(std::uint16_t code) {
  failure_ = code;
  payload_ = {};
}

std::string WebSocketCodec::encode(Opcode opcode, Bytes payload, bool last) {
  constexpr std::size_t max_header = 14;
  wslay_->out.reserve(payload.size() + max_header);
  wslay_frame_iocb frame{};
  frame.fin = last ? 1 : 0;
  frame.opcode = static_cast<std::uint8_t>(opcode);
  frame.mask = server_ ? 0 : 1;
  frame.payload_length = payload.size();
  frame.data = reinterpret_cast<const std::uint8_t*>(payload.data());
  frame.data_length = payload.size();
  (void)wslay_frame_send(wslay_->context, &frame);  // the callback takes everything
  return std::exchange(wslay_->out, {});
}

void WebSocketCodec::queue(Opcode opcode, Bytes payload, bool last) {
  frames_.push_back({.bytes = encode(opcode, payload, last), .is_control = is_control(opcode)});
  queued_ += frames_.back().bytes.size();
  if (frames_.back().is_control) ++control_frames_;
}

void WebSocketCodec::write(Opcode opcode, Bytes payload, bool last) {
  if (!is_control(opcode)) {
    // Control frames go in between.
    constexpr std::size_t max_frame = std::size_t{64} * 1024;
    while (payload.size() > max_frame) {
      queue(std::exchange(opcode, Opcode::continuation), payload.first(max_frame), false);
      payload = payload.subspan(max_frame);
    }
    queue(opcode, payload, last);
    return;
  }
  queue(opcode, payload.first(std::min(payload.size(), max_control_payload)), true);
  // Behind what has begun, and behind the control frames before it.
  const auto made = frames_.end() - 1;
  const auto begun = frames_.begin() + (front_sent_ > 0 ? 1 : 0);
  if (begun >= made) return;
  const auto place = std::find_if(begun, made, [](const Frame& each) { return !each.is_control; });
  std::rotate(place, made, frames_.end());
}

void WebSocketCodec::write_close(std::uint16_t code, std::string_view reason, bool at_once) {
  while (at_once && frames_.size() > (front_sent_ > 0 ? 1U : 0U)) {
    queued_ -= frames_.back().bytes.size();
    if (frames_.back().is_control) --control_frames_;
    frames_.pop_back();
  }
  std::string payload;
  if (code != no_status) {
    payload += static_cast<char>(code >> 8U);
    payload += static_cast<char>(code & 0xffU);
    payload += reason;
  }
  queue(Opcode::close, as_bytes(payload), true);
}

std::size_t WebSocketCodec::fill(std::span<std::byte> room) {
  std::size_t filled = 0;
  while (filled < room.size() && !frames_.empty()) {
    const Bytes rest = as_bytes(frames_.front().bytes).subspan(front_sent_);
    const std::size_t size = std::min(rest.size(), room.size() - filled);
    std::ranges::copy(rest.first(size), room.subspan(filled).begin());
    filled += size;
    front_sent_ += size;
    if (size < rest.size()) break;
    if (frames_.front().is_control) --control_frames_;
    frames_.pop_front();
    front_sent_ = 0;
  }
  queued_ -= filled;
  return filled;
}

}  // namespace quoin::inline v0::h3
