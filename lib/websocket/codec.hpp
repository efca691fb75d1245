// SPDX-License-Identifier: MIT
/// WebSocket messages in the bytes of a stream (RFC 6455 §5, over RFC 9220). wslay handles frames;
/// this decides what to make of them. No stream, no clock, no handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <quoin/bytes.hpp>

namespace quoin::inline v0::h3 {

/// Frame types (RFC 6455 §5.2).
enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

/// Checks in pieces whether text is UTF-8 (RFC 3629).
class Utf8Check {
 public:
  /// False as soon as no continuation could make it right.
  [[nodiscard]] bool add(Bytes text) noexcept;

  /// The text so far does not end within a character.
  [[nodiscard]] bool is_complete() const noexcept { return left_ == 0; }

 private:
  std::uint8_t left_ = 0;      // bytes that the character still needs
  std::uint8_t least_ = 0x80;  // of its next byte
  std::uint8_t most_ = 0xbf;   // of its next byte
};

/// Something complete from the peer: a reassembled message or a control frame.
struct WebSocketInput {
  Opcode type{};           ///< anything but `continuation`
  std::string payload;     ///< of `close`: the reason
  std::uint16_t code = 0;  ///< of `close`; 1005 if there was none
};

/// Both directions of one WebSocket.
class WebSocketCodec {
 public:
  /// Fills its argument with randomness; for masks.
  using Random = std::move_only_function<void(std::span<std::byte>)>;

  WebSocketCodec(bool is_server, std::size_t max_message, Random random);
  WebSocketCodec(const WebSocketCodec&) = delete;
  WebSocketCodec& operator=(const WebSocketCodec&) = delete;
  ~WebSocketCodec();

  /// Takes bytes exactly up to the end of the next input and returns how many. Then poll().
  [[nodiscard]] std::size_t read(Bytes data);
  /// What read() has completed.
  [[nodiscard]] std::optional<WebSocketInput> poll();

  /// The close code for an error in the peer's bytes; 0: none. After an error read() takes nothing.
  [[nodiscard]] std::uint16_t failure() const noexcept { return failure_; }

  /// Queues a frame, or several for much data. Control frames, of at most 125 bytes, overtake data
  /// that has not begun.
  void write(Opcode opcode, Bytes payload, bool last = true);
  /// Queues a close frame, after all that waits or, `at_once`, instead of what has not begun.
  void write_close(std::uint16_t code, std::string_view reason, bool at_once);

  /// Takes the next bytes for the stream.
  [[nodiscard]] std::size_t fill(std::span<std::byte> room);

  /// Bytes waiting for fill().
  [[nodiscard]] std::size_t queued() const noexcept { return queued_; }

  /// Control frames among them.
  [[nodiscard]] std::size_t queued_control_frames() const noexcept { return control_frames_; }

 private:
  struct Wslay;

  struct Frame {
    std::string bytes;
    bool is_control = false;
  };

  void handle_frame_data(Opcode opcode, bool last, Bytes data, bool frame_ends);
  void end_message();
  void end_control(Opcode opcode);
  [[nodiscard]] bool begin_frame(std::uint8_t opcode, std::uint8_t reserved, bool masked,
                                 std::uint64_t length);
  void fail(std::uint16_t code);
  void queue(Opcode opcode, Bytes payload, bool last);
  [[nodiscard]] std::string encode(Opcode opcode, Bytes payload, bool last);

  const bool server_;
  const std::size_t max_message_;
  Random random_;
  std::unique_ptr<Wslay> wslay_;

  Bytes input_;  // what wslay may take
  std::optional<WebSocketInput> complete_;
  std::optional<Opcode> message_;  // its type, while it is being received
  std::string payload_;            // of the message
  std::string control_;            // payload of a control frame within
  Utf8Check utf8_;
  std::uint64_t frame_left_ = 0;
  bool in_frame_ = false;
  std::uint16_t failure_ = 0;

  std::deque<Frame> frames_;
  std::size_t front_sent_ = 0;  // of the first frame
  std::size_t queued_ = 0;
  std::size_t control_frames_ = 0;
};

/// Close codes that may be in a frame (RFC 6455 §7.4).
[[nodiscard]] bool is_valid_close_code(std::uint16_t code) noexcept;

}  // namespace quoin::inline v0::h3
