// SPDX-License-Identifier: MIT
/// A queue of small numbers that name slots of a table, each of which waits at most once. It does
/// not know what is in the slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace quoin::inline v0 {

/// First in, first out, in O(1) and without allocation but in grow().
class SlotQueue {
 public:
  /// Makes room for the slots below `count`.
  void grow(std::size_t count) {
    if (count > next_.size()) {
      next_.resize(count, absent);
    }
  }

  [[nodiscard]] bool empty() const noexcept { return head_ == none; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Puts the slot at the end, unless it is already waiting.
  void push(std::uint32_t slot) noexcept {
    if (next_[slot] != absent) return;
    next_[slot] = none;
    (head_ == none ? head_ : next_[tail_]) = slot;
    tail_ = slot;
    ++size_;
  }

  /// Takes the first one; not when empty().
  [[nodiscard]] std::uint32_t pop() noexcept {
    const std::uint32_t slot = head_;
    head_ = std::exchange(next_[slot], absent);
    --size_;
    return slot;
  }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;        // the last one's next
  static constexpr std::uint32_t absent = UINT32_MAX - 1;  // of a slot that does not wait

  std::vector<std::uint32_t> next_;
  std::uint32_t head_ = none;
  std::uint32_t tail_ = none;
  std::size_t size_ = 0;
};

}  // namespace quoin::inline v0
