// SPDX-License-Identifier: MIT
/// Finds out what the sockets of this machine can do, by using them on the loopback interface. Not
/// a benchmark.
#pragma once

#include <quoin/version.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <quoin/export.hpp>

namespace quoin::inline v0::io {

/// One thing that was looked at.
struct Finding {
  /// How it is.
  enum class Verdict : std::uint8_t {
    good,  ///< as it should be
    note,  ///< it works, but not as well as it could
    bad,   ///< it does not work
  };

  Verdict verdict = Verdict::good;  ///< how it is
  std::string subject{};            ///< what was looked at, "GSO" say
  std::string detail{};             ///< what was found, for a person
  std::string advice{};             ///< what to do about it; empty if nothing
};

/// Looks at the kernel, IPv4 and IPv6, segmentation and receive offload, ECN, the DF flag, socket
/// buffers and io_uring. Sends a few datagrams over loopback; takes milliseconds.
[[nodiscard]] QUOIN_EXPORT std::vector<Finding> probe();

}  // namespace quoin::inline v0::io
