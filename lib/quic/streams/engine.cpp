// SPDX-License-Identifier: MIT
/// Plain streams: the engine's calls while it reads and writes packets. Everything is only recorded
/// here; the application polls it later.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "quic/streams/streams_impl.hpp"

namespace quoin::inline v0::quic {

using Type = StreamEvent::Type;

Streams::Impl::Stream* Streams::Impl::hear_of(StreamId id) {
  if (Stream* const known = find(id)) return known;
  if (is_server_initiated(id) == connection.is_server()) return nullptr;
  Stream& stream = add(id);
  raise(stream, Type::opened);
  return &stream;
}

void Streams::on_connected(Connection& /*connection*/) { impl_->connected = true; }

void Streams::on_stream_data(Connection& /*connection*/, StreamId id, Bytes data, bool fin) {
  Impl::Stream* const stream = impl_->hear_of(id);
  if (stream == nullptr || stream->receive_over) {
    // Nobody will read it, and the connection's window must not shrink for that.
    impl_->connection.consume(id, data.size());
    return;
  }
  stream->receive.append(data);
  stream->fin_received = stream->fin_received || fin;
  impl_->raise(*stream, Type::data);
}

void Streams::on_stream_acked(StreamId id, std::uint64_t bytes) {
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr) return;
  const std::size_t before = stream->send.pooled();
  stream->send.acknowledge(static_cast<std::size_t>(bytes));
  impl_->kept -= before - stream->send.pooled();
  impl_->offer_room(*stream);
  impl_->offer_room_to_starved();
}

void Streams::on_stream_reset(Connection& /*connection*/, StreamId id, std::uint64_t code) {
  Impl::Stream* const stream = impl_->hear_of(id);
  if (stream == nullptr || stream->receive_over || stream->fin_received) return;
  impl_->drop_received(*stream);
  stream->reset_code = code;
  impl_->raise(*stream, Type::reset);
}

void Streams::on_stop_sending(Connection& /*connection*/, StreamId id, std::uint64_t code) {
  Impl::Stream* const stream = impl_->hear_of(id);
  if (stream == nullptr || stream->send_over) return;
  stream->send_over = true;
  stream->stop_code = code;
  impl_->raise(*stream, Type::stop_sending);
}

void Streams::on_stream_closed(Connection& connection, StreamId id,
                               std::optional<std::uint64_t> code) {
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr) return;
  const std::size_t before = stream->send.pooled();
  stream->send.clear();
  impl_->kept -= before;
  stream->send_over = true;
  stream->closed = true;
  stream->close_code = code;
  impl_->finish_if_over(*stream);
  impl_->offer_room_to_starved();
  if (impl_->unread > impl_->config.max_unread_streams) {
    connection.close({TransportError::application_error, "too many unread streams"});
  }
}

void Streams::on_early_data_rejected(Connection& /*connection*/) {
  impl_->streams.clear();
  impl_->ready = {};
  impl_->sendable = {};
  impl_->starved.clear();
  impl_->kept = 0;
  impl_->unread = 0;
  impl_->early_data_rejected = true;
}

void Streams::on_streams_available(Connection& /*connection*/, bool bidirectional) {
  (bidirectional ? impl_->bidirectional_available : impl_->unidirectional_available) = true;
}

void Streams::on_datagram(Connection& /*connection*/, Bytes data) {
  if (impl_->config.datagram_queue == 0) {
    ++impl_->datagrams_dropped;
    return;
  }
  if (impl_->datagrams.size() >= impl_->config.datagram_queue) {
    (void)impl_->datagrams.pop_front();
    ++impl_->datagrams_dropped;
  }
  impl_->datagrams.push_back(std::vector<std::byte>(data.begin(), data.end()));
}

void Streams::on_datagram_fate(Connection& /*connection*/, DatagramId id, DatagramFate fate) {
  if (impl_->config.datagram_fates == 0) return;
  if (impl_->fates.size() >= impl_->config.datagram_fates) {
    (void)impl_->fates.pop_front();
    ++impl_->fates_dropped;
  }
  impl_->fates.push_back({.id = id, .fate = fate});
}

void Streams::on_path(Connection& /*connection*/, const PathEvent& event) {
  if (impl_->paths.size() >= max_path_events) {
    (void)impl_->paths.pop_front();
  }
  impl_->paths.push_back(event);
}

void Streams::on_closed(Connection& /*connection*/, const Error& reason) {
  impl_->over = true;
  impl_->reason = reason;
  impl_->disconnected = true;
}

StreamWrite Streams::next_write() {
  for (Fifo<StreamId>& turns : impl_->sendable) {
    while (!turns.empty()) {
      const StreamId id = turns.front();
      Impl::Stream* const stream = impl_->find(id);
      if (stream == nullptr || !stream->has_to_send()) {
        (void)turns.pop_front();
        if (stream != nullptr) stream->in_sendable = false;
        continue;
      }
      const std::size_t count = stream->send.slices(impl_->slices);
      std::size_t offered = 0;
      for (const Bytes& slice : std::span{impl_->slices}.first(count)) offered += slice.size();
      return {.id = id,
              .slices = std::span{impl_->slices}.first(count),
              .fin = stream->fin_queued && offered == stream->send.unsent()};
    }
  }
  return {};
}

void Streams::on_written(StreamId id, std::size_t bytes, bool fin) {
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr) return;
  stream->send.hand_over(bytes);
  stream->fin_sent = stream->fin_sent || fin;
  impl_->offer_room(*stream);
  // To the end of the queue: the next packet is another stream's.
  Fifo<StreamId>& turns = impl_->turns(*stream);
  const bool gives_way = stream->priority.incremental && (bytes > 0 || fin);
  if (gives_way && !turns.empty() && turns.front() == id) {
    (void)turns.pop_front();
    stream->in_sendable = false;
    impl_->make_sendable(*stream);
  }
}

void Streams::on_blocked(StreamId id) {
  if (Impl::Stream* const stream = impl_->find(id)) stream->blocked = true;
}

void Streams::on_unblocked(StreamId id) {
  if (Impl::Stream* const stream = impl_->find(id)) {
    stream->blocked = false;
    impl_->make_sendable(*stream);
  }
}

void Streams::on_write_closed(StreamId id) {
  if (Impl::Stream* const stream = impl_->find(id)) stream->send_over = true;
}

}  // namespace quoin::inline v0::quic
