// SPDX-License-Identifier: MIT
/// The decisions of a random scenario: all of them follow from its seed, on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include <quoin/time.hpp>

namespace quoin::test {

/// A generator (SplitMix64) with the questions that scenarios ask.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111eb;
    return z ^ (z >> 31U);
  }

  /// True with the probability `of_hundred` / 100.
  [[nodiscard]] bool chance(unsigned of_hundred) noexcept { return next() % 100 < of_hundred; }

  /// `low` to `high`, both included.
  [[nodiscard]] std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
    return low + next() % (high - low + 1);
  }

  /// The same for spans of time.
  [[nodiscard]] Duration between(Duration low, Duration high) noexcept {
    return low + Duration{static_cast<Duration::rep>(
                     next() % static_cast<std::uint64_t>((high - low).count() + 1))};
  }

  /// 0 to `high`.
  [[nodiscard]] double fraction(double high) noexcept {
    return static_cast<double>(next() >> 11U) * 0x1p-53 * high;
  }

  /// A size in bytes: small ones as often as large ones, now and then none at all.
  [[nodiscard]] std::size_t size(std::size_t high) noexcept {
    if (chance(5)) return 0;
    std::size_t limit = high;
    for (auto halvings = between(0, 10); halvings > 0 && limit > 16; --halvings) limit /= 2;
    return static_cast<std::size_t>(between(1, limit));
  }

  template <class T>
  [[nodiscard]] T pick(std::initializer_list<T> choices) noexcept {
    return choices.begin()[next() % choices.size()];
  }

  /// Other dice, whose throws do not change these.
  [[nodiscard]] Dice fork() noexcept { return Dice{next()}; }

 private:
  std::uint64_t state_;
};

/// Bytes that say where they belong: of stream or message `key`, from `offset` on.
[[nodiscard]] inline char byte_of(std::uint64_t key, std::uint64_t offset) noexcept {
  const std::uint64_t word = (offset / 8 + 1) * (2 * key + 1) * 0x9e3779b97f4a7c15;
  return static_cast<char>(word >> (8 * (offset % 8)));
}

/// The first `size` of them.
[[nodiscard]] inline std::string bytes_of(std::uint64_t key, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = byte_of(key, i);
  return text;
}

}  // namespace quoin::test
