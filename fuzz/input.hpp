// SPDX-License-Identifier: MIT
/// Cuts the bytes of a fuzzer into the values that a target wants, and checks what must hold of
/// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <quoin/bytes.hpp>

namespace quoin::fuzz {

/// What a fuzzer takes for a finding.
inline void check(bool holds) {
  if (!holds) std::abort();
}

/// The bytes that are left of one input. Never fails: what is missing is zero or empty.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) noexcept
      : rest_(reinterpret_cast<const std::byte*>(data), size) {}

  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

  std::uint8_t number() noexcept {
    const Bytes one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
  }

  /// At most `size` bytes.
  Bytes take(std::size_t size) noexcept {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  /// A chunk with its length in two bytes before it.
  Bytes chunk() noexcept {
    const std::size_t high = number();
    return take((high << 8U) | number());
  }

 private:
  Bytes rest_;
};

}  // namespace quoin::fuzz
