// SPDX-License-Identifier: MIT
/// How the library reaches what handles and owners hide from programs. Not public.
#pragma once

#include <utility>

#include <quoin/handle.hpp>

namespace quoin::inline v0::detail {

/// A friend of handles, of Loop and of Tls; public headers only declare it.
struct Access {
  /// A Request, Stream or the like from its handle.
  template <class Named, class... Names>
  [[nodiscard]] static Named named(Names&&... names) {
    return Named{std::forward<Names>(names)...};
  }

  /// What is behind an owner.
  template <class Owner>
  [[nodiscard]] static auto& impl(const Owner& owner) noexcept {
    return *owner.impl_;
  }

  /// The object behind a handle, or null when that is stale.
  [[nodiscard]] static void* object(const Handle& handle) noexcept { return handle.resolve(); }
};

/// A handle of type `Named` (Request, Stream and so on) for what `names` name.
template <class Named, class... Names>
[[nodiscard]] Named named(Names&&... names) {
  return Access::named<Named>(std::forward<Names>(names)...);
}

/// What is behind a Loop or a Tls.
template <class Owner>
[[nodiscard]] auto& impl_of(const Owner& owner) noexcept {
  return Access::impl(owner);
}

}  // namespace quoin::inline v0::detail
