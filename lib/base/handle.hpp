// SPDX-License-Identifier: MIT
/// The other end of a Handle: slots in memory that never changes its type, and the owner that an
/// object has as a member to be nameable. Not public.
#pragma once

#include <atomic>
#include <cstdint>

#include <quoin/handle.hpp>

#include "base/access.hpp"

namespace quoin::inline v0 {

/// One place that handles point to. Slots are reused but never freed, so that a stale handle may
/// always be checked.
struct HandleSlot {
  std::atomic<std::uint64_t> generation{1};  ///< changes when the object goes
  void* object = nullptr;                    ///< read only after the generation matched
  HandleSlot* next = nullptr;                ///< in a list of free slots
};

/// Makes its object nameable from construction to destruction.
class HandleOwner {
 public:
  /// Handles of this owner resolve to `object`.
  explicit HandleOwner(void* object);
  HandleOwner(const HandleOwner&) = delete;
  HandleOwner& operator=(const HandleOwner&) = delete;

  ~HandleOwner() { release(); }

  [[nodiscard]] Handle handle() const noexcept;
  /// Makes all handles stale before the object is destroyed; further calls do nothing.
  void release() noexcept;

 private:
  HandleSlot* slot_;
};

/// The object of type T behind a handle, or null. T must be the type the handle was made for.
template <class T>
[[nodiscard]] T* resolve_as(const Handle& handle) noexcept {
  return static_cast<T*>(detail::Access::object(handle));
}

}  // namespace quoin::inline v0
