// SPDX-License-Identifier: MIT
/// Finds out why HTTP/3 does not work, or not well: on this machine, and to a server. For support
/// and start-up checks, not for every request.
#pragma once

#include <quoin/version.hpp>

#include <chrono>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/export.hpp>
#include <quoin/io/probe.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace quoin::inline v0 {

/// How to check a server.
struct DoctorOptions {
  Tls tls = Tls::client();           ///< which servers to trust
  std::vector<Address> addresses{};  ///< where the server is; empty: its name is looked up
  Duration timeout = std::chrono::seconds{5};  ///< for the connection to each address
};

/// What io::probe() finds, and whether the system has certificates to trust.
[[nodiscard]] QUOIN_EXPORT std::vector<io::Finding> examine_system();

/// Checks the server of `url`: its addresses; then for the first address of each family whether it
/// answers over UDP, how long the handshake takes, protocol, certificate with names and end, path
/// MTU, and the reply to a HEAD request. Blocks, with a loop of its own, for at most three times
/// the timeout; the system's name look-up has its own limit.
[[nodiscard]] QUOIN_EXPORT std::vector<io::Finding> examine_server(
    std::string_view url, const DoctorOptions& options = {});

/// No verdict is `bad`.
[[nodiscard]] QUOIN_EXPORT bool all_work(const std::vector<io::Finding>& findings) noexcept;

}  // namespace quoin::inline v0
