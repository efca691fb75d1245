// SPDX-License-Identifier: MIT
/// Plain streams: the commands of the application and the events for it. The engine's calls are in
/// engine.cpp.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "quic/streams/streams_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

using Type = StreamEvent::Type;

constexpr std::uint16_t bit(Type type) noexcept {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(type));
}

}  // namespace

Streams::Impl::Stream* Streams::Impl::find(StreamId id) noexcept {
  const auto found = streams.find(id);
  return found == streams.end() ? nullptr : found->second.get();
}

const Streams::Impl::Stream* Streams::Impl::find(StreamId id) const noexcept {
  const auto found = streams.find(id);
  return found == streams.end() ? nullptr : found->second.get();
}

Streams::Impl::Stream& Streams::Impl::add(StreamId id) {
  auto stream = std::make_unique<Stream>(id, pool);
  const bool ours = is_server_initiated(id) == connection.is_server();
  stream->send_over = !is_bidirectional(id) && !ours;
  stream->receive_over = !is_bidirectional(id) && ours;
  return *(streams[id] = std::move(stream));
}

void Streams::Impl::raise(Stream& stream, Type type) {
  stream.pending |= bit(type);
  connection.want_poll();  // a command may raise an event as well as the engine
  if (!stream.in_ready) {
    stream.in_ready = true;
    ready.push_back(stream.id);
  }
}

void Streams::Impl::make_sendable(Stream& stream) {
  if (!stream.in_sendable && stream.has_to_send()) {
    stream.in_sendable = true;
    turns(stream).push_back(stream.id);
  }
}

void Streams::Impl::prioritize(Stream& stream, StreamPriority priority) {
  if (priority.urgency != stream.priority.urgency && std::exchange(stream.in_sendable, false)) {
    turns(stream).erase(stream.id);
  }
  stream.priority = priority;
  make_sendable(stream);
}

bool Streams::Impl::is_writable(const Stream& stream) const noexcept {
  return !over && !stream.send_over && !stream.fin_queued;
}

std::size_t Streams::Impl::room(const Stream& stream) const noexcept {
  if (!is_writable(stream)) return 0;
  const std::size_t own = config.send_buffer - std::min(config.send_buffer, stream.send.unsent());
  const std::size_t shared = config.send_buffer_total - std::min(config.send_buffer_total, kept);
  return std::min(own, shared);
}

void Streams::Impl::offer_room(Stream& stream) {
  // At least half a buffer, so that small reads and writes do not chase each other.
  const bool worth_it = stream.send.unsent() <= config.send_buffer / 2;
  if (stream.wants_room && worth_it && room(stream) > 0) {
    stream.wants_room = false;
    raise(stream, Type::writable);
  }
}

void Streams::Impl::offer_room_to_starved() {
  if (starved.empty() || kept > config.send_buffer_total / 4 * 3) return;
  for (const StreamId id : std::exchange(starved, {})) {
    if (Stream* const stream = find(id)) offer_room(*stream);
  }
}

void Streams::Impl::want_room(Stream& stream) {
  if (!is_writable(stream)) return;
  stream.wants_room = true;
  if (kept >= config.send_buffer_total) starved.push_back(stream.id);
}

void Streams::Impl::drop_received(Stream& stream) {
  connection.consume(stream.id, stream.receive.size());
  stream.receive.clear();
  stream.receive_over = true;
}

void Streams::Impl::finish_if_over(Stream& stream) {
  if (!stream.closed) return;
  const bool waits = stream.fin_received && !stream.fin_taken && !stream.receive_over;
  if (waits != stream.unread) {
    stream.unread = waits;
    waits ? ++unread : --unread;
  }
  if (!waits) raise(stream, Type::closed);
}

void Streams::Impl::remove(StreamId id) {
  const auto found = streams.find(id);
  kept -= found->second->send.pooled();
  streams.erase(found);
  if (streams.empty()) pool.trim();
}

std::optional<StreamEvent> Streams::Impl::poll_stream_event() {
  while (!ready.empty()) {
    Stream* const stream = find(ready.front());
    if (stream == nullptr || stream->pending == 0) {
      (void)ready.pop_front();
      if (stream != nullptr) stream->in_ready = false;
      continue;
    }
    // The order of the types is the order in which the events of one stream make sense.
    const auto type = static_cast<Type>(std::countr_zero(stream->pending));
    stream->pending &= static_cast<std::uint16_t>(~bit(type));
    StreamEvent event{.type = type, .stream = stream->id, .error = {}, .datagram = {}};
    if (type == Type::reset) {
      event.error = {Error::Domain::application, stream->reset_code};
    } else if (type == Type::stop_sending) {
      event.error = {Error::Domain::application, stream->stop_code};
    } else if (type == Type::closed) {
      if (stream->close_code) event.error = {Error::Domain::application, *stream->close_code};
      remove(stream->id);
    }
    return event;
  }
  return std::nullopt;
}

Streams::Streams(Connection& connection, const StreamsConfig& config)
    : impl_(std::make_unique<Impl>(connection, config)) {}

Streams::~Streams() = default;

