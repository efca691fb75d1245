// SPDX-License-Identifier: MIT
/// Which version of quoin this is, and whether the compiler can read it. Every public header
/// includes this one first, so that an old compiler gives one message instead of hundreds. What
/// versions promise is in docs/versions.md.
#pragma once

#if __cplusplus <= 202002L
#error "quoin needs C++23: compile with -std=c++23, by GCC 12.2 or later or Clang 19 or later"
#include <see_the_error_above>  // there is no such file: the compiler stops here
#endif

#include <version>

#if !defined(__cpp_lib_expected) || !defined(__cpp_lib_move_only_function)
#error "quoin needs std::expected: take GCC 12.2 or later, or Clang 19 or later with libstdc++"
#include <see_the_error_above>
#endif

#include <compare>
#include <string_view>

#include <quoin/export.hpp>

/// The major version.
#define QUOIN_VERSION_MAJOR 0
/// The minor version: until 1.0 a new one may change the API.
#define QUOIN_VERSION_MINOR 1
/// The patch version: a new one changes neither API nor ABI.
#define QUOIN_VERSION_PATCH 0
/// The version as one increasing number, 100 for 0.1.0: `#if QUOIN_VERSION >= 200`.
#define QUOIN_VERSION \
  (QUOIN_VERSION_MAJOR * 10000 + QUOIN_VERSION_MINOR * 100 + QUOIN_VERSION_PATCH)

namespace quoin::inline v0 {

/// A version of the library; newer ones compare greater.
struct LibraryVersion {
  int major = QUOIN_VERSION_MAJOR;  ///< the first number
  int minor = QUOIN_VERSION_MINOR;  ///< the second number
  int patch = QUOIN_VERSION_PATCH;  ///< the third number

  friend auto operator<=>(const LibraryVersion&, const LibraryVersion&) = default;
};

/// The version of the headers that the program was compiled with.
inline constexpr LibraryVersion header_version{};

/// The version of the library that the program runs with; equal to header_version unless a shared
/// libquoin was replaced.
[[nodiscard]] QUOIN_EXPORT LibraryVersion library_version() noexcept;
/// The same as text, "0.1.0".
[[nodiscard]] QUOIN_EXPORT std::string_view library_version_text() noexcept;

}  // namespace quoin::inline v0
