// SPDX-License-Identifier: MIT
/// Connection: looks up what the handle names and passes the call on. Handlers are called by
/// PlainDriver.
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
#include <quoin/stream.hpp>

#include "base/handle.hpp"
#include "loop/driver.hpp"
#include "plain/driver.hpp"

namespace quoin::inline v0 {
namespace {

/// A connection that exists.
quic::Connection* find_connection(const Handle& handle) noexcept {
  const auto* const state = resolve_as<ConnectionState>(handle);
  return state == nullptr ? nullptr : state->driver.find(*state);
}

std::unexpected<Error> stale() { return std::unexpected(Error{UsageError::stale_handle}); }

}  // namespace

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
  return state->driver.add_stream(*state, *id).owner.stream();
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
    // The path in use is kept until the new one is validated; earlier ones are not needed.
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
