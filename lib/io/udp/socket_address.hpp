// SPDX-License-Identifier: MIT
/// Between Address and the system's socket addresses. IPv4 addresses are plain on our side and
/// mapped (RFC 4291 §2.5.5.2) on a dual-stack socket.
#pragma once

#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>

#include <quoin/address.hpp>

namespace quoin::inline v0::io {

/// A socket address of either family.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/// Writes `address` as a socket of `family` (AF_INET or AF_INET6) wants it and returns the size;
/// 0 if there is no such form.
[[nodiscard]] socklen_t to_system(const Address& address, int family, SocketAddress& out) noexcept;
/// None for families that are not IP.
[[nodiscard]] Address from_system(const SocketAddress& address) noexcept;
[[nodiscard]] Address from_system(const in_addr& ip, std::uint16_t port) noexcept;
/// `zone` applies only to link-local addresses.
[[nodiscard]] Address from_system(const in6_addr& ip, std::uint16_t port,
                                  std::uint32_t zone) noexcept;

}  // namespace quoin::inline v0::io
