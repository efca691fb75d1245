// SPDX-License-Identifier: MIT
/// Conversion of addresses from and to the system's structures.

#include "io/udp/socket_address.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <span>
#include <sys/socket.h>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>

namespace quoin::inline v0::io {

namespace {

constexpr std::size_t mapped_prefix = 12;  // ::ffff:0:0/96

Address from_bytes(Bytes ip, std::uint16_t port, std::uint32_t zone) noexcept {
  return Address::from_bytes(ip, port, zone).value_or(Address{});
}

}  // namespace

socklen_t to_system(const Address& address, int family, SocketAddress& out) noexcept {
  out = {};
  const Bytes ip = address.ip();
  if (family == AF_INET && address.is_ipv4()) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(address.port());
    std::memcpy(&out.v4.sin_addr, ip.data(), ip.size());
    return sizeof out.v4;
  }
  if (family != AF_INET6 || address.is_none()) return 0;
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(address.port());
  out.v6.sin6_scope_id = address.zone();
  if (address.is_ipv6()) {
    std::memcpy(&out.v6.sin6_addr, ip.data(), ip.size());
  } else {
    out.v6.sin6_addr.s6_addr[10] = out.v6.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(&out.v6.sin6_addr.s6_addr[mapped_prefix], ip.data(), ip.size());
  }
  return sizeof out.v6;
}

Address from_system(const SocketAddress& address) noexcept {
  if (address.any.sa_family == AF_INET) {
    return from_system(address.v4.sin_addr, ntohs(address.v4.sin_port));
  }
  if (address.any.sa_family == AF_INET6) {
    return from_system(address.v6.sin6_addr, ntohs(address.v6.sin6_port), address.v6.sin6_scope_id);
  }
  return {};
}

Address from_system(const in_addr& ip, std::uint16_t port) noexcept {
  return from_bytes(std::as_bytes(std::span{&ip, 1}), port, 0);
}

Address from_system(const in6_addr& ip, std::uint16_t port, std::uint32_t zone) noexcept {
  const Bytes bytes = std::as_bytes(std::span{&ip, 1});
  if (IN6_IS_ADDR_V4MAPPED(&ip)) return from_bytes(bytes.subspan(mapped_prefix), port, 0);
  return from_bytes(bytes, port, IN6_IS_ADDR_LINKLOCAL(&ip) ? zone : 0);
}

}  // namespace quoin::inline v0::io
