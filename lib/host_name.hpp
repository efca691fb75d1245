// SPDX-License-Identifier: MIT
/// The host in an authority, "host" or "host:port". Not a check of it: see url.cpp. Not public.
#pragma once

#include <cstddef>
#include <string_view>

namespace quoin {

/// Without the port, and without the brackets of an IPv6 address.
[[nodiscard]] inline std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

}  // namespace quoin
