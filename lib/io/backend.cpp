// SPDX-License-Identifier: MIT
/// The defaults of optional members.

#include <array>
#include <cstddef>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>

namespace quoin::inline v0::io {

Result<Address> Backend::source_for(const Address& remote) {
  const std::array<std::byte, 16> unspecified{};
  return Address::from_bytes(Bytes{unspecified}.first(remote.is_ipv4() ? 4 : 16), 0);
}

}  // namespace quoin::inline v0::io
