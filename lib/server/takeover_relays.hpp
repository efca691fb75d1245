// SPDX-License-Identifier: MIT
/// Which process of a hot restart a datagram is for. Not public.
#pragma once

#include <memory>

#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/time.hpp>

#include "io/takeover/relay.hpp"

namespace quoin::inline v0 {

/// The processes before and after this one, as one worker sees them. The newest one receives
/// everything and passes what does not belong to its connections to the previous one, and so on.
/// The oldest keeps what it knows and sends first packets, which are from new clients, back.
struct TakeoverRelays {
  std::shared_ptr<io::Relay> older;
  std::shared_ptr<io::Relay> newer;

  [[nodiscard]] bool any() const noexcept { return older || newer; }
};

/// A packet that may begin a connection (RFC 9000 §17.2).
[[nodiscard]] bool has_long_header(Bytes packet) noexcept;

/// Delivers a datagram from a socket or from the newer process to its destination.
void route(const Datagram& datagram, TakeoverRelays& relays, quic::Endpoint& endpoint, Time now);
/// The same for one that is unknown to the older process, too.
void route_back(const Datagram& datagram, TakeoverRelays& relays, quic::Endpoint& endpoint,
                Time now);

}  // namespace quoin::inline v0
