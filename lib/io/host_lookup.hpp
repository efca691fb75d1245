// SPDX-License-Identifier: MIT
/// Asks the system for the addresses of a name. Blocks; the caller provides the thread. Not public.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>

namespace quoin::inline v0::io {

/// The addresses in the system's order of preference (RFC 6724). Errors:
/// LocalError::name_resolution with the name and the system's message.
[[nodiscard]] Result<std::vector<Address>> look_up_host(const std::string& host,
                                                        std::uint16_t port);

}  // namespace quoin::inline v0::io
