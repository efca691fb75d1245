// SPDX-License-Identifier: MIT
/// Where an endpoint keeps its connections, and how they leave.

#include <algorithm>
#include <memory>
#include <utility>

#include "quic/endpoint/endpoint_impl.hpp"

namespace quoin::inline v0::quic {

Connection::Impl& Endpoint::Impl::add_connection(bool server) {
  std::uint32_t slot = 0;
  if (free_slots.empty()) {
    slot = static_cast<std::uint32_t>(slots.size());
    slots.emplace_back();
  } else {
    slot = free_slots.back();
    free_slots.pop_back();
  }
  Slot& place = slots[slot];
  ++place.generation;
  place.connection =
      std::make_unique<Connection::Impl>(*this, ConnectionKey{slot, place.generation}, server);
  ++connection_count;
  return *place.connection;
}

void Endpoint::Impl::destroy_connection(std::uint32_t slot) {
  const Connection::Impl& connection = *slots[slot].connection;
  if (connection.ready) {
    ready.erase(slot);
  }
  if (connection.writable) {
    writable.erase(slot);
  }
  for (const ngtcp2_stateless_reset_token& token : std::exchange(slots[slot].reset_tokens, {})) {
    reset_tokens.erase(token_as_cid(token), slot);
  }
  slots[slot].connection.reset();
  --connection_count;
}

void Endpoint::Impl::free_slot(std::uint32_t slot) {
  timers.set(slot, Time::max());
  for (const ngtcp2_cid& cid : std::exchange(slots[slot].cids, {})) {
    cids.erase(cid, slot);
  }
  free_slots.push_back(slot);
}

void Endpoint::Impl::remove_connection(std::uint32_t slot) {
  destroy_connection(slot);
  free_slot(slot);
}

void Endpoint::Impl::bury(std::uint32_t slot) {
  const Time deadline = slots[slot].connection->close_deadline;
  destroy_connection(slot);
  if (buried_count >= max_buried) {
    free_slot(slot);
    return;
  }
  ++buried_count;
  timers.set(slot, deadline);
}

void Endpoint::Impl::forget(std::uint32_t slot) {
  --buried_count;
  free_slot(slot);
}

void Endpoint::Impl::sweep() {
  for (const std::uint32_t slot : std::exchange(over, {})) {
    const auto& connection = slots[slot].connection;
    if (!connection) continue;
    if (connection->ready) {
      over.push_back(slot);  // the application has not read the last event yet
    } else if (connection->is_over()) {
      remove_connection(slot);
    } else {
      bury(slot);
    }
  }
}

void Endpoint::Impl::update_timer(const Connection::Impl& connection) {
  if (connection.is_over() || connection.state == State::draining) {
    timers.set(connection.id.slot, Time::max());
    if (std::ranges::find(over, connection.id.slot) == over.end()) {
      over.push_back(connection.id.slot);
    }
    return;
  }
  timers.set(connection.id.slot, connection.deadline());
}

}  // namespace quoin::inline v0::quic
