// SPDX-License-Identifier: MIT
/// Variable-length integers (RFC 9000 §16), for what nghttp3 does not parse.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <quoin/bytes.hpp>

namespace quoin::inline v0::h3 {

inline constexpr std::uint64_t largest_varint = (std::uint64_t{1} << 62) - 1;

/// Takes one from the front of `data`; none if incomplete.
[[nodiscard]] inline std::optional<std::uint64_t> take_varint(Bytes& data) noexcept {
  if (data.empty()) return std::nullopt;
  const auto first = std::to_integer<std::uint64_t>(data[0]);
  const std::size_t size = std::size_t{1} << (first >> 6U);
  if (data.size() < size) return std::nullopt;
  std::uint64_t value = first & 0x3fU;
  for (std::size_t i = 1; i < size; ++i) {
    value = value << 8U | std::to_integer<std::uint64_t>(data[i]);
  }
  data = data.subspan(size);
  return value;
}

/// Appends `value`, clamped to the largest one.
inline void put_varint(std::string& out, std::uint64_t value) {
  value = std::min(value, largest_varint);
  const unsigned log = value < 64 ? 0 : value < 16384 ? 1 : value < (1U << 30U) ? 2 : 3;
  const unsigned size = 1U << log;
  value |= std::uint64_t{log} << (8U * size - 2U);
  for (unsigned i = size; i-- > 0;) out += static_cast<char>(value >> (8U * i) & 0xffU);
}

}  // namespace quoin::inline v0::h3
