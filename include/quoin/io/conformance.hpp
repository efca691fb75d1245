// SPDX-License-Identifier: MIT
/// What every io::Backend must do, as a suite to run on your own backend, under any test framework.
/// Not a benchmark.
#pragma once

#include <quoin/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/export.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::io {

/// Two backends that can reach each other and that nothing else uses.
struct ConformanceSubject {
  /// Where sockets can be opened, both of one family, with port 0.
  struct Hosts {
    Address a{};  ///< of the backend `a`
    Address b{};  ///< of the backend `b`
  };

  Backend& a;                  ///< one of them
  Backend& b;                  ///< the other
  std::vector<Hosts> hosts{};  ///< everything is tried on each; give one for each family
  /// A datagram to a port where nobody listens makes errors() report ECONNREFUSED.
  bool tells_refusals = true;
  /// How long to wait for expected events, by the clock of the backends.
  Duration patience = std::chrono::seconds{5};
};

/// The result of one requirement.
struct ConformanceResult {
  /// How it ended.
  enum class Outcome : std::uint8_t { passed, skipped, failed };

  Outcome outcome = Outcome::passed;  ///< how it ended
  std::string requirement{};          ///< a sentence, with the host it was tried on
  std::string detail{};               ///< why it was skipped, or how it failed; else empty
};

/// Tries all requirements, one after the other, and reports each as soon as it is known. Returns
/// how many failed. All on the calling thread, but for one wake(); takes about a second on sockets.
[[nodiscard]] QUOIN_EXPORT std::size_t check_conformance(
    const ConformanceSubject& subject, const std::function<void(const ConformanceResult&)>& report);

}  // namespace quoin::inline v0::io
