// SPDX-License-Identifier: MIT
/// Jobs ordered by when they are due: those of Loop::after(), and those of drivers. Knows no clock
/// and calls nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <quoin/loop.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// `delay`, or none if negative, after `time`, capped at the end of time.
[[nodiscard]] inline Time later(Time time, Duration delay) noexcept {
  return delay < Time::max() - time ? time + std::max(delay, Duration::zero()) : Time::max();
}

/// A binary heap of slots that know their place in it, so that cancelling costs O(log n) and
/// frees the job's closure at once.
class TimerQueue {
 public:
  using Job = std::move_only_function<void()>;

  /// Jobs that are due at the same time keep the order in which they were added.
  TimerId add(Time due, Job job) {
    std::uint32_t index = first_free_;
    if (index == none) {
      index = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      first_free_ = slots_[index].place;
    }
    Slot& slot = slots_[index];
    slot.job = std::move(job);
    slot.due = due;
    slot.order = ++added_;
    slot.place = static_cast<std::uint32_t>(heap_.size());
    heap_.push_back(index);
    sift_up(slot.place);
    return TimerId{std::uint64_t{slot.generation} << 32U | (index + 1U)};
  }

  void cancel(TimerId timer) noexcept {
    const auto index = static_cast<std::uint32_t>(static_cast<std::uint64_t>(timer)) - 1U;
    const auto generation = static_cast<std::uint32_t>(static_cast<std::uint64_t>(timer) >> 32U);
    if (index < slots_.size() && slots_[index].generation == generation) {
      const Job dropped = remove(index);  // its destructor may call us again: last of all
    }
  }

  /// The number of jobs ever added.
  [[nodiscard]] std::uint64_t added() const noexcept { return added_; }

  [[nodiscard]] std::optional<Time> next() const noexcept {
    return heap_.empty() ? std::nullopt : std::optional{slots_[heap_.front()].due};
  }

  /// The first job that is due at `now`, unless it was added after the first `among` ones.
  [[nodiscard]] std::optional<Job> take(Time now, std::uint64_t among) {
    if (heap_.empty()) return std::nullopt;
    const Slot& first = slots_[heap_.front()];
    if (first.due > now || first.order > among) return std::nullopt;
    return remove(heap_.front());
  }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  struct Slot {
    Job job;
    Time due;
    std::uint64_t order = 0;
    std::uint32_t generation = 1;  // counts the uses, so that an old TimerId finds nothing
    std::uint32_t place = 0;       // in the heap; in a free slot, the next free one
  };

  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const noexcept {
    const Slot& x = slots_[a];
    const Slot& y = slots_[b];
    return x.due != y.due ? x.due < y.due : x.order < y.order;
  }

  void put(std::uint32_t place, std::uint32_t index) noexcept {
    heap_[place] = index;
    slots_[index].place = place;
  }

  void sift_up(std::uint32_t place) noexcept {
    const std::uint32_t index = heap_[place];
    while (place > 0 && before(index, heap_[(place - 1) / 2])) {
      put(place, heap_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    put(place, index);
  }

  void sift_down(std::uint32_t place) noexcept {
    const std::uint32_t index = heap_[place];
    for (std::size_t child = 2 * std::size_t{place} + 1; child < heap_.size();
         child = 2 * std::size_t{place} + 1) {
      if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) {
        ++child;
      }
      if (!before(heap_[child], index)) break;
      put(place, heap_[child]);
      place = static_cast<std::uint32_t>(child);
    }
    put(place, index);
  }

  Job remove(std::uint32_t index) noexcept {
    const std::uint32_t place = slots_[index].place;
    const std::uint32_t last = heap_.back();
    heap_.pop_back();
    if (last != index) {
      put(place, last);
      sift_up(place);
      sift_down(slots_[last].place);
    }
    Slot& slot = slots_[index];
    Job job = std::exchange(slot.job, nullptr);
    ++slot.generation;
    slot.place = std::exchange(first_free_, index);
    return job;
  }

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> heap_;
  std::uint32_t first_free_ = none;
  std::uint64_t added_ = 0;
};

}  // namespace quoin::inline v0
