// SPDX-License-Identifier: MIT
/// What happens on a client's connections, and to the requests on them when one ends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/time.hpp>

#include "client/client_impl.hpp"
#include "http/connection_number.hpp"
#include "http/endpoint.hpp"
#include "http/quic_numbers.hpp"
#include "loop/call_in_place.hpp"
#include "loop/driver.hpp"

namespace quoin::inline v0 {

h3::Session* Client::Impl::session(ConnectionNumber connection) noexcept {
  const auto found = connections.find(connection);
  return found == connections.end() ? nullptr : session_on(*found->second);
}

h3::Session* Client::Impl::session_on(const ClientConnection& connection) noexcept {
  return session_of(*endpoint, connection.key);
}

quic::Connection* Client::Impl::quic_of(const ClientConnection& connection) noexcept {
  return endpoint->find(connection.key);
}

void Client::Impl::serve(quic::ConnectionKey key) {
  h3::Session* const h3 = session_of(*endpoint, key);
  const auto found = connections.find(numbers[key]);
  if (h3 == nullptr) return;
  if (found == connections.end()) {
    while (h3->poll_event()) {  // an attempt given up earlier: nobody cares
    }
    return;
  }
  ClientConnection& connection = *found->second;
  while (!is_stopped) {
    std::optional<h3::Event> event = h3->poll_event();
    if (!event) return;
    const bool last = event->type == h3::Event::Type::disconnected;
    handle(connection, *event);
    if (last) return;
  }
}

void Client::Impl::handle(ClientConnection& connection, h3::Event& event) {
  using Type = h3::Event::Type;
  switch (event.type) {
    case Type::connected:
      handle_connected(connection);
      break;
    case Type::disconnected:
      handle_disconnected(connection, event.error);
      break;
    case Type::goaway:
      handle_goaway(connection, event.stream);
      break;
    case Type::path:
      if (quic::Connection* const quic = quic_of(connection); quic && on_path) {
        call_in_place(loop, "Client::on_path", on_path,
                      describe(*quic, connection.number, connection.origin->key), event.path);
      }
      break;
    case Type::streams_available:
      for (Origin* const origin : hosts_of(connection)) mark(*origin);
      break;
    case Type::resumable:
      keep_session(connection);
      break;
    case Type::early_data_rejected:
      connection.early = false;
      take_back_all(connection);
      break;
    case Type::headers:
    case Type::informational:
    case Type::trailers:
    case Type::datagram:
    case Type::data:
    case Type::writable:
    case Type::reset:
    case Type::stop_sending:
    case Type::closed:
      handle_stream(connection, event);
      break;
  }
}

void Client::Impl::handle_stream(ClientConnection& connection, h3::Event& event) {
  using Type = h3::Event::Type;
  const auto found = connection.calls.find(event.stream);
  if (found == connection.calls.end()) return;  // it was cancelled or has been answered
  ClientCall& call = *found->second;
  switch (event.type) {
    case Type::headers:
    case Type::informational:
      handle_head(call, event);
      break;
    case Type::trailers:
      call.reply.trailers = std::move(event.headers);
      break;
    case Type::writable:
      call.progress = loop.now();
      work_on(call);
      break;
    case Type::datagram:
      handle_call_datagram(call, event.datagram);
      break;
    case Type::data:
      work_on(call);
      break;
    case Type::stop_sending:
      // The server can reply without it (RFC 9114 §4.1), or will say what is wrong.
      call.outgoing.drop();
      break;
    case Type::reset:
    case Type::closed:
      handle_end(call, event.error);
      break;
    default:
      break;
  }
}

void Client::Impl::handle_connected(ClientConnection& connection) {
  quic::Connection* const quic = quic_of(connection);
  Origin& origin = *connection.origin;
  if (quic == nullptr ||
      std::ranges::find(origin.attempts, connection.number) == origin.attempts.end()) {
    return;
  }
  abandon_attempts(origin, connection.number);
  origin.current = connection.number;
  origin.current_place = connection.alternative;
  connection.connected = true;
  connection.early = false;
  connection.connected_at = loop.now();
  for (const auto& [stream, call] : connection.calls) {
    call->reply.timing.connected = connection.connected_at - call->began;
  }
  ++counted.connections;
  if (connection.alternative) {
    ++counted.alternatives;
    // It may have been slower only at first.
    alternatives.set_aside(origin.host, origin.port, *connection.alternative, loop.now());
  }
  if (quic->tls().resumed) ++counted.resumed;
  origin.connecting = false;
  note_idle(connection);
  if (origin.timer) timers.cancel(*std::exchange(origin.timer, std::nullopt));
  mark(origin);
  if (on_connected) {
    call_in_place(loop, "Client::on_connected", on_connected,
                  describe(*quic, connection.number, origin.key));
  }
}

void Client::Impl::handle_disconnected(ClientConnection& connection, const Error& reason) {
  const auto node = connections.extract(connection.number);
  Origin& origin = *connection.origin;
  const std::string place = origin.key + " (" + connection.address.to_string() + ')';
  const std::string detail =
      reason.detail().empty() ? place : place + ": " + std::string{reason.detail()};
  const Error error{reason.domain(), reason.code(), detail};
  if (!connection.connected) {
    take_back_all(connection);
    if (std::erase(origin.attempts, connection.number) != 0 && !fail_alternative(connection)) {
      // The remembered session may be the reason: try again without it.
      const bool objected =
          error.domain() == Error::Domain::transport || error.domain() == Error::Domain::http;
      if (connection.resuming && objected) {
        const auto next = static_cast<std::ptrdiff_t>(origin.next_address);
        origin.addresses.insert(origin.addresses.begin() + next, connection.address);
      }
      fail_attempt(origin, error);
    }
  } else {
    drain(connection);
    // Unsent requests wait for the next connection, but not forever.
    for (const Origin* const host : hosts_of(connection)) {
      const std::deque<ClientCall*> waiting = host->waiting;
      for (ClientCall* const call : waiting) {
        if (++call->tries > max_tries) finish(*call, std::unexpected(error));
      }
    }
    const auto lost = std::exchange(connection.calls, {});
    for (const auto& [stream, call] : lost) {
      if (outlives(*call, connection)) continue;
      if (!retry(*call, error)) finish(*call, std::unexpected(error));
    }
  }
  if (quic::Connection* const quic = quic_of(connection); quic != nullptr && on_disconnected) {
    ConnectionInfo info = describe(*quic, connection.number, origin.key);
    info.path.remote = connection.connected ? info.path.remote : connection.address;
    info.reason = error;
    call_in_place(loop, "Client::on_disconnected", on_disconnected, info);
  }
  feed_starved();
  for (Origin* const host : hosts_of(connection)) release(*host);
}

void Client::Impl::handle_goaway(ClientConnection& connection, quic::StreamId first_refused) {
  drain(connection);
  std::vector<ClientCall*> refused;
  for (const auto& [stream, call] : connection.calls) {
    if (stream >= first_refused) refused.push_back(call);
  }
  const Error reason{HttpError::request_rejected, connection.origin->key + " is shutting down"};
  for (ClientCall* const call : refused) handle_end(*call, reason);
  drop(connection);
}

// New requests for the host go to another connection.
void Client::Impl::drain(ClientConnection& connection) {
  connection.draining = true;
  for (Origin* const origin : hosts_of(connection)) {
    if (origin->current == connection.number) origin->current.reset();
    mark(*origin);
  }
}

// A draining connection without requests is useless.
void Client::Impl::drop(ClientConnection& connection) {
  if (!connection.draining || !connection.calls.empty()) return;
  if (quic::Connection* const quic = quic_of(connection)) {
    quic->close(Error{HttpError::no_error});
    wake_driver(loop, *this);
  }
}

void Client::Impl::migrate_pending() {
  struct Refused {
    ClientConnection* connection;
    Address local;
    Error error;
  };

  if (is_stopped || !std::exchange(has_migrations, false)) return;
  std::vector<Refused> refused;
  for (const auto& [number, connection] : connections) {
    const Address socket = connection->migrate_to;
    if (socket.is_none()) continue;
    has_migrations = true;
    quic::Connection* const quic = quic_of(*connection);
    if (quic == nullptr) continue;
    const Result<> moved = migrate(*quic, socket);
    // Not yet confirmed, or no spare connection ID yet: try again in a later turn.
    if (!moved && moved.error() == Error{UsageError::limit_reached}) continue;
    connection->migrate_to = {};
    if (moved) continue;
    const Address local = source_for(socket, quic->path().remote).value_or(socket);
    refused.push_back({connection.get(), local, moved.error()});
  }
  for (const Refused& each : refused) {
    const quic::Connection* const quic = quic_of(*each.connection);
    if (quic == nullptr || is_stopped) return;
    call_in_place(loop, "Client::on_path", on_path,
                  describe(*quic, each.connection->number, each.connection->origin->key),
                  quic::PathEvent{.type = quic::PathEvent::Type::failed,
                                  .path = {.local = each.local, .remote = quic->path().remote},
                                  .error = each.error});
  }
}

// Requests keep their connection alive; nothing keeps an idle one alive.
void Client::Impl::keep_alive(const ClientConnection& connection) {
  quic::Connection* const quic = quic_of(connection);
  if (quic == nullptr || config.request_keep_alive <= Duration::zero()) return;
  Duration silence = config.quic.keep_alive;
  if (!connection.calls.empty()) {
    const auto shorten = [&silence](Duration limit) {
      if (limit > Duration::zero()) {
        silence = silence > Duration::zero() ? std::min(silence, limit) : limit;
      }
    };
    shorten(config.request_keep_alive);
    shorten(config.quic.max_idle_timeout / 2);
  }
  quic->set_keep_alive(silence);
}

// Each migration opens a socket. The old one is needed until the new path is validated, so the
// next migration closes it; the newest stays, for new connections.
void Client::Impl::close_unused_sockets() {
  const auto is_used = [this](const Address& socket) {
    return std::ranges::any_of(connections, [&](const auto& entry) {
      const quic::Connection* const quic = quic_of(*entry.second);
      return entry.second->migrate_to == socket ||
             (quic != nullptr && quic->path().local.port() == socket.port());
    });
  };
  close_unused(sockets, [&, newest = sockets.empty() ? Address{} : sockets.back()](
                            const Address& socket) { return socket == newest || is_used(socket); });
}

}  // namespace quoin::inline v0
