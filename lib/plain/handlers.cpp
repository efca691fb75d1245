// SPDX-License-Identifier: MIT
/// The part of PlainDriver that calls handlers. Whatever they do, they find the stream and the
/// connection they are called for; what they destroy is found out by the driver's own handle.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/streaming.hpp>

#include "plain/driver.hpp"

namespace quoin::inline v0 {
namespace {

using Type = quic::StreamEvent::Type;

/// What a peer is told that opens a stream nobody here wants, or whose source failed.
constexpr std::uint64_t no_code = 0;

/// A writer fills so much at a time.
constexpr std::size_t scratch_size = 16 * 1024;

/// The handler runs outside of its place, so that it may replace itself or be destroyed there; it
/// goes back unless there is another one, or `place` is gone with the `owner`.
template <class Handler, class... Arguments>
bool call(const Handle& owner, Handler& place, Arguments&&... arguments) {
  if (!place) return true;
  Handler handler = std::exchange(place, nullptr);
  handler(std::forward<Arguments>(arguments)...);
  if (!owner) return false;
  if (!place) place = std::move(handler);
  return true;
}

}  // namespace

bool PlainDriver::handle(ConnectionState& state, const quic::StreamEvent& event) {
  switch (event.type) {
    case Type::connected:
      return announce(state);
    case Type::opened:
      return handle_opened(state, event.stream);
    case Type::datagram:
      return call(owner_.handle(), state.on_datagram, Bytes{event.datagram});
    case Type::datagram_fate:
      return call(owner_.handle(), state.on_datagram_fate, event.datagram_id, event.fate);
    case Type::path:
      return call(owner_.handle(), state.on_path, event.path);
    case Type::streams_available:
      return call(owner_.handle(), state.on_streams_available, event.bidirectional);
    case Type::data:
    case Type::reset:
    case Type::stop_sending:
    case Type::writable:
    case Type::closed:
    case Type::early_data_rejected:
    case Type::disconnected:
      break;
  }
  const auto found = state.streams.find(event.stream);
  return found == state.streams.end() || handle_stream(*found->second, event);
}

bool PlainDriver::handle_stream(StreamState& stream, const quic::StreamEvent& event) {
  switch (event.type) {
    case Type::data:
      return read(stream);
    case Type::reset:
      stream.reader = nullptr;
      return call(owner_.handle(), stream.on_reset, event.error.code());
    case Type::stop_sending:
      stream.writer = nullptr;
      return call(owner_.handle(), stream.on_stop_sending, event.error.code());
    case Type::writable:
      stream.reader_paused = false;
      return fill(stream) && call(owner_.handle(), stream.on_writable) && read(stream);
    case Type::closed:
      return handle_closed(stream, event.error);
    default:
      return true;
  }
}

bool PlainDriver::announce(ConnectionState& state) {
  const Connection named{state.owner.handle()};
  if (!server_) {
    auto done = std::exchange(state.on_dialed, nullptr);
    return call(owner_.handle(), done, Result<Connection>{named});
  }
  return call(owner_.handle(), on_connection, named);
}

bool PlainDriver::handle_opened(ConnectionState& state, quic::StreamId id) {
  if (!state.on_stream || shutting_down_) {
    if (quic::Streams* const streams = streams_of(state)) {
      streams->stop_sending(id, no_code);
      streams->reset(id, no_code);
    }
    return true;
  }
  const Stream named{add_stream(state, id).owner.handle()};
  return call(owner_.handle(), state.on_stream, named);
}

bool PlainDriver::handle_closed(StreamState& stream, const Error& reason) {
  ConnectionState& state = stream.connection;
  const quic::StreamId id = stream.id;
  if (!call(owner_.handle(), stream.on_close, reason)) return false;
  state.streams.erase(id);
  return true;
}

bool PlainDriver::handle_disconnected(ConnectionState& state, const Error& reason) {
  while (!state.streams.empty()) {
    if (!handle_closed(*state.streams.begin()->second, reason)) return false;
  }
  auto done = std::exchange(state.on_dialed, nullptr);
  if (!call(owner_.handle(), done, Result<Connection>{std::unexpected(reason)})) return false;
  if (!call(owner_.handle(), state.on_closed, reason)) return false;
  states_.erase(state.id);
  return true;
}

void PlainDriver::tell_shutdown() {
  for (const auto& [id, state] : states_) {
    if (!state->announced || std::exchange(state->told, true)) continue;
    if (!call(owner_.handle(), state->on_shutdown)) return;
  }
}

bool PlainDriver::read(StreamState& stream) {
  while (stream.reader && !stream.reader_paused) {
    quic::Streams* const streams = streams_of(stream.connection);
    if (streams == nullptr) return true;
    const quic::StreamChunk chunk = streams->read(stream.id);
    if (chunk.data.empty() && !chunk.last) return true;
    const Handle self = owner_.handle();
    Reader reader = std::exchange(stream.reader, nullptr);
    stream.reading = true;
    stream.resumed_inside = false;
    const std::size_t taken = std::min(reader(chunk.data, chunk.last), chunk.data.size());
    if (!self) return false;
    stream.reading = false;
    finish_read(stream, std::move(reader), chunk, taken);
    if (taken < chunk.data.size()) return true;
  }
  return true;
}

void PlainDriver::finish_read(StreamState& stream, Reader reader, const quic::StreamChunk& chunk,
                              std::size_t taken) {
  // Looked up again: the reader may have opened connections, and what is over goes then.
  quic::Streams* const streams = streams_of(stream.connection);
  if (streams == nullptr) return;
  streams->consume(stream.id, taken);
  if (const auto code = std::exchange(stream.stop_code, std::nullopt)) {
    streams->stop_sending(stream.id, *code);
    stream.reader = nullptr;
    return;
  }
  const bool left_some = taken < chunk.data.size();
  stream.reader_paused = left_some && !stream.resumed_inside;
  if (!stream.reader && (left_some || !chunk.last)) stream.reader = std::move(reader);
}

bool PlainDriver::fill(StreamState& stream) {
  while (stream.writer && !stream.writer_paused) {
    quic::Streams* streams = streams_of(stream.connection);
    if (streams == nullptr || !streams->is_writable(stream.id)) {
      stream.writer = nullptr;
      return true;
    }
    const std::size_t room = streams->room(stream.id);
    if (room == 0) {
      streams->want_room(stream.id);
      return true;
    }
    scratch_.resize(scratch_size);
    const std::span<std::byte> target = std::span{scratch_}.first(std::min(room, scratch_size));
    const Handle self = owner_.handle();
    Writer writer = std::exchange(stream.writer, nullptr);
    stream.writing = true;
    stream.resumed_inside = false;
    const Filled filled = writer(target);
    if (!self) return false;
    stream.writing = false;
    streams = streams_of(stream.connection);  // again, as in finish_read()
    if (streams == nullptr) return true;
    if (filled.failed) {
      streams->reset(stream.id, no_code);
      return true;
    }
    const std::size_t bytes = std::min(filled.bytes, target.size());
    (void)streams->write(stream.id, target.first(bytes), filled.last);
    if (filled.last) return true;
    if (!stream.writer) stream.writer = std::move(writer);
    if (bytes == 0) {
      stream.writer_paused = !stream.resumed_inside;
      return true;
    }
  }
  return true;
}

}  // namespace quoin::inline v0
