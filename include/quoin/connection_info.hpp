// SPDX-License-Identifier: MIT
/// What Server and Client report about their connections, for logs and statistics. Not a handle: it
/// cannot act on a connection.
#pragma once

#include <quoin/version.hpp>

#include <cstdint>
#include <string>

#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/connection.hpp>

namespace quoin::inline v0 {

/// A connection at the moment of the call that passes this; copy it to keep it.
struct ConnectionInfo {
  std::uint64_t number = 0;  ///< counts the connections of its server or client, from 1
  std::string host{};        ///< client: "host:port" of the URL; server: empty
  Path path{};               ///< the path in use
  TlsInfo tls{};             ///< what the handshake agreed on; empty if it did not complete
  quic::Stats stats{};       ///< figures so far
  Error reason{};            ///< why it ended; no_error while it is up
};

}  // namespace quoin::inline v0
