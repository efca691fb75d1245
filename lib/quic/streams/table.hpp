// SPDX-License-Identifier: MIT
/// A table for the streams of one connection. Not for IDs that a peer chooses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <quoin/quic/application.hpp>

namespace quoin::inline v0::quic {

/// Objects with a member `id`, a StreamId, by that: open addressing, because the few open ones lie
/// close together and most look-ups hit the same one again. IDs of request streams are consecutive
/// and their number is limited, so nobody can choose them to collide.
template <class T>
class ByStreamId {
 public:
  [[nodiscard]] T* find(StreamId id) noexcept {
    if (latest_ != nullptr && latest_->id == id) return latest_;
    if (slots_.empty()) return nullptr;
    for (std::size_t i = home(id);; i = next(i)) {
      if (slots_[i] == nullptr) return nullptr;
      if (slots_[i]->id == id) return latest_ = slots_[i].get();
    }
  }

  /// Adds an object whose ID is not there yet.
  T& add(std::unique_ptr<T> object) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    ++size_;
    return *(latest_ = place(std::move(object)));
  }

  /// Takes out an existing object.
  std::unique_ptr<T> take(const T& object) noexcept {
    latest_ = nullptr;
    --size_;
    std::size_t gap = home(object.id);
    while (slots_[gap].get() != &object) gap = next(gap);
    std::unique_ptr<T> taken = std::move(slots_[gap]);
    // Entries that the gap cuts off from their home move into it.
    for (std::size_t i = next(gap); slots_[i] != nullptr; i = next(i)) {
      const std::size_t wanted = home(slots_[i]->id);
      if (((i - wanted) & mask()) >= ((i - gap) & mask())) {
        slots_[gap] = std::move(slots_[i]);
        gap = i;
      }
    }
    return taken;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Any one of them; null if there is none.
  [[nodiscard]] T* any() const noexcept {
    for (const auto& slot : slots_) {
      if (slot != nullptr) return slot.get();
    }
    return nullptr;
  }

  /// Calls `visit` with each; it must not add or take any.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& slot : slots_) {
      if (slot != nullptr) visit(*slot);
    }
  }

 private:
  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

  [[nodiscard]] std::size_t next(std::size_t i) const noexcept { return (i + 1) & mask(); }

  [[nodiscard]] std::size_t home(StreamId id) const noexcept {
    return static_cast<std::size_t>(static_cast<std::int64_t>(id) >> 2) & mask();
  }

  T* place(std::unique_ptr<T> object) noexcept {
    std::size_t i = home(object->id);
    while (slots_[i] != nullptr) i = next(i);
    slots_[i] = std::move(object);
    return slots_[i].get();
  }

  void grow() {
    auto old = std::exchange(
        slots_, std::vector<std::unique_ptr<T>>(slots_.empty() ? 16 : slots_.size() * 2));
    for (auto& object : old) {
      if (object != nullptr) place(std::move(object));
    }
  }

  std::vector<std::unique_ptr<T>> slots_;  // its size is 0 or a power of two
  std::size_t size_ = 0;
  T* latest_ = nullptr;
};

}  // namespace quoin::inline v0::quic
