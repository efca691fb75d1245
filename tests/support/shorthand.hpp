// SPDX-License-Identifier: MIT
/// Short words for what many tests make. Nothing in here connects to anything.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/client.hpp>

namespace quoin::test {

/// The address that is written down, which must be one.
inline Address address(std::string_view text) { return Address::parse(text).value(); }

/// A GET of this URL, with nothing else said.
inline ClientRequest get_of(std::string url) {
  ClientRequest request;
  request.url = std::move(url);
  return request;
}

}  // namespace quoin::test
