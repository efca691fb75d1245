// SPDX-License-Identifier: MIT
/// IPv4 addresses in IPv6 form. Not public.
#pragma once

#include <quoin/address.hpp>

namespace quoin::inline v0 {

/// `address`, or the IPv4 address it maps (::ffff:0:0/96, RFC 4291 §2.5.5.2): backends report IPv4
/// as IPv4, so answers would not match a mapped peer.
[[nodiscard]] Address unmapped(const Address& address);

}  // namespace quoin::inline v0
