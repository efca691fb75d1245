// SPDX-License-Identifier: MIT
/// A queue that keeps its memory. Not std::deque, which allocates and frees as the queue moves.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace quoin::inline v0 {

/// A ring that grows as needed and shrinks when told to. T is default-constructible and movable.
template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The element at `index` from the front, which must be below size().
  [[nodiscard]] T& operator[](std::size_t index) noexcept { return ring_[place(index)]; }

  [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
    return ring_[place(index)];
  }

  [[nodiscard]] T& front() noexcept { return (*this)[0]; }

  [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }

  [[nodiscard]] T& back() noexcept { return (*this)[size_ - 1]; }

  [[nodiscard]] const T& back() const noexcept { return (*this)[size_ - 1]; }

  T& push_back(T value) {
    if (size_ == ring_.size()) grow();
    ++size_;
    return back() = std::move(value);
  }

  /// Takes the front element out, so that the ring does not keep what it owns.
  T pop_front() {
    T value = std::exchange(front(), T{});
    head_ = place(1);
    --size_;
    return value;
  }

  /// Removes all elements that are equal to `value`; the others keep their order.
  void erase(const T& value) {
    for (std::size_t left = size_; left > 0; --left) {
      if (T element = pop_front(); !(element == value)) push_back(std::move(element));
    }
  }

  /// Frees the memory of an empty queue if it is large.
  void shrink() {
    constexpr std::size_t little = 16;
    if (size_ == 0 && ring_.size() > little) *this = {};
  }

  void clear() {
    while (!empty()) (void)pop_front();
  }

 private:
  [[nodiscard]] std::size_t place(std::size_t index) const noexcept {
    return (head_ + index) & (ring_.size() - 1);
  }

  void grow() {
    std::vector<T> larger(ring_.empty() ? 4 : ring_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    ring_ = std::move(larger);
    head_ = 0;
  }

  std::vector<T> ring_;  // its size is 0 or a power of two
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace quoin::inline v0
