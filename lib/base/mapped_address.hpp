// SPDX-License-Identifier: MIT
/// IPv4 addresses that are written as IPv6 ones. Not public.
#pragma once

#include <quoin/address.hpp>

namespace quoin::inline v0 {

/// `address`, or the IPv4 address that it stands for (::ffff:0:0/96, RFC 4291 §2.5.5.2): backends
/// say of IPv4 that it is IPv4, so that answers would not be taken for those of a mapped peer.
[[nodiscard]] Address unmapped(const Address& address);

}  // namespace quoin::inline v0
