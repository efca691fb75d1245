// SPDX-License-Identifier: MIT
/// The plain QUIC stream behind a Stream: calls go to the engine, or wait for PlainDriver, which
/// calls the handlers.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/handle.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/stream.hpp>
#include <quoin/streaming.hpp>

#include "base/access.hpp"
#include "base/handle.hpp"
#include "loop/stream_host.hpp"
#include "plain/driver.hpp"

namespace quoin::inline v0 {

Connection Stream::connection() const noexcept {
  const auto* const host = resolve_as<StreamHost>(handle_);
  return host == nullptr ? Connection{} : detail::named<Connection>(host->connection_handle());
}

quic::Streams* StreamState::engine() const noexcept {
  return connection.driver.streams_of(connection);
}

Handle StreamState::connection_handle() const noexcept { return connection.owner.handle(); }

void StreamState::set_reader(Reader handler) {
  if (engine() == nullptr) return;
  reader = std::move(handler);
  connection.driver.resume(*this);
}

void StreamState::set_on_reset(std::move_only_function<void(std::uint64_t)> handler) {
  if (engine() != nullptr) on_reset = std::move(handler);
}

std::size_t StreamState::write(Bytes data, bool last) {
  quic::Streams* const streams = engine();
  if (streams == nullptr) return 0;
  const std::size_t taken = streams->write(id, data, last);
  connection.driver.nudge_to_send();
  return taken;
}

bool StreamState::write_shared(SharedBytes data, bool last) {
  quic::Streams* const streams = engine();
  if (streams == nullptr) return false;
  const bool taken = streams->write_shared(id, std::move(data), last);
  connection.driver.nudge_to_send();
  return taken;
}

std::size_t StreamState::room() const noexcept {
  const quic::Streams* const streams = engine();
  return streams == nullptr ? 0 : streams->room(id);
}

void StreamState::set_on_writable(std::move_only_function<void()> handler) {
  if (engine() != nullptr) on_writable = std::move(handler);
}

void StreamState::set_writer(Writer handler) {
  if (engine() == nullptr) return;
  writer = std::move(handler);
  connection.driver.resume(*this);
}

void StreamState::set_on_stop_sending(std::move_only_function<void(std::uint64_t)> handler) {
  if (engine() != nullptr) on_stop_sending = std::move(handler);
}

Result<> StreamState::prioritize(quic::StreamPriority priority) {
  quic::Streams* const streams = engine();
  if (streams == nullptr) return std::unexpected(Error{UsageError::stale_handle});
  auto set = streams->prioritize(id, priority);
  connection.driver.nudge_to_send();
  return set;
}

void StreamState::resume() {
  if (engine() != nullptr) connection.driver.resume(*this);
}

void StreamState::reset(std::uint64_t code) {
  quic::Streams* const streams = engine();
  if (streams == nullptr) return;
  streams->reset(id, code);
  connection.driver.nudge_to_send();
}

void StreamState::stop_sending(std::uint64_t code) {
  quic::Streams* const streams = engine();
  if (streams == nullptr) return;
  if (reading) {
    stop_code = code;  // the bytes it was given must stay while it runs
    return;
  }
  reader = nullptr;
  streams->stop_sending(id, code);
  connection.driver.nudge_to_send();
}

void StreamState::set_on_closed(std::move_only_function<void(const Error&)> handler) {
  if (engine() != nullptr) on_closed = std::move(handler);
}

}  // namespace quoin::inline v0
