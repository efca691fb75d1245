// SPDX-License-Identifier: MIT
/// Plain QUIC on a loop: passes the events of connections and streams to the handlers. A handler
/// may do anything here, even destroy the driver.
#include "plain/driver.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>

namespace quoin::inline v0 {
namespace {

using Type = quic::StreamEvent::Type;

/// What peers are told when the facade is destroyed.
constexpr std::uint64_t no_code = 0;

}  // namespace

ConnectionState::~ConnectionState() {
  for (const Address& socket : sockets) close_socket(driver.loop, socket);
}

PlainDriver::PlainDriver(Loop& on, Role role, Tls tls, quic::Config config,
                         quic::StreamsConfig streams)
    : EndpointDriver(on, role, std::move(tls), Error{Error::Domain::application, no_code}),
      config_(std::move(config)),
      streams_config_(streams),
      server_(role == Role::server) {
  attach(loop, *this);
}

PlainDriver::~PlainDriver() { stop(); }

void PlainDriver::handle_stop() noexcept {
  owner_.release();
  for (const auto& [id, state] : states_) {
    state->owner.release();
    // Close them now; by the time this is destroyed, their names may belong to other sockets.
    state->sockets.clear();
    for (const auto& [number, stream] : state->streams) stream->owner.release();
  }
}

quic::Acceptor PlainDriver::acceptor() { return server_ ? streams_acceptor() : quic::Acceptor{}; }

quic::Acceptor PlainDriver::streams_acceptor() const {
  return [limits = streams_config_](quic::Connection& connection) {
    return std::make_unique<quic::Streams>(connection, limits);
  };
}

Result<> PlainDriver::connect(const Path& path, std::string_view server_name,
                              std::move_only_function<void(Result<Connection>)> done) {
  const auto id = endpoint->connect(path, server_name, streams_acceptor(), loop.now());
  if (!id) return std::unexpected(id.error());
  auto state = std::make_unique<ConnectionState>(*this, *id);
  state->on_dialed = std::move(done);
  states_[*id] = std::move(state);
  nudge_to_send();
  return {};
}

void PlainDriver::stop_accepting() noexcept {
  if (endpoint) endpoint->stop_accepting();
}

quic::Connection* PlainDriver::find(const ConnectionState& state) noexcept {
  return endpoint->find(state.id);
}

quic::Streams* PlainDriver::streams_of(const ConnectionState& state) noexcept {
  quic::Connection* const connection = find(state);
  // A connection of this endpoint never carries any other application.
  return connection == nullptr ? nullptr : static_cast<quic::Streams*>(&connection->application());
}

StreamState& PlainDriver::add_stream(ConnectionState& state, quic::StreamId id) {
  auto& place = state.streams[id];
  place = std::make_unique<StreamState>(state, id);
  return *place;
}

void PlainDriver::resume(StreamState& stream) {
  stream.reader_paused = false;
  stream.writer_paused = false;
  stream.resumed_inside = stream.reading || stream.writing;
  if (!std::exchange(stream.resumed, true)) resumed_.push_back(stream.owner.handle());
  nudge_to_send();
}

void PlainDriver::nudge_to_send() noexcept {
  // While handlers run, sending comes next anyway.
  if (!is_dispatching() || !resumed_.empty()) nudge();
}

void PlainDriver::run_handlers(Time /*now*/) {
  serve_ready();
  serve_resumed();
  // Resumed streams may have caused events of their own.
  serve_ready();
  if (!shutting_down_ || is_stopped) return;
  tell_shutdown();
  if (is_stopped) return;
  if (timers.take(Deadline::shutdown)) {
    close_all();
  } else {
    close_unused_connections();
  }
  const bool all_ended = states_.empty() && endpoint_stats().handshakes == 0;
  if (all_ended && is_end_awaited()) say_all_ended();
}

void PlainDriver::serve(quic::ConnectionKey id) {
  quic::Connection* const connection = endpoint->find(id);
  if (connection == nullptr) return;
  auto& place = states_[id];
  if (!place) place = std::make_unique<ConnectionState>(*this, id);
  ConnectionState& state = *place;
  const Error reason = connection->close_reason();
  // A handler that opens a connection makes the endpoint forget those that have ended.
  while (quic::Streams* const streams = streams_of(state)) {
    const auto event = streams->poll_event();
    if (!event) return;
    if (event->type == Type::disconnected) {
      const bool given_up = shutting_down_ && state.on_dialed;
      (void)handle_disconnected(state, given_up ? Error{UsageError::closed} : event->error);
      return;
    }
    // Do not hand out a connection that is about to be closed.
    if (event->type == Type::connected && shutting_down_) continue;
    if (event->type == Type::connected) state.announced = true;
    if (!handle(state, *event)) return;
  }
  (void)handle_disconnected(state, reason);
}

void PlainDriver::serve_resumed() {
  if (is_stopped) return;
  // Streams resumed while this runs are served in the next round.
  for (const Handle& handle : std::exchange(resumed_, {})) {
    // The list holds only streams of this driver.
    auto* const stream = static_cast<StreamState*>(resolve_as<StreamHost>(handle));
    if (stream == nullptr) continue;
    stream->resumed = false;
    if (!read(*stream) || !fill(*stream)) return;
  }
}

}  // namespace quoin::inline v0
