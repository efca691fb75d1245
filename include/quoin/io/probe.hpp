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

/// The result of one check.
struct Finding {
  /// The verdict.
  enum class Verdict : std::uint8_t {
    good,  ///< as it should be
    note,  ///< it works, but not as well as it could
    bad,   ///< it does not work
  };

  Verdict verdict = Verdict::good;  ///< the verdict
  std::string subject{};            ///< what was checked, for example "GSO"
  std::string detail{};             ///< what was found, as text for people
  std::string advice{};             ///< what to do about it; empty if nothing
};

/// Checks the kernel, IPv4 and IPv6, segmentation and receive offload, ECN, the DF flag, socket
/// buffers and io_uring. Sends a few datagrams over loopback; takes milliseconds.
[[nodiscard]] QUOIN_EXPORT std::vector<Finding> probe();

}  // namespace quoin::inline v0::io
