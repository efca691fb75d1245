// SPDX-License-Identifier: MIT
/// The simulated NATs: the mapping of addresses.

#include <algorithm>
#include <cstdint>
#include <optional>

#include <quoin/address.hpp>

#include "simulated/wire.hpp"

namespace quoin::inline v0::io {

bool Wire::has_nat(const Address& inside) const noexcept {
  return std::ranges::find(nats_, inside, &Nat::inside) != nats_.end();
}

void Wire::add_nat(const Address& inside, const Address& outside) {
  nats_.push_back({.inside = inside, .outside = outside});
}

bool Wire::rebind(const Address& inside, const std::optional<Address>& outside) {
  const auto nat = std::ranges::find(nats_, inside, &Nat::inside);
  if (nat == nats_.end()) return false;
  nat->ports.clear();
  nat->outside = outside.value_or(nat->outside);
  return true;
}

/// The public address of a sender. No port is reused before all were used.
Address Wire::leaving(const Address& inside) {
  const auto nat = std::ranges::find(nats_, inside.with_port(0), &Nat::inside);
  if (nat == nats_.end()) return inside;
  const auto [mapping, is_new] = nat->ports.try_emplace(inside.port(), next_nat_port_);
  if (is_new) {
    next_nat_port_ = next_nat_port_ == UINT16_MAX ? first_nat_port
                                                  : static_cast<std::uint16_t>(next_nat_port_ + 1);
  }
  return nat->outside.with_port(mapping->second);
}

/// The receiver of a datagram to this address; none for an unused port of a NAT.
std::optional<Address> Wire::entering(const Address& outside) const noexcept {
  bool is_nat = false;
  for (const Nat& nat : nats_) {
    if (nat.outside != outside.with_port(0)) continue;
    is_nat = true;
    for (const auto& [inside_port, outside_port] : nat.ports) {
      if (outside_port == outside.port()) return nat.inside.with_port(inside_port);
    }
  }
  return is_nat ? std::nullopt : std::optional{outside};
}

/// The address by which links know this one.
Address Wire::behind(const Address& outside) const noexcept {
  if (const std::optional<Address> inside = entering(outside)) return *inside;
  return std::ranges::find(nats_, outside.with_port(0), &Nat::outside)->inside;
}

}  // namespace quoin::inline v0::io
