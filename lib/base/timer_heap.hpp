// SPDX-License-Identifier: MIT
/// The deadlines of all connections of an endpoint, or of all drivers of a loop: the earliest one
/// in O(1), changes in O(log n), no allocation except for a new slot. Not a timer service: it calls
/// nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// A binary heap of (deadline, slot) in which each slot's place is known.
class TimerHeap {
 public:
  /// Sets, moves or (Time::max()) removes the deadline of `slot`.
  void set(std::uint32_t slot, Time deadline) {
    if (slot >= places_.size()) {
      places_.resize(slot + 1, absent);
    }
    const std::size_t place = places_[slot];
    if (deadline == Time::max()) {
      if (place != absent) {
        remove_at(place);
      }
      return;
    }
    if (place == absent) {
      heap_.push_back({deadline, slot});
      places_[slot] = heap_.size() - 1;
      sift_up(heap_.size() - 1);
      return;
    }
    if (heap_[place].deadline == deadline) return;
    heap_[place].deadline = deadline;
    sift_down(sift_up(place));
  }

  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }

  /// The earliest deadline; not when empty().
  [[nodiscard]] Time earliest() const noexcept { return heap_.front().deadline; }

  /// Its slot; not when empty().
  [[nodiscard]] std::uint32_t earliest_slot() const noexcept { return heap_.front().slot; }

 private:
  struct Entry {
    Time deadline;
    std::uint32_t slot;
  };

  static constexpr std::size_t absent = SIZE_MAX;

  void swap_entries(std::size_t a, std::size_t b) noexcept {
    std::swap(heap_[a], heap_[b]);
    places_[heap_[a].slot] = a;
    places_[heap_[b].slot] = b;
  }

  std::size_t sift_up(std::size_t place) noexcept {
    while (place > 0) {
      const std::size_t parent = (place - 1) / 2;
      if (heap_[parent].deadline <= heap_[place].deadline) break;
      swap_entries(parent, place);
      place = parent;
    }
    return place;
  }

  void sift_down(std::size_t place) noexcept {
    for (;;) {
      std::size_t least = place;
      for (std::size_t child = 2 * place + 1; child <= 2 * place + 2; ++child) {
        if (child < heap_.size() && heap_[child].deadline < heap_[least].deadline) {
          least = child;
        }
      }
      if (least == place) return;
      swap_entries(place, least);
      place = least;
    }
  }

  void remove_at(std::size_t place) noexcept {
    const std::size_t last = heap_.size() - 1;
    if (place != last) {
      swap_entries(place, last);
    }
    places_[heap_[last].slot] = absent;
    heap_.pop_back();
    if (place < heap_.size()) {
      sift_down(sift_up(place));
    }
  }

  std::vector<Entry> heap_;
  std::vector<std::size_t> places_;
};

}  // namespace quoin::inline v0
