// SPDX-License-Identifier: MIT
/// Hosts as texts: the one in an authority, and the form in which they are compared. Not public.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <quoin/error.hpp>

namespace quoin::inline v0 {

/// A host in the form of Url::host, from what a URL may contain, and IPv6 addresses without
/// brackets too. Errors: UsageError::invalid_argument with the text and the reason.
[[nodiscard]] Result<std::string> normal_host(std::string_view text);

/// That of "host" or "host:port", unchecked: without the port, and without the brackets of an IPv6
/// address.
[[nodiscard]] inline std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

}  // namespace quoin::inline v0
