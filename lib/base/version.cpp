// SPDX-License-Identifier: MIT
/// The version that the library was compiled as.
#include <quoin/version.hpp>

#define QUOIN_TEXT(value) #value
#define QUOIN_TEXT_OF(value) QUOIN_TEXT(value)

namespace quoin::inline v0 {

LibraryVersion library_version() noexcept { return header_version; }

std::string_view library_version_text() noexcept {
  return QUOIN_TEXT_OF(QUOIN_VERSION_MAJOR) "." QUOIN_TEXT_OF(
      QUOIN_VERSION_MINOR) "." QUOIN_TEXT_OF(QUOIN_VERSION_PATCH);
}

}  // namespace quoin::inline v0
