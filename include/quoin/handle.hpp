// SPDX-License-Identifier: MIT
/// What Request, Response, Call, Stream and Connection are made of: a 16-byte value that names an
/// object of the library and knows when that is gone. Not an owner: it keeps nothing alive.
#pragma once

#include <quoin/version.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

#include <quoin/export.hpp>

namespace quoin::inline v0 {

class HandleOwner;
struct HandleSlot;

namespace detail {
struct Access;
}

/// Names an object by its place and generation. Copy, compare and store it freely; one that names
/// nothing, or something that is gone, is stale. Only the loop's thread may use the object.
class QUOIN_EXPORT Handle {
 public:
  /// Names nothing.
  Handle() = default;

  /// The object still exists.
  [[nodiscard]] explicit operator bool() const noexcept { return resolve() != nullptr; }

  /// Equal: both name the same object, existing or gone. The order has no meaning.
  friend bool operator==(const Handle&, const Handle&) = default;

  /// See operator==().
  friend std::strong_ordering operator<=>(const Handle& a, const Handle& b) noexcept {
    const auto by_slot = std::compare_three_way{}(a.slot_, b.slot_);
    return by_slot != 0 ? by_slot : a.generation_ <=> b.generation_;
  }

  /// For unordered containers.
  [[nodiscard]] std::size_t hash() const noexcept {
    return std::hash<HandleSlot*>{}(slot_) ^ std::hash<std::uint64_t>{}(generation_ << 8);
  }

 private:
  friend class HandleOwner;
  friend struct detail::Access;

  Handle(HandleSlot* slot, std::uint64_t generation) noexcept
      : slot_(slot), generation_(generation) {}

  /// The object, or null when stale.
  [[nodiscard]] void* resolve() const noexcept;

  HandleSlot* slot_ = nullptr;
  std::uint64_t generation_ = 0;
};

static_assert(sizeof(Handle) == 16);

}  // namespace quoin::inline v0

/// Hash of a handle, for unordered containers.
template <>
struct std::hash<quoin::Handle> {
  /// The hash.
  [[nodiscard]] std::size_t operator()(const quoin::Handle& handle) const noexcept {
    return handle.hash();
  }
};
