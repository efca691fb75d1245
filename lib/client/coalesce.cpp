// SPDX-License-Identifier: MIT
/// One connection for several hosts (RFC 9114 §3.3), and the fallback when a server says that a
/// request was misdirected (RFC 9110 §15.5.20).
#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <quoin/client.hpp>
#include <quoin/quic/connection.hpp>

#include "client/client_impl.hpp"
#include "message/status.hpp"

namespace quoin::inline v0 {
namespace {

// Guest hosts on one connection; a wildcard certificate covers any number of them.
constexpr std::size_t max_guests = 64;

}  // namespace

// If a connection goes to one of the host's addresses and its certificate covers the host too,
// the host's requests use it.
bool Client::Impl::join(Origin& origin) {
  if (!config.coalesce || origin.alone) return false;
  const auto is_for = [&](const auto& entry) {
    const ClientConnection& connection = *entry.second;
    if (!connection.connected || connection.draining || connection.guests.size() >= max_guests ||
        std::ranges::find(origin.addresses, connection.address) == origin.addresses.end()) {
      return false;
    }
    const quic::Connection* const quic = quic_of(connection);
    return quic != nullptr && quic->serves(origin.host);
  };
  const auto found = std::ranges::find_if(connections, is_for);
  if (found == connections.end()) return false;
  found->second->guests.push_back(&origin);
  origin.current = found->first;
  origin.current_place = origin.place;
  origin.connecting = false;
  origin.attempt_wanted = false;
  ++origin.users;
  ++counted.coalesced;
  if (origin.timer) timers.cancel(*std::exchange(origin.timer, std::nullopt));
  feed_starved();
  mark(origin);
  return true;
}

// All hosts whose requests go to the connection, its own first.
std::vector<Origin*> Client::Impl::hosts_of(const ClientConnection& connection) {
  std::vector<Origin*> all{connection.origin};
  all.insert(all.end(), connection.guests.begin(), connection.guests.end());
  return all;
}

// True if the request continues on its host's own connection.
bool Client::Impl::retry_misdirected(ClientCall& call, int status) {
  const auto found = connections.find(call.connection);
  const bool is_repeatable =
      call.body_sent == 0 || RequestBodyAccess::is_repeatable(call.request.body);
  if (status != status::misdirected_request || closing || !is_repeatable ||
      found == connections.end() ||
      (found->second->origin == call.origin && !found->second->alternative)) {
    return false;
  }
  ClientConnection& connection = *found->second;
  Origin& origin = *call.origin;
  if (connection.origin == &origin) {
    set_aside(origin, *connection.alternative);
    drain(connection);
  } else {
    origin.alone = true;
  }
  if (origin.current == connection.number) origin.current.reset();
  if (std::erase(connection.guests, &origin) != 0) release(origin);
  leave_connection(call);
  if (RequestBodyAccess::is_repeatable(call.request.body)) call.outgoing.drop();
  ++counted.retries;
  enqueue_again(call);
  return true;
}

}  // namespace quoin::inline v0
