// SPDX-License-Identifier: MIT
/// Addresses and errors between quoin and ngtcp2.

#include "quic/ngtcp2/types.hpp"

#include <cstring>
#include <netinet/in.h>

namespace quoin::inline v0::quic {

SocketAddress::SocketAddress(const Address& address) noexcept {
  const Bytes ip = address.ip();
  if (address.is_ipv4()) {
    auto& in = storage.in;
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port());
    std::memcpy(&in.sin_addr, ip.data(), ip.size());
    size = sizeof in;
  } else if (address.is_ipv6()) {
    auto& in6 = storage.in6;
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(address.port());
    in6.sin6_scope_id = address.zone();
    std::memcpy(&in6.sin6_addr, ip.data(), ip.size());
    size = sizeof in6;
  }
}

PathStorage::PathStorage(const Path& path) noexcept {
  const SocketAddress local{path.local};
  const SocketAddress remote{path.remote};
  ngtcp2_path_storage_init(&storage_, local.get(), local.size, remote.get(), remote.size, nullptr);
}

Address to_address(const ngtcp2_addr& address) noexcept {
  if (address.addrlen == 0) return {};
  if (address.addr->sa_family == AF_INET) {
    ngtcp2_sockaddr_in in{};
    std::memcpy(&in, address.addr, sizeof in);
    return Address::from_bytes(std::as_bytes(std::span{&in.sin_addr, 1}), ntohs(in.sin_port))
        .value_or(Address{});
  }
  ngtcp2_sockaddr_in6 in6{};
  std::memcpy(&in6, address.addr, sizeof in6);
  return Address::from_bytes(std::as_bytes(std::span{&in6.sin6_addr, 1}), ntohs(in6.sin6_port),
                             in6.sin6_scope_id)
      .value_or(Address{});
}

Path to_path(const ngtcp2_path& path) noexcept {
  return {to_address(path.local), to_address(path.remote)};
}

Error to_error(const ngtcp2_ccerr& reason, bool http3) {
  constexpr std::uint64_t crypto_error_first = 0x100;  // RFC 9001 §4.8
  constexpr std::uint64_t crypto_error_last = 0x1ff;
  const std::string detail = printable(as_text(to_bytes(reason.reason, reason.reasonlen)));
  switch (reason.type) {
    case NGTCP2_CCERR_TYPE_APPLICATION:
      return {http3 ? Error::Domain::http : Error::Domain::application, reason.error_code, detail};
    case NGTCP2_CCERR_TYPE_VERSION_NEGOTIATION:
      return {LocalError::version_negotiation, "no QUIC version in common with the peer"};
    case NGTCP2_CCERR_TYPE_IDLE_CLOSE:
      return {LocalError::idle_timeout};
    case NGTCP2_CCERR_TYPE_TRANSPORT:
    case NGTCP2_CCERR_TYPE_DROP_CONN:
    case NGTCP2_CCERR_TYPE_RETRY:
      break;
  }
  if (reason.error_code >= crypto_error_first && reason.error_code <= crypto_error_last) {
    return {Error::Domain::tls, reason.error_code - crypto_error_first, detail};
  }
  return {Error::Domain::transport, reason.error_code, detail};
}

}  // namespace quoin::inline v0::quic