std::optional<StreamEvent> Streams::poll_event() {
  StreamEvent event;
  if (std::exchange(impl_->early_data_rejected, false)) {
    event.type = Type::early_data_rejected;
    return event;
  }
  if (std::exchange(impl_->connected, false)) {
    event.type = Type::connected;
    return event;
  }
  if (auto of_stream = impl_->poll_stream_event()) return of_stream;
  if (!impl_->datagrams.empty()) {
    event.type = Type::datagram;
    event.datagram = impl_->datagrams.pop_front();
    return event;
  }
  if (!impl_->fates.empty()) {
    const Impl::Fate told = impl_->fates.pop_front();
    event.type = Type::datagram_fate;
    event.datagram_id = told.id;
    event.fate = told.fate;
    return event;
  }
  if (!impl_->paths.empty()) {
    event.type = Type::path;
    event.path = impl_->paths.pop_front();
    return event;
  }
  if (std::exchange(impl_->bidirectional_available, false)) {
    event.type = Type::streams_available;
    event.bidirectional = true;
    return event;
  }
  if (std::exchange(impl_->unidirectional_available, false)) {
    event.type = Type::streams_available;
    return event;
  }
  if (std::exchange(impl_->disconnected, false)) {
    event.type = Type::disconnected;
    event.error = impl_->reason;
    return event;
  }
  return std::nullopt;
}

Result<StreamId> Streams::open(bool bidirectional) {
  if (impl_->over) return std::unexpected(Error{UsageError::closed});
  auto id = impl_->connection.open_stream(bidirectional);
  if (id) impl_->add(*id);
  return id;
}

std::size_t Streams::write(StreamId id, Bytes data, bool last) {
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr || !impl_->is_writable(*stream)) return 0;
  const Bytes taken = data.first(std::min(data.size(), impl_->room(*stream)));
  stream->send.append(taken);
  impl_->kept += taken.size();
  if (taken.size() < data.size()) {
    impl_->want_room(*stream);
  } else {
    stream->fin_queued = last;
  }
  impl_->make_sendable(*stream);
  impl_->connection.want_write();
  return taken.size();
}

bool Streams::write_shared(StreamId id, SharedBytes data, bool last) {
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr || !impl_->is_writable(*stream)) return false;
  if (impl_->room(*stream) == 0) {
    impl_->want_room(*stream);
    return false;
  }
  stream->send.append(std::move(data));
  stream->fin_queued = last;
  impl_->make_sendable(*stream);
  impl_->connection.want_write();
  return true;
}

std::size_t Streams::room(StreamId id) const noexcept {
  const Impl::Stream* const stream = impl_->find(id);
  return stream == nullptr ? 0 : impl_->room(*stream);
}

void Streams::want_room(StreamId id) {
  if (Impl::Stream* const stream = impl_->find(id)) {
    impl_->want_room(*stream);
    impl_->offer_room(*stream);
  }
}

bool Streams::is_writable(StreamId id) const noexcept {
  const Impl::Stream* const stream = impl_->find(id);
  return stream != nullptr && impl_->is_writable(*stream);
}

StreamChunk Streams::read(StreamId id) {
  const Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr || stream->receive_over || stream->fin_taken) return {};
  const Bytes front = stream->receive.front();
  return {.data = front, .last = stream->fin_received && front.size() == stream->receive.size()};
}

void Streams::consume(StreamId id, std::size_t bytes) {
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr || stream->receive_over) return;
  const std::size_t taken = std::min(bytes, stream->receive.size());
  stream->receive.consume(taken);
  impl_->connection.consume(id, taken);
  if (stream->fin_received && stream->receive.empty() && !stream->fin_taken) {
    stream->fin_taken = true;
    impl_->finish_if_over(*stream);
  }
}

Result<> Streams::prioritize(StreamId id, StreamPriority priority) {
  if (priority.urgency >= urgencies) {
    return std::unexpected(
        Error{UsageError::invalid_argument,
              "StreamPriority::urgency is " + std::to_string(priority.urgency) + ", not 0 to 7"});
  }
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr) return std::unexpected(Error{UsageError::stale_handle});
  impl_->prioritize(*stream, priority);
  return {};
}

StreamPriority Streams::priority(StreamId id) const noexcept {
  const Impl::Stream* const stream = impl_->find(id);
  return stream == nullptr ? StreamPriority{} : stream->priority;
}

void Streams::reset(StreamId id, std::uint64_t code) {
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr || stream->send_over || impl_->over) return;
  // Sent data stays until the engine has closed the stream: it may read it until then.
  stream->send_over = true;
  impl_->connection.reset_stream(id, code);
}

void Streams::stop_sending(StreamId id, std::uint64_t code) {
  Impl::Stream* const stream = impl_->find(id);
  if (stream == nullptr || stream->receive_over || impl_->over) return;
  impl_->drop_received(*stream);
  if (!stream->fin_received) impl_->connection.stop_sending(id, code);
  impl_->finish_if_over(*stream);
}

std::size_t Streams::open_streams() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      impl_->streams, [](const auto& entry) { return !entry.second->closed; }));
}

std::uint64_t Streams::bytes_queued() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [id, stream] : impl_->streams) {
    if (!stream->send_over) sum += stream->send.unsent();
  }
  return sum;
}

Connection& Streams::connection() noexcept { return impl_->connection; }

std::uint64_t Streams::datagrams_dropped() const noexcept { return impl_->datagrams_dropped; }

std::uint64_t Streams::datagram_fates_dropped() const noexcept { return impl_->fates_dropped; }

}  // namespace quoin::inline v0::quic
