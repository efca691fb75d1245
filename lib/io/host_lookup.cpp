// SPDX-License-Identifier: MIT
/// getaddrinfo().
#include "io/host_lookup.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>

#include "io/udp/socket_address.hpp"

namespace quoin::inline v0::io {

Result<std::vector<Address>> look_up_host(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (code != 0) {
    const std::string why = code == EAI_SYSTEM ? std::generic_category().message(errno)
                                               : std::string{::gai_strerror(code)};
    return std::unexpected(Error{LocalError::name_resolution, host + ": " + why});
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{list, &::freeaddrinfo};
  std::vector<Address> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    SocketAddress system{};
    std::memcpy(&system, entry->ai_addr, std::min<std::size_t>(entry->ai_addrlen, sizeof system));
    const Address address = from_system(system).with_port(port);
    if (!address.is_none() && std::ranges::find(addresses, address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  if (addresses.empty()) {
    return std::unexpected(Error{LocalError::name_resolution, host + ": no IP address"});
  }
  return addresses;
}

}  // namespace quoin::inline v0::io
