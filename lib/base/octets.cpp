// SPDX-License-Identifier: MIT
/// Octets as text.

#include "base/octets.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quoin::inline v0 {

std::string to_hex(std::span<const std::uint8_t> octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : octets) {
    text += digits[octet >> 4U];
    text += digits[octet & 15U];
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string clean{text.substr(0, 256)};
  std::ranges::replace_if(clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

}  // namespace quoin::inline v0
