// SPDX-License-Identifier: MIT
/// Whether a struct of figures has a `+=` that adds every member, including those of nested
/// structs and any added to it later. For integers only.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace quoin {

/// Empty, or says where in `Figures` there is a member that is not summed.
template <class Figures>
std::string what_is_not_summed() {
  // No padding and no floating point: each byte belongs to an integer.
  static_assert(std::has_unique_object_representations_v<Figures>);
  static_assert(sizeof(Figures) % sizeof(std::uint64_t) == 0);
  using Words = std::array<std::uint64_t, sizeof(Figures) / sizeof(std::uint64_t)>;
  // A different number in each word, with no part zero, whatever integers share it.
  constexpr std::uint64_t in_each_part = 0x0001'0001'0001'0001;
  Words left{};
  Words right{};
  for (std::size_t i = 0; i < left.size(); ++i) {
    left[i] = (i + 1) * in_each_part;
    right[i] = (i + 1) * 100 * in_each_part;
  }
  auto sum = std::bit_cast<Figures>(left);
  Figures& same = sum += std::bit_cast<Figures>(right);
  if (&same != &sum) return "+= returns something else";
  const auto words = std::bit_cast<Words>(sum);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] != left[i] + right[i]) {
      return "the member at byte " + std::to_string(i * sizeof(std::uint64_t));
    }
  }
  return {};
}

}  // namespace quoin
