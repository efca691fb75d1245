// SPDX-License-Identifier: MIT
/// Stream and Connection: looks up what the handle names and passes the call on. Handlers are
/// called by PlainDriver.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/handle.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/streaming.hpp>

#include "base/access.hpp"
#include "base/handle.hpp"
#include "loop/driver.hpp"
#include "plain/driver.hpp"

namespace quoin::inline v0 {
namespace {

/// A stream that is there, with the engine's side of it.
struct Found {
  explicit Found(const Handle& handle) : state(resolve_as<StreamState>(handle)) {
    if (state != nullptr) streams = state->connection.driver.streams_of(state->connection);
  }

  explicit operator bool() const noexcept { return streams != nullptr; }

  [[nodiscard]] PlainDriver& driver() const noexcept { return state->connection.driver; }

  StreamState* state;
  quic::Streams* streams = nullptr;
};

/// A connection that is there.
quic::Connection* find_connection(const Handle& handle) noexcept {
  const auto* const state = resolve_as<ConnectionState>(handle);
  return state == nullptr ? nullptr : state->driver.find(*state);
}

std::unexpected<Error> stale() { return std::unexpected(Error{UsageError::stale_handle}); }

}  // namespace

quic::StreamId Stream::id() const noexcept {
  const auto* const state = resolve_as<StreamState>(handle_);
  return state == nullptr ? quic::no_stream : state->id;
}

Connection Stream::connection() const noexcept {
  const auto* const state = resolve_as<StreamState>(handle_);
  return state == nullptr ? Connection{}
                          : detail::named<Connection>(state->connection.owner.handle());
}

void Stream::on_data(Reader reader) const {
  if (const Found found{handle_}) {
    found.state->reader = std::move(reader);
    found.driver().resume(*found.state);
  }
}

void Stream::on_reset(std::move_only_function<void(std::uint64_t)> handler) const {
  if (const Found found{handle_}) found.state->on_reset = std::move(handler);
}

std::size_t Stream::write(Bytes data, bool last) const {
  const Found found{handle_};
  if (!found) return 0;
  const std::size_t taken = found.streams->write(found.state->id, data, last);
  found.driver().nudge_to_send();
  return taken;
}

bool Stream::write_shared(SharedBytes data, bool last) const {
  const Found found{handle_};
  if (!found) return false;
  const bool taken = found.streams->write_shared(found.state->id, std::move(data), last);
  found.driver().nudge_to_send();
  return taken;
}

std::size_t Stream::room() const noexcept {
  const Found found{handle_};
  return found ? found.streams->room(found.state->id) : 0;
}

void Stream::on_writable(std::move_only_function<void()> handler) const {
  if (const Found found{handle_}) found.state->on_writable = std::move(handler);
}

void Stream::source(Writer writer) const {
  if (const Found found{handle_}) {
    found.state->writer = std::move(writer);
    found.driver().resume(*found.state);
  }
}

void Stream::on_stop_sending(std::move_only_function<void(std::uint64_t)> handler) const {
  if (const Found found{handle_}) found.state->on_stop_sending = std::move(handler);
}

Result<> Stream::prioritize(quic::StreamPriority priority) const {
  const Found found{handle_};
  if (!found) return stale();
  auto set = found.streams->prioritize(found.state->id, priority);
  found.driver().nudge_to_send();
  return set;
}

void Stream::resume() const {
  if (const Found found{handle_}) found.driver().resume(*found.state);
}

void Stream::reset(std::uint64_t code) const {
  if (const Found found{handle_}) {
    found.streams->reset(found.state->id, code);
    found.driver().nudge_to_send();
  }
}

void Stream::stop_sending(std::uint64_t code) const {
  const Found found{handle_};
  if (!found) return;
  if (found.state->reading) {
    found.state->stop_code = code;  // the bytes it was given are to stay while it runs
    return;
  }
  found.state->reader = nullptr;
  found.streams->stop_sending(found.state->id, code);
  found.driver().nudge_to_send();
}

void Stream::on_closed(std::move_only_function<void(const Error&)> handler) const {
  if (const Found found{handle_}) found.state->on_closed = std::move(handler);
}

void Connection::on_stream(std::move_only_function<void(Stream)> handler) const {
  if (auto* const state = resolve_as<ConnectionState>(handle_)) {
    state->on_stream = std::move(handler);
  }
}

void Connection::on_datagram(std::move_only_function<void(Bytes)> handler) const {
  if (auto* const state = resolve_as<ConnectionState>(handle_)) {
    state->on_datagram = std::move(handler);
  }
}

void Connection::on_datagram_fate(
    std::move_only_function<void(quic::DatagramId, quic::DatagramFate)> handler) const {
  if (auto* const state = resolve_as<ConnectionState>(handle_)) {
    state->on_datagram_fate = std::move(handler);
  }
}

void Connection::on_streams_available(std::move_only_function<void(bool)> handler) const {
  if (auto* const state = resolve_as<ConnectionState>(handle_)) {
    state->on_streams_available = std::move(handler);
  }
}

void Connection::on_path(std::move_only_function<void(const quic::PathEvent&)> handler) const {
  if (auto* const state = resolve_as<ConnectionState>(handle_)) state->on_path = std::move(handler);
}

void Connection::on_shutdown(std::move_only_function<void()> handler) const {
  if (auto* const state = resolve_as<ConnectionState>(handle_)) {
    state->on_shutdown = std::move(handler);
  }
}

void Connection::on_closed(std::move_only_function<void(const Error&)> handler) const {
  if (auto* const state = resolve_as<ConnectionState>(handle_)) {
    state->on_closed = std::move(handler);
  }
}

Result<Stream> Connection::open_stream(bool bidirectional) const {
  auto* const state = resolve_as<ConnectionState>(handle_);
  quic::Streams* const streams = state == nullptr ? nullptr : state->driver.streams_of(*state);
  if (streams == nullptr) return stale();
  const auto id = streams->open(bidirectional);
  if (!id) return std::unexpected(id.error());
  return detail::named<Stream>(state->driver.add_stream(*state, *id).owner.handle());
}

Result<quic::DatagramId> Connection::send_datagram(Bytes data) const {
  const auto* const state = resolve_as<ConnectionState>(handle_);
  quic::Connection* const connection = find_connection(handle_);
  if (connection == nullptr) return stale();
  auto sent = connection->send_datagram(data);
  state->driver.nudge_to_send();
  return sent;
}

std::size_t Connection::max_datagram_size() const noexcept {
  const quic::Connection* const connection = find_connection(handle_);
  return connection == nullptr ? 0 : connection->max_datagram_size();
}

Result<> Connection::migrate(const Address& new_local) const {
  auto* const state = resolve_as<ConnectionState>(handle_);
  quic::Connection* const connection = find_connection(handle_);
  if (connection == nullptr) return stale();
  PlainDriver& driver = state->driver;
  const auto opened = driver.open(new_local);
  if (!opened) return std::unexpected(opened.error());
  const Path used = connection->path();
  auto moved = driver.migrate(*connection, *opened);
  if (moved) {
    // The path in use is kept until the new one is validated; what was left before is not needed.
    driver.close_unused(state->sockets,
                        [&](const Address& socket) { return socket.port() == used.local.port(); });
    state->sockets.push_back(*opened);
  } else {
    close_socket(driver.loop, *opened);
  }
  driver.nudge_to_send();
  return moved;
}

Result<> Connection::network_changed() const {
  const quic::Connection* const connection = find_connection(handle_);
  if (connection == nullptr) return stale();
  return migrate(any_address(connection->path().remote.is_ipv4()));
}

Result<> Connection::update_keys() const {
  const auto* const state = resolve_as<ConnectionState>(handle_);
  quic::Connection* const connection = find_connection(handle_);
  if (connection == nullptr) return stale();
  auto updated = connection->update_keys(state->driver.loop.now());
  state->driver.nudge_to_send();
  return updated;
}

Path Connection::path() const {
  const quic::Connection* const connection = find_connection(handle_);
  return connection == nullptr ? Path{} : connection->path();
}

quic::Stats Connection::stats() const {
  const quic::Connection* const connection = find_connection(handle_);
  return connection == nullptr ? quic::Stats{} : connection->stats();
}

TlsInfo Connection::tls() const {
  const quic::Connection* const connection = find_connection(handle_);
  return connection == nullptr ? TlsInfo{} : connection->tls();
}

void Connection::close(std::uint64_t code, std::string_view reason) const {
  const auto* const state = resolve_as<ConnectionState>(handle_);
  if (quic::Connection* const connection = find_connection(handle_)) {
    connection->close({Error::Domain::application, code, std::string{reason}});
    state->driver.nudge_to_send();
  }
}

}  // namespace quoin::inline v0
