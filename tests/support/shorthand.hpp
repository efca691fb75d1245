// SPDX-License-Identifier: MIT
/// Short names for what many tests create. Nothing here connects to anything.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/client.hpp>

namespace quoin::test {

/// Parses an address, which must be valid.
inline Address address(std::string_view text) { return Address::parse(text).value(); }

/// A GET of this URL, with nothing else set.
inline ClientRequest get_of(std::string url) {
  ClientRequest request;
  request.url = std::move(url);
  return request;
}

}  // namespace quoin::test
