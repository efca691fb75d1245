// SPDX-License-Identifier: MIT
/// Which socket a local address belongs to, as the kernel would decide: wildcard addresses
/// included.
#pragma once

#include <unordered_map>

#include <quoin/address.hpp>

namespace quoin::inline v0 {

/// Owners of sockets by bound address; look-up in O(1).
template <class Owner>
class LocalTable {
 public:
  /// An existing address keeps its owner.
  void add(const Address& local, Owner& owner) { owners_.try_emplace(local, &owner); }

  /// Whether it was there.
  bool remove(const Address& local) noexcept { return owners_.erase(local) != 0; }

  /// Calls `test` with each address and its owner, and removes those for which it is true.
  template <class Test>
  void remove_if(Test test) {
    std::erase_if(owners_, [&](const auto& entry) { return test(entry.first, *entry.second); });
  }

  /// The owner of the socket that datagrams to or from `local` belong to; null: there is none.
  [[nodiscard]] Owner* find(const Address& local) const noexcept {
    if (Owner* const exact = find_exactly(local)) return exact;
    static const Address any_ipv4 = Address::parse("0.0.0.0:0").value();
    static const Address any_ipv6 = Address::parse("[::]:0").value();
    // [::] may take IPv4 as well, but a socket of the right family takes precedence.
    Owner* const of_family =
        local.is_ipv4() ? find_exactly(any_ipv4.with_port(local.port())) : nullptr;
    return of_family ? of_family : find_exactly(any_ipv6.with_port(local.port()));
  }

 private:
  [[nodiscard]] Owner* find_exactly(const Address& local) const noexcept {
    const auto found = owners_.find(local);
    return found == owners_.end() ? nullptr : found->second;
  }

  std::unordered_map<Address, Owner*> owners_;
};

}  // namespace quoin::inline v0
