// SPDX-License-Identifier: MIT
/// Graceful shutdown of plain QUIC: connections are told, finish their streams, and are closed.
#include <functional>
#include <utility>

#include <quoin/error.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/time.hpp>

#include "plain/driver.hpp"

namespace quoin::inline v0 {
namespace {

/// What peers are told: nothing is wrong.
const Error& farewell() {
  static const Error reason{Error::Domain::application, 0};
  return reason;
}

}  // namespace

void PlainDriver::shut_down(Duration limit, std::move_only_function<void()> done) {
  call_when_ended(server_ ? "Listener::shutdown" : "Dialer::shutdown", std::move(done));
  const Time deadline = later(loop.now(), limit);
  if (!std::exchange(shutting_down_, true)) {
    stop_accepting();
    timers.set(Deadline::shutdown, deadline);
  } else {
    timers.set_at_latest(Deadline::shutdown, deadline);
  }
  nudge();
}

// Connections not announced yet have no known streams: they are still in their handshakes, or
// completed them in this very turn.
void PlainDriver::close_unused_connections() {
  if (!endpoint) return;
  endpoint->for_each([this](quic::Connection& connection) {
    const auto found = states_.find(connection.id());
    if (found == states_.end() || found->second->streams.empty()) connection.close(farewell());
  });
}

void PlainDriver::close_all() {
  if (!endpoint) return;
  endpoint->for_each([](quic::Connection& connection) { connection.close(farewell()); });
}

}  // namespace quoin::inline v0
