// SPDX-License-Identifier: MIT
/// Octets as C libraries take them, and as a log shows them. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <quoin/bytes.hpp>

namespace quoin::inline v0 {

[[nodiscard]] inline const std::uint8_t* to_octets(Bytes data) noexcept {
  return reinterpret_cast<const std::uint8_t*>(data.data());
}

[[nodiscard]] inline std::uint8_t* to_octets(std::span<std::byte> data) noexcept {
  return reinterpret_cast<std::uint8_t*>(data.data());
}

[[nodiscard]] inline const std::uint8_t* to_octets(std::string_view text) noexcept {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

[[nodiscard]] inline Bytes to_bytes(const std::uint8_t* data, std::size_t size) noexcept {
  return {reinterpret_cast<const std::byte*>(data), size};
}

/// Lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> octets);
/// Printable ASCII of what a peer sent; everything else becomes '?'.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace quoin::inline v0
