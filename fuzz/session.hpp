// SPDX-License-Identifier: MIT
/// An HTTP/3 session and the application above it, for the targets that feed it stream bytes: takes
/// all that comes, answers requests, and acknowledges at once what the session sends.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/headers.hpp>

#include "fake_connection.hpp"

namespace quoin::fuzz {

/// Limits low enough that a fuzzer reaches them.
inline h3::Config session_limits() {
  h3::Config limits;
  limits.max_field_section = 4096;
  limits.max_fields = 32;
  limits.send_buffer = 16 * 1024;
  limits.send_buffer_total = 256 * 1024;
  limits.max_events = 256;
  return limits;
}

/// One side's session, driven by the fuzzer in place of a peer.
class Session {
 public:
  explicit Session(bool server, const h3::Config& limits = session_limits())
      : limits_(limits), connection_(server), session_(connection_.handle, limits_) {
    session_.on_started(connection_.handle);
    session_.on_connected(connection_.handle);
    if (!server) {
      (void)session_.request(
          {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}},
          false);
    }
    pump();
  }

  [[nodiscard]] bool is_over() const noexcept { return connection_.closed.has_value(); }

  /// Bytes of a stream of the peer's, or of one that the session opened.
  void feed(quic::StreamId id, Bytes data, bool fin) {
    bool& ended = ended_[id];
    if (is_over() || ended) return;
    ended = fin;
    // In a block of its own, so that reading beyond it is found out.
    const std::vector<std::byte> copy(data.begin(), data.end());
    connection_.received += copy.size();
    session_.on_stream_data(connection_.handle, id, copy, fin);
    pump();
  }

  /// The payload of a DATAGRAM frame. The application looks at it later, with what comes next.
  void datagram(Bytes data) {
    if (is_over()) return;
    const std::vector<std::byte> copy(data.begin(), data.end());
    session_.on_datagram(connection_.handle, copy);
  }

  void reset(quic::StreamId id, std::uint64_t code) {
    bool& ended = ended_[id];
    if (is_over() || ended) return;
    ended = true;
    session_.on_stream_reset(connection_.handle, id, code);
    pump();
  }

  void stop(quic::StreamId id, std::uint64_t code) {
    if (is_over()) return;
    session_.on_stop_sending(connection_.handle, id, code);
    pump();
  }

  /// The connection ends; whatever was in progress goes.
  void end() {
    session_.on_closed(connection_.handle,
                       connection_.closed.value_or(Error{LocalError::idle_timeout}));
    pump();
  }

 private:
  void pump() {
    while (auto event = session_.poll_event()) handle(*event);
    while (!is_over()) {
      const quic::StreamWrite next = session_.next_write();
      if (next.id == quic::no_stream) return;
      std::size_t bytes = 0;
      for (const Bytes& slice : next.slices) bytes += touch(slice);
      session_.on_written(next.id, bytes, next.fin);
      session_.on_stream_acked(next.id, bytes);
    }
  }

  void handle(const h3::Event& event) {
    using Type = h3::Event::Type;
    // What got here has passed the limits, so it keeps to them.
    if (event.headers.size() > limits_.max_fields ||
        event.headers.section_size() > limits_.max_field_section) {
      std::abort();
    }
    for (const Field field : event.headers) {
      if (!is_valid_field_value(field.value)) std::abort();
    }
    if (event.type == Type::headers && connection_.server) {
      (void)session_.respond(event.stream, {{":status", "200"}}, true);
      (void)session_.write(event.stream, as_bytes("hello"), true);
    } else if (event.type == Type::datagram) {
      if (touch(event.datagram) != event.datagram.size() || !limits_.datagrams) std::abort();
      (void)session_.send_datagram(event.stream, event.datagram);
    } else if (event.type == Type::data) {
      for (auto chunk = session_.read(event.stream); !chunk.data.empty();
           chunk = session_.read(event.stream)) {
        session_.consume(event.stream, touch(chunk.data));
      }
    }
  }

  /// Looks at every byte, so that a sanitizer does.
  std::size_t touch(Bytes data) {
    for (const std::byte b : data) sum_ = sum_ + static_cast<unsigned>(b);
    return data.size();
  }

  h3::Config limits_;
  quic::Connection::Impl connection_;
  h3::Session session_;
  std::map<quic::StreamId, bool> ended_;
  volatile unsigned sum_ = 0;
};

}  // namespace quoin::fuzz
