// SPDX-License-Identifier: MIT
/// One HTTP message exchange as the session keeps it, and the table of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/h3/headers.hpp>
#include <quoin/quic/application.hpp>

#include "quic/block_pool.hpp"
#include "quic/receive_buffer.hpp"
#include "quic/send_buffer.hpp"

namespace quoin::h3 {

/// Where the message that we send on a stream is.
enum class Writing : std::uint8_t {
  not_begun,
  body,    ///< write() is possible
  ended,   ///< the application has given all of it
  closed,  ///< reset by us or stopped by the peer
};

/// A request stream with both of its messages. It lives from the first field (server) or from
/// request() (client) until the application has polled its `closed` event.
struct Stream {
  Stream(quic::BlockPool& pool, quic::StreamId stream) : id(stream), send(pool), receive(pool) {}

  quic::StreamId id;
  std::uint64_t progress = 0;  ///< bytes of bodies that came in or were acknowledged

  // The message that we send.
  quic::SendBuffer send;
  std::size_t unwritten = 0;  ///< bytes of the body that nghttp3 has, but no packet yet
  Writing writing = Writing::not_begun;
  bool has_trailers = false;  ///< they follow the body and end the message
  bool swallow_body = false;  ///< a response to HEAD: the application's body is not sent
  bool wants_room = false;    ///< `writable` is to be told when there is room again

  // The message that we receive.
  quic::ReceiveBuffer receive;
  Headers section;               ///< the field section that is being received
  std::size_t section_size = 0;  ///< of all sections of the message so far (RFC 9114 §4.2.2)
  std::size_t field_count = 0;   ///< of all sections of the message so far
  bool in_section = false;       ///< a field section has begun and not ended
  bool has_headers = false;      ///< the request's or final response's headers are through
  bool is_head = false;          ///< the request's method is HEAD
  bool fin_received = false;     ///< QUIC has delivered the stream's last byte
  bool complete = false;         ///< the message's end was understood, too
  bool discarding = false;       ///< what still comes is of no interest
  bool data_queued = false;      ///< a `data` event waits to be polled
  bool trailers_queued = false;  ///< so does a `trailers` event; the message ends behind it

  // The stream.
  bool visible = false;        ///< the application knows of it and is told of its end
  bool over = false;           ///< QUIC has closed it
  bool close_delayed = false;  ///< over, but nghttp3 still waits for QPACK to understand it
  bool close_queued = false;   ///< a `closed` event waits to be polled
  Error close_error{Http3Error::no_error};
};

/// The streams of a session by ID: open addressing, because the few that are open at a time lie
/// close together and most look-ups hit the same one again. IDs of request streams are consecutive
/// and their number is limited, so nobody can choose them to collide.
class StreamTable {
 public:
  [[nodiscard]] Stream* find(quic::StreamId id) noexcept {
    if (latest_ != nullptr && latest_->id == id) return latest_;
    if (slots_.empty()) return nullptr;
    for (std::size_t i = home(id);; i = next(i)) {
      if (slots_[i] == nullptr) return nullptr;
      if (slots_[i]->id == id) return latest_ = slots_[i].get();
    }
  }

  /// Adds a stream that is not there yet.
  Stream& add(quic::BlockPool& pool, quic::StreamId id) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    ++size_;
    return *(latest_ = place(std::make_unique<Stream>(pool, id)));
  }

  /// Destroys a stream that is there.
  void remove(Stream& stream) noexcept {
    latest_ = nullptr;
    --size_;
    std::size_t gap = home(stream.id);
    while (slots_[gap].get() != &stream) gap = next(gap);
    slots_[gap].reset();
    // Whatever the gap cuts off from its home moves into it.
    for (std::size_t i = next(gap); slots_[i] != nullptr; i = next(i)) {
      const std::size_t wanted = home(slots_[i]->id);
      if (((i - wanted) & mask()) >= ((i - gap) & mask())) {
        slots_[gap] = std::move(slots_[i]);
        gap = i;
      }
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Calls `visit` with each stream; it must not add or remove any.
  template <class Visit>
  void for_each(Visit visit) {
    for (const auto& slot : slots_) {
      if (slot != nullptr) visit(*slot);
    }
  }

 private:
  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

  [[nodiscard]] std::size_t next(std::size_t i) const noexcept { return (i + 1) & mask(); }

  [[nodiscard]] std::size_t home(quic::StreamId id) const noexcept {
    return static_cast<std::size_t>(static_cast<std::int64_t>(id) >> 2) & mask();
  }

  Stream* place(std::unique_ptr<Stream> stream) noexcept {
    std::size_t i = home(stream->id);
    while (slots_[i] != nullptr) i = next(i);
    slots_[i] = std::move(stream);
    return slots_[i].get();
  }

  void grow() {
    auto old = std::exchange(
        slots_, std::vector<std::unique_ptr<Stream>>(slots_.empty() ? 16 : slots_.size() * 2));
    for (auto& stream : old) {
      if (stream != nullptr) place(std::move(stream));
    }
  }

  std::vector<std::unique_ptr<Stream>> slots_;  // its size is 0 or a power of two
  std::size_t size_ = 0;
  Stream* latest_ = nullptr;
};

}  // namespace quoin::h3
