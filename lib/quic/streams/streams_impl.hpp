// SPDX-License-Identifier: MIT
/// The inside of quic::Streams: the state of each stream, and the queues of those with events or
/// data to send. Not public.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "base/fifo.hpp"
#include "quic/streams/block_pool.hpp"
#include "quic/streams/receive_buffer.hpp"
#include "quic/streams/send_buffer.hpp"

namespace quoin::inline v0::quic {

/// RFC 9218 §4.1.
inline constexpr std::size_t urgencies = 8;

/// See Streams for the public members.
struct Streams::Impl {
  /// One stream, from its first appearance until its `closed` was polled.
  struct Stream {
    Stream(StreamId number, BlockPool& pool) : id(number), send(pool), receive(pool) {}

    StreamId id;
    SendBuffer send;
    ReceiveBuffer receive;
    std::uint64_t reset_code = 0;
    std::uint64_t stop_code = 0;
    std::optional<std::uint64_t> close_code;
    StreamPriority priority;
    std::uint16_t pending = 0;  ///< events, a bit for each StreamEvent::Type
    bool in_ready = false;      ///< in the list of streams with events
    bool in_sendable = false;   ///< in the list of streams that take turns to send
    bool send_over = false;     ///< we may not send, or no longer
    bool fin_queued = false;    ///< the end of our direction was written
    bool fin_sent = false;      ///< and went into a packet
    bool blocked = false;       ///< by the peer's flow control
    bool wants_room = false;    ///< write() took less than offered
    bool receive_over = false;  ///< nothing is to be read, or no longer
    bool fin_received = false;  ///< the end of the peer's direction is known
    bool fin_taken = false;     ///< and was read
    bool closed = false;        ///< the engine has closed the stream
    bool unread = false;        ///< counted in Impl::unread

    [[nodiscard]] bool has_to_send() const noexcept {
      return !send_over && !blocked && (send.unsent() > 0 || (fin_queued && !fin_sent));
    }
  };

  Impl(Connection& on, const StreamsConfig& settings) : connection(on), config(settings) {}

  [[nodiscard]] Stream* find(StreamId id) noexcept;
  [[nodiscard]] const Stream* find(StreamId id) const noexcept;
  /// Adds the stream, with its directions.
  Stream& add(StreamId id);
  /// The stream; a new one of the peer's is announced. Null for one of ours that is gone.
  [[nodiscard]] Stream* hear_of(StreamId id);
  void raise(Stream& stream, StreamEvent::Type type);
  void make_sendable(Stream& stream);

  /// The queue for streams of this urgency.
  [[nodiscard]] Fifo<StreamId>& turns(const Stream& stream) noexcept {
    return sendable[stream.priority.urgency];
  }

  void prioritize(Stream& stream, StreamPriority priority);
  [[nodiscard]] bool is_writable(const Stream& stream) const noexcept;
  [[nodiscard]] std::size_t room(const Stream& stream) const noexcept;
  /// Reports that a stream has room, if that is awaited and worthwhile.
  void offer_room(Stream& stream);
  /// Room for the whole connection has grown.
  void offer_room_to_starved();
  void want_room(Stream& stream);
  void drop_received(Stream& stream);
  /// Announces the end of a stream that is over and read.
  void finish_if_over(Stream& stream);
  void remove(StreamId id);
  [[nodiscard]] std::optional<StreamEvent> poll_stream_event();

  Connection& connection;
  StreamsConfig config;
  BlockPool pool;  // outlives the buffers of the streams
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams;
  Fifo<StreamId> ready;
  std::array<Fifo<StreamId>, urgencies> sendable;  ///< the most urgent ones first
  std::vector<StreamId> starved;                   ///< want room that the whole connection lacks
  std::array<Bytes, 16> slices{};
  Fifo<std::vector<std::byte>> datagrams;

  struct Fate {
    DatagramId id{};
    DatagramFate fate{};
  };

  Fifo<Fate> fates;
  Fifo<PathEvent> paths;   ///< at most max_path_events
  std::size_t kept = 0;    ///< copied bytes in all send buffers
  std::size_t unread = 0;  ///< streams that are closed and not read to the end
  std::uint64_t datagrams_dropped = 0;
  std::uint64_t fates_dropped = 0;
  Error reason;
  bool connected = false;                 ///< to be told
  bool early_data_rejected = false;       ///< to be told
  bool bidirectional_available = false;   ///< to be told
  bool unidirectional_available = false;  ///< to be told
  bool disconnected = false;              ///< to be told
  bool over = false;
};

}  // namespace quoin::inline v0::quic
