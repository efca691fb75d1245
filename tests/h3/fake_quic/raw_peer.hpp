// SPDX-License-Identifier: MIT
/// A peer that sends whatever bytes a test wants, and the bytes to send.
#pragma once

#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>

namespace quoin::test {

using quic::StreamId;

/// A variable-length integer (RFC 9000 §16).
inline std::string varint(std::uint64_t value) {
  const int log = value < 64 ? 0 : value < 16384 ? 1 : value < (1U << 30) ? 2 : 3;
  std::string text;
  for (int i = (1 << log) - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  text[0] = static_cast<char>(static_cast<unsigned char>(text[0]) | (log << 6));
  return text;
}

/// An HTTP/3 frame (RFC 9114 §7.1).
inline std::string frame(std::uint64_t type, std::string_view payload) {
  return varint(type) + varint(payload.size()) + std::string{payload};
}

/// An integer behind a prefix of `bits` bits (RFC 7541 §5.1).
inline std::string prefixed(unsigned char first, int bits, std::size_t value) {
  const std::size_t most = (1U << bits) - 1;
  if (value < most) return {static_cast<char>(first | value)};
  std::string text{static_cast<char>(first | most)};
  for (value -= most; value >= 128; value /= 128) text += static_cast<char>(value % 128 | 128);
  return text + static_cast<char>(value);
}

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// A field section of literals only (RFC 9204 §4.5).
inline std::string section(const Fields& fields) {
  std::string text(2, '\0');
  for (const auto& [name, value] : fields) {
    text += prefixed(0x20, 3, name.size()) + std::string{name};
    text += prefixed(0, 7, value.size()) + std::string{value};
  }
  return text;
}

constexpr std::uint64_t data_frame = 0;
constexpr std::uint64_t headers_frame = 1;
constexpr std::uint64_t settings_frame = 4;
constexpr std::uint64_t goaway_frame = 7;
constexpr std::uint64_t priority_update_frame = 0xf0700;

inline std::string headers(const Fields& fields) { return frame(headers_frame, section(fields)); }

inline std::string data(std::string_view text) { return frame(data_frame, text); }

/// A control stream's beginning with empty SETTINGS.
inline std::string control_stream() { return varint(0) + frame(settings_frame, ""); }

/// Sends what it is told and remembers what it gets.
class RawPeer final : public quic::Application {
 public:
  explicit RawPeer(quic::Connection& connection) : connection_(connection) {}

  /// Opens a stream and sends `bytes` on it.
  StreamId open(bool bidirectional, std::string bytes, bool fin = false) {
    const StreamId id = connection_.open_stream(bidirectional).value();
    send(id, std::move(bytes), fin);
    return id;
  }

  void send(StreamId id, std::string bytes, bool fin = false) {
    kept_.push_back(std::move(bytes));
    outbox_.push_back({id, as_bytes(kept_.back()), fin});
  }

  [[nodiscard]] quic::Connection& connection() noexcept { return connection_; }

  std::map<StreamId, std::string> received;
  std::map<StreamId, std::uint64_t> resets;
  std::map<StreamId, std::uint64_t> stops;
  std::map<StreamId, bool> fins;
  std::optional<Error> closed;

  void on_stream_data(quic::Connection&, StreamId id, Bytes bytes, bool fin) override {
    received[id] += as_text(bytes);
    fins[id] = fin;
    connection_.consume(id, bytes.size());
  }

  void on_stream_acked(StreamId, std::uint64_t) override {}

  void on_stream_reset(quic::Connection&, StreamId id, std::uint64_t code) override {
    resets[id] = code;
  }

  void on_stop_sending(quic::Connection&, StreamId id, std::uint64_t code) override {
    stops[id] = code;
  }

  void on_stream_closed(quic::Connection&, StreamId, std::optional<std::uint64_t>) override {}

  void on_closed(quic::Connection&, const Error& reason) override { closed = reason; }

  [[nodiscard]] quic::StreamWrite next_write() override {
    while (!outbox_.empty() && blocked_.contains(outbox_.front().id)) {
      outbox_.pop_front();  // a raw peer is not patient
    }
    if (outbox_.empty()) return {};
    slice_ = outbox_.front().bytes;
    return {.id = outbox_.front().id,
            .slices = {&slice_, slice_.empty() ? 0U : 1U},
            .fin = outbox_.front().fin};
  }

  void on_written(StreamId, std::size_t bytes, bool fin) override {
    Pending& front = outbox_.front();
    front.bytes = front.bytes.subspan(bytes);
    if (front.bytes.empty() && front.fin == fin) outbox_.pop_front();
  }

  void on_blocked(StreamId id) override { blocked_[id] = true; }

  void on_unblocked(StreamId id) override { blocked_.erase(id); }

  void on_write_closed(StreamId id) override { blocked_[id] = true; }

 private:
  struct Pending {
    StreamId id;
    Bytes bytes;
    bool fin;
  };

  quic::Connection& connection_;
  std::deque<std::string> kept_;
  std::deque<Pending> outbox_;
  std::map<StreamId, bool> blocked_;
  Bytes slice_;
};

}  // namespace quoin::test
