// SPDX-License-Identifier: MIT
/// The part of PlainDriver that calls handlers. Whatever they do, the stream and connection they
/// are called for stay valid; the driver's own handle shows what they destroyed.
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

#include "base/access.hpp"
#include "loop/call_in_place.hpp"
#include "plain/driver.hpp"

namespace quoin::inline v0 {
namespace {

using Type = quic::StreamEvent::Type;

/// Sent to the peer for a stream that nobody here wants, or whose source failed.
constexpr std::uint64_t no_code = 0;

/// How much a writer fills at a time.
constexpr std::size_t scratch_size = 16 * 1024;

}  // namespace

/// Calls a handler that belongs to no stream.
template <class Signature, class... Arguments>
bool PlainDriver::tell(const char* where, HandlerPlace<Signature>& place,
                       Arguments&&... arguments) {
  const Handle self = owner_.handle();
  return !call_in_place(loop, where, self, place, std::forward<Arguments>(arguments)...).gone;
}

/// Calls a handler for a stream's event; an exception ends the stream.
template <class Signature, class... Arguments>
bool PlainDriver::tell(const char* where, StreamState& stream, HandlerPlace<Signature>& place,
                       Arguments&&... arguments) {
  const Handle self = owner_.handle();
  const Called called =
      call_in_place(loop, where, self, place, std::forward<Arguments>(arguments)...);
  if (called.gone) return false;
  if (called.thrown) give_up(stream);
  return true;
}

void PlainDriver::give_up(StreamState& stream) {
  stream.reader = nullptr;
  stream.writer = nullptr;
  // Look up again after each call: it may have opened connections, which drops those that ended.
  if (quic::Streams* const streams = streams_of(stream.connection)) {
    streams->stop_sending(stream.id, no_code);
    streams->reset(stream.id, no_code);
  }
}

void PlainDriver::give_up(const ConnectionState& state) {
  if (quic::Connection* const connection = find(state)) {
    connection->close({Error::Domain::application, no_code});
  }
}

bool PlainDriver::handle(ConnectionState& state, const quic::StreamEvent& event) {
  switch (event.type) {
    case Type::connected:
      return announce(state);
    case Type::opened:
      return handle_opened(state, event.stream);
    case Type::datagram:
      return tell("Connection::on_datagram", state.on_datagram, Bytes{event.datagram});
    case Type::datagram_fate:
      return tell("Connection::on_datagram_fate", state.on_datagram_fate, event.datagram_id,
                  event.fate);
    case Type::path:
      return tell("Connection::on_path", state.on_path, event.path);
    case Type::streams_available:
      return tell("Connection::on_streams_available", state.on_streams_available,
                  event.bidirectional);
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
      return tell("Stream::on_reset", stream, stream.on_reset, event.error.code());
    case Type::stop_sending:
      stream.writer = nullptr;
      return tell("Stream::on_stop_sending", stream, stream.on_stop_sending, event.error.code());
    case Type::writable:
      stream.reader_paused = false;
      return fill(stream) && tell("Stream::on_writable", stream, stream.on_writable) &&
             read(stream);
    case Type::closed:
      return handle_closed(stream, event.error);
    default:
      return true;
  }
}

bool PlainDriver::announce(ConnectionState& state) {
  const auto named = detail::named<Connection>(state.owner.handle());
  const Handle self = owner_.handle();
  Called called;
  if (server_) {
    called = call_in_place(loop, "Listener::on_connection", self, on_connection, named);
  } else {
    called.thrown =
        call_and_forget(loop, "Dialer::connect", state.on_dialed, Result<Connection>{named});
    called.gone = !self;
  }
  if (called.gone) return false;
  if (called.thrown) give_up(state);  // nobody has taken ownership of it
  return true;
}

bool PlainDriver::handle_opened(ConnectionState& state, quic::StreamId id) {
  if (!state.on_stream || shutting_down_) {
    if (quic::Streams* const streams = streams_of(state)) {
      streams->stop_sending(id, no_code);
      streams->reset(id, no_code);
    }
    return true;
  }
  StreamState& stream = add_stream(state, id);
  return tell("Connection::on_stream", stream, state.on_stream, stream.owner.stream());
}

bool PlainDriver::handle_closed(StreamState& stream, const Error& reason) {
  ConnectionState& state = stream.connection;
  const quic::StreamId id = stream.id;
  const Handle self = owner_.handle();
  call_and_forget(loop, "Stream::on_closed", stream.on_closed, reason);
  if (!self) return false;
  state.streams.erase(id);
  return true;
}

bool PlainDriver::handle_disconnected(ConnectionState& state, const Error& reason) {
  while (!state.streams.empty()) {
    if (!handle_closed(*state.streams.begin()->second, reason)) return false;
  }
  const Handle self = owner_.handle();
  call_and_forget(loop, "Dialer::connect", state.on_dialed,
                  Result<Connection>{std::unexpected(reason)});
  if (!self) return false;
  call_and_forget(loop, "Connection::on_closed", state.on_closed, reason);
  if (!self) return false;
  states_.erase(state.id);
  return true;
}

void PlainDriver::tell_shutdown() {
  for (const auto& [id, state] : states_) {
    if (!state->announced || std::exchange(state->told, true)) continue;
    if (!tell("Connection::on_shutdown", state->on_shutdown)) return;
  }
}

bool PlainDriver::read(StreamState& stream) {
  while (stream.reader && !stream.reader_paused) {
    quic::Streams* const streams = streams_of(stream.connection);
    if (streams == nullptr) return true;
    const quic::StreamChunk chunk = streams->read(stream.id);
    if (chunk.data.empty() && !chunk.last) return true;
    const Handle self = owner_.handle();
    auto running = stream.reader.take();
    stream.reading = true;
    stream.resumed_inside = false;
    std::size_t taken = 0;
    const auto thrown = run_guarded(loop, "Stream::on_data", [&] {
      taken = std::min(running.handler(chunk.data, chunk.last), chunk.data.size());
    });
    if (!self) return false;
    stream.reading = false;
    if (thrown) {
      stream.stop_code.reset();
      give_up(stream);
      return true;
    }
    const bool over = chunk.last && taken == chunk.data.size();
    if (!over) stream.reader.put_back(std::move(running));
    finish_read(stream, chunk, taken);
    if (taken < chunk.data.size()) return true;
  }
  return true;
}

void PlainDriver::finish_read(StreamState& stream, const quic::StreamChunk& chunk,
                              std::size_t taken) {
  // Again, as in give_up().
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
    auto running = stream.writer.take();
    stream.writing = true;
    stream.resumed_inside = false;
    Filled filled;
    const auto thrown =
        run_guarded(loop, "Stream::source", [&] { filled = running.handler(target); });
    if (!self) return false;
    stream.writing = false;
    if (thrown) {
      give_up(stream);
      return true;
    }
    streams = streams_of(stream.connection);  // again, as in give_up()
    if (streams == nullptr) return true;
    if (filled.failed) {
      streams->reset(stream.id, no_code);
      return true;
    }
    const std::size_t bytes = std::min(filled.bytes, target.size());
    (void)streams->write(stream.id, target.first(bytes), filled.last);
    if (filled.last) return true;
    stream.writer.put_back(std::move(running));
    if (bytes == 0) {
      stream.writer_paused = !stream.resumed_inside;
      return true;
    }
  }
  return true;
}

}  // namespace quoin::inline v0
