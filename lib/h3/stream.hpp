// SPDX-License-Identifier: MIT
/// The session's state of one HTTP message exchange, and the table of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/application.hpp>

#include "quic/streams/block_pool.hpp"
#include "quic/streams/receive_buffer.hpp"
#include "quic/streams/send_buffer.hpp"
#include "quic/streams/table.hpp"

namespace quoin::inline v0::h3 {

/// The state of the message that we send on a stream.
enum class Writing : std::uint8_t {
  not_begun,
  body,    ///< write() is possible
  ended,   ///< the application has given all of it
  closed,  ///< reset by us or stopped by the peer
};

/// The state of a request stream and both of its messages.
struct StreamState {
  quic::StreamId id;
  std::uint64_t progress = 0;  ///< bytes of bodies received or acknowledged

  // The message that we send.
  std::size_t unwritten = 0;  ///< bytes of the body that nghttp3 has, but no packet yet
  Writing writing = Writing::not_begun;
  bool has_trailers = false;  ///< they follow the body and end the message
  bool swallow_body = false;  ///< a response to HEAD: the application's body is not sent
  bool wants_room = false;    ///< `writable` is to be reported when there is room again

  // The message that we receive.
  Headers section;               ///< the field section that is being received
  std::size_t section_size = 0;  ///< of all sections of the message so far (RFC 9114 §4.2.2)
  std::size_t field_count = 0;   ///< of all sections of the message so far
  bool in_section = false;       ///< a field section has begun and not ended
  bool has_headers = false;      ///< the request's or final response's headers are done
  bool is_head = false;          ///< the request's method is HEAD
  bool fin_received = false;     ///< QUIC has delivered the stream's last byte
  bool complete = false;         ///< the message's end was understood, too
  bool discarding = false;       ///< what still arrives is ignored
  bool data_queued = false;      ///< a `data` event waits to be polled
  bool trailers_queued = false;  ///< so does a `trailers` event; the message ends behind it

  // The stream.
  bool visible = false;        ///< the application knows of it and is told of its end
  bool over = false;           ///< QUIC has closed it
  bool close_delayed = false;  ///< over, but nghttp3 still waits for QPACK to understand it
  bool close_queued = false;   ///< a `closed` event waits to be polled
  Error close_error{HttpError::no_error};
};

/// A request stream. It lives from the first field (server) or from request() (client) until the
/// application has polled its `closed` event.
struct Stream : StreamState {
  Stream(quic::BlockPool& pool, quic::StreamId stream)
      : StreamState{.id = stream}, send(pool), receive(pool) {}

  /// Resets everything but the queues' memory, to become another stream.
  void begin_again(quic::StreamId stream) { static_cast<StreamState&>(*this) = {.id = stream}; }

  quic::SendBuffer send;        ///< of the message that we send
  quic::ReceiveBuffer receive;  ///< of the message that we receive
};

/// The streams of a session. Keeps about as many spare ones as are open, with the memory of their
/// queues, so that requests that come and go allocate none.
class StreamTable {
 public:
  [[nodiscard]] Stream* find(quic::StreamId id) noexcept { return table_.find(id); }

  /// Adds a stream that is not there yet.
  Stream& add(quic::BlockPool& pool, quic::StreamId id) {
    if (spare_.empty()) return table_.add(std::make_unique<Stream>(pool, id));
    std::unique_ptr<Stream> stream = std::move(spare_.back());
    spare_.pop_back();
    stream->begin_again(id);
    return table_.add(std::move(stream));
  }

  /// Ends a stream that is there.
  void remove(Stream& stream) {
    std::unique_ptr<Stream> done = table_.take(stream);
    done->section = {};
    done->send.clear();
    done->receive.clear();
    spare_.push_back(std::move(done));
    while (spare_.size() > table_.size() + 1) spare_.pop_back();
  }

  [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

  /// Calls `visit` with each stream; it must not add or remove any.
  template <class Visit>
  void for_each(Visit visit) {
    table_.for_each(visit);
  }

 private:
  quic::ByStreamId<Stream> table_;
  std::vector<std::unique_ptr<Stream>> spare_;
};

}  // namespace quoin::inline v0::h3
