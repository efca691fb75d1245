// SPDX-License-Identifier: MIT
/// Conditional and range requests for one representation (RFC 9110 §13 and §14). Knows nothing of
/// files. Not public.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <quoin/headers.hpp>

namespace quoin::inline v0 {

/// The representation to send.
struct Representation {
  std::string etag;           ///< strong, with its quotes
  std::int64_t modified = 0;  ///< seconds since 1970
  std::uint64_t size = 0;     ///< bytes
};

/// How to answer a GET or HEAD.
struct Selection {
  int status = 200;          ///< 200, 206, 304, 412 or 416
  std::uint64_t offset = 0;  ///< of the first byte to send
  std::uint64_t size = 0;    ///< bytes to send; 0 for 304, 412 and 416
};

/// Evaluates the conditions in the order of RFC 9110 §13.2.2, then the range. Multiple ranges and
/// invalid ones select everything.
[[nodiscard]] Selection select(const Representation& representation, const Headers& request,
                               bool is_get);

}  // namespace quoin::inline v0
