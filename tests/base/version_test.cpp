// SPDX-License-Identifier: MIT
// Versions of headers, library and build; that they are one.
#include <quoin/version.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

namespace quoin {
namespace {

TEST_CASE("the library, its headers and its build say the same version") {
  CHECK(library_version() == header_version);
  CHECK(library_version_text() == QUOIN_PROJECT_VERSION);
  CHECK(std::to_string(header_version.major) + "." + std::to_string(header_version.minor) + "." +
            std::to_string(header_version.patch) ==
        QUOIN_PROJECT_VERSION);
}

TEST_CASE("a later version is greater, by its numbers and as one number") {
  CHECK(LibraryVersion{0, 2, 0} > LibraryVersion{0, 1, 9});
  CHECK(LibraryVersion{1, 0, 0} > LibraryVersion{0, 99, 99});
  CHECK(QUOIN_VERSION ==
        header_version.major * 10000 + header_version.minor * 100 + header_version.patch);
}

}  // namespace
}  // namespace quoin
