// SPDX-License-Identifier: MIT
/// See takeover_relays.hpp.
#include "server/takeover_relays.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

namespace {

enum class Way : std::uint8_t { here, older, newer };

Way way_of(Bytes packet, const TakeoverRelays& relays, const quic::Endpoint& endpoint) {
  if (endpoint.owns(packet)) return Way::here;
  if (relays.older) return Way::older;
  // Any other packet without a connection gets a stateless reset, which we can send as well.
  return relays.newer && has_long_header(packet) ? Way::newer : Way::here;
}

void pass(const Datagram& datagram, Way way, TakeoverRelays& relays, quic::Endpoint& endpoint,
          Time now) {
  if (way == Way::older) {
    if (relays.older->send(datagram)) return;
    relays.older.reset();
    way = relays.newer && has_long_header(datagram.payload) ? Way::newer : Way::here;
  }
  if (way == Way::newer) {
    if (relays.newer->send(datagram)) return;
    relays.newer.reset();
  }
  endpoint.handle_datagram(datagram, now);
}

}  // namespace

bool has_long_header(Bytes packet) noexcept {
  return !packet.empty() && (std::to_integer<unsigned>(packet[0]) & 0x80U) != 0;
}

void route(const Datagram& datagram, TakeoverRelays& relays, quic::Endpoint& endpoint, Time now) {
  // A train comes from one address, but that address may have connections to both processes.
  Bytes rest = datagram.payload;
  const std::size_t segment = datagram.segment_size == 0 ? rest.size() : datagram.segment_size;
  while (!rest.empty()) {
    const auto next_way = [&](std::size_t at) {
      return way_of(rest.subspan(at, std::min(segment, rest.size() - at)), relays, endpoint);
    };
    const Way way = next_way(0);
    std::size_t size = std::min(segment, rest.size());
    while (size < rest.size() && next_way(size) == way) {
      size += std::min(segment, rest.size() - size);
    }
    Datagram part = datagram;
    part.payload = rest.first(size);
    pass(part, way, relays, endpoint, now);
    rest = rest.subspan(size);
  }
}

void route_back(const Datagram& datagram, TakeoverRelays& relays, quic::Endpoint& endpoint,
                Time now) {
  pass(datagram, relays.newer ? Way::newer : Way::here, relays, endpoint, now);
}

}  // namespace quoin::inline v0
