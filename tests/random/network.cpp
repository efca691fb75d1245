// SPDX-License-Identifier: MIT
/// Random links, NATs, outages and an attacker off the path who sees and repeats.

#include "random/network.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

namespace quoin::test {

using namespace std::chrono_literals;

RandomNetwork::RandomNetwork(std::uint64_t seed, Dice dice) : network(seed), dice_(dice) {
  const bool is_ipv6 = dice_.chance(20);
  server = is_ipv6 ? "2001:db8::1" : "10.0.0.1";
  client = is_ipv6 ? "2001:db8::2" : "10.0.0.2";
  other_client = is_ipv6 ? "2001:db8::3" : "10.0.0.3";
  (void)network.host(server);
  (void)network.host(client);
  network.add_address(client, other_client);
  for (const std::string& ip : {client, other_client}) {
    network.link(ip, server) = random_link();
    network.link(server, ip) = random_link();
  }
  if (dice_.chance(20)) make_one_slow();
  has_nat_ = dice_.chance(30);
  has_attacker_ = dice_.chance(20);
  if (has_nat_) network.nat(client, is_ipv6 ? "2001:db8:1::1" : "203.0.113.1");
  network.tap([this](const io::Observation& seen) {
    if (tap) tap(seen);
    if (has_attacker_ && is_loose_ && !is_calm_) attack(seen);
  });
}

io::Link RandomNetwork::random_link() {
  io::Link link;
  link.delay = dice_.chance(20) ? dice_.between(100us, 1ms) : dice_.between(1ms, 120ms);
  if (dice_.chance(40)) link.loss = dice_.fraction(0.05);
  if (dice_.chance(15)) link.burst = {.begin = dice_.fraction(0.01), .end = 0.3, .loss = 0.9};
  if (dice_.chance(25)) link.corruption = dice_.fraction(0.02);
  if (dice_.chance(25)) link.duplication = dice_.fraction(0.05);
  if (dice_.chance(25)) link.reordering = dice_.fraction(0.1);
  if (dice_.chance(25)) link.jitter = dice_.between(0ms, 20ms);
  link.mtu = dice_.pick<std::size_t>({1280, 1280, 1400, 1500, 1500, 9000});
  link.reports_too_large = dice_.chance(30);
  if (dice_.chance(50)) link.bits_per_second = dice_.between(1'000'000, 50'000'000);
  link.queue = static_cast<std::size_t>(dice_.between(10, 200));
  if (dice_.chance(10)) link.ce = dice_.fraction(0.05);
  link.clears_ecn = dice_.chance(10);
  return link;
}

/// One of the client's addresses is near, the other far: a move gains or loses much.
void RandomNetwork::make_one_slow() {
  const bool is_first = dice_.chance(50);
  handshake_time_ = 5s;
  for (const std::string& ip : {client, other_client}) {
    const bool is_slow = (ip == client) == is_first;
    for (io::Link* const link : {&network.link(ip, server), &network.link(server, ip)}) {
      link->delay = is_slow ? dice_.between(100ms, 400ms) : dice_.between(100us, 3ms);
      link->bits_per_second = is_slow ? dice_.between(500'000, 3'000'000) : 0;
    }
  }
}

void RandomNetwork::let_loose() {
  if (std::exchange(is_loose_, true)) return;
  loose_ = network.now();
  changes_ = static_cast<unsigned>(dice_.between(0, 4));
  network.after(dice_.between(0ms, 500ms), [this] { change(); });
}

void RandomNetwork::change() {
  if (is_calm_ || changes_ == 0) return;
  --changes_;
  switch (dice_.between(0, 3)) {
    case 0:
      network.outage(server, client, 0ms, dice_.between(1ms, 1500ms));
      break;
    case 1:
      network.link(server, client) = random_link();
      break;
    default:
      // QUIC relies on stable addresses until clients know that the handshake is complete (RFC 9000
      // §9): until then a client sends nothing again but its last Handshake packet (RFC 9002
      // §6.2.1), from which a server that is through with it learns no new address.
      if (!has_nat_ || network.now() - loose_ < handshake_time_) break;
      if (dice_.chance(50)) {
        network.rebind(client);
      } else {
        const std::string number = std::to_string(++address_);
        network.rebind(client, (client.contains(':') ? "2001:db8:1::" : "203.0.113.") + number);
      }
      break;
  }
  network.after(dice_.between(100ms, 3s), [this] { change(); });
}

/// Repeats, damages and redirects some of what it sees.
void RandomNetwork::attack(const io::Observation& seen) {
  if (seen.fate != io::Fate::delivered || !dice_.chance(3) || seen.datagram.payload.empty()) return;
  std::vector<std::byte> copy{seen.datagram.payload.begin(), seen.datagram.payload.end()};
  Path path = seen.datagram.path;
  if (path.local.host() == "10.6.6.6" || path.local.host() == "2001:db8::666") return;
  switch (dice_.between(0, 3)) {
    case 0:
      break;
    case 1:
      copy[dice_.next() % copy.size()] ^= static_cast<std::byte>(dice_.between(1, 255));
      break;
    case 2:
      copy.resize(1 + dice_.next() % copy.size());
      break;
    default:
      if (path.remote.host() != server) return;
      path.local =
          Address::parse_host(client.contains(':') ? "2001:db8::666" : "10.6.6.6", 666).value();
      break;
  }
  network.inject({.path = path, .payload = copy, .ecn = seen.datagram.ecn});
}

std::string RandomNetwork::authority(int port) const {
  return (server.contains(':') ? "[" + server + "]" : server) + ":" + std::to_string(port);
}

Duration RandomNetwork::keep_alive() const noexcept { return has_nat_ ? Duration{1s} : Duration{}; }

}  // namespace quoin::test
