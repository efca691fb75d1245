// SPDX-License-Identifier: MIT
/// How many connections a client has: room for new ones, and the end of unused ones.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include <quoin/client.hpp>
#include <quoin/time.hpp>

#include "client/client_impl.hpp"
#include "loop/driver.hpp"

namespace quoin::inline v0 {
namespace {

// Nothing is or is about to be under way on it, and it would take new requests.
bool is_idle(const ClientConnection& connection) noexcept {
  const auto wants_nothing = [](const Origin* origin) { return origin->waiting.empty(); };
  return connection.connected && !connection.draining && connection.calls.empty() &&
         wants_nothing(connection.origin) && std::ranges::all_of(connection.guests, wants_nothing);
}

// The most expendable comes first: a connection with one host or none left before one that
// several hosts share, then the one that has been idle longest.
bool is_missed_less(const ClientConnection& a, const ClientConnection& b) noexcept {
  const auto is_shared = [](const ClientConnection& each) { return !each.guests.empty(); };
  if (is_shared(a) != is_shared(b)) return is_shared(b);
  return a.idle_since < b.idle_since;
}

}  // namespace

// Room for one more connection; if there is none, the most expendable idle one makes way.
bool Client::Impl::has_capacity() {
  std::size_t used = 0;
  ClientConnection* spare = nullptr;
  for (const auto& [number, connection] : connections) {
    if (connection->connected && !(connection->draining && connection->calls.empty())) ++used;
    if (!is_idle(*connection)) continue;
    if (spare == nullptr || is_missed_less(*connection, *spare)) spare = connection.get();
  }
  used += static_cast<std::size_t>(
      std::ranges::count_if(origins, [](const auto& entry) { return entry.second->connecting; }));
  if (used < config.max_connections) return true;
  if (spare == nullptr) return false;
  ++counted.connections_idle;
  drain(*spare);
  drop(*spare);
  return true;
}

// A host that waits for room checks again.
void Client::Impl::feed_starved() {
  while (!starved.empty()) {
    const auto found = origins.find(starved.front());
    starved.pop_front();
    if (found == origins.end() || !found->second->starved) continue;
    found->second->starved = false;
    mark(*found->second);
    return;
  }
}

void Client::Impl::note_idle(ClientConnection& connection) {
  if (!is_idle(connection)) return;
  connection.idle_since = loop.now();
  feed_starved();
  if (config.idle_connection_timeout <= Duration{} || timers.is_set(Deadline::idle)) return;
  timers.set(Deadline::idle, later(loop.now(), config.idle_connection_timeout));
  if (!is_dispatching()) nudge();
}

void Client::Impl::close_idle(Time now) {
  for (const auto& [number, connection] : connections) {
    if (!is_idle(*connection)) continue;
    const Time due = later(connection->idle_since, config.idle_connection_timeout);
    if (due <= now) {
      ++counted.connections_idle;
      drain(*connection);
      drop(*connection);
    } else {
      timers.set_at_latest(Deadline::idle, due);
    }
  }
}

}  // namespace quoin::inline v0
