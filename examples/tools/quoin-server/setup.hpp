// SPDX-License-Identifier: MIT
/// From options to the parts of a Server, with every mistake found before the first packet.
#pragma once

#include <string>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/server.hpp>
#include <quoin/tls.hpp>
#include <quoin/workers.hpp>

#include "common/failure.hpp"
#include "quoin-server/options.hpp"

namespace quoin::tools {

/// The certificate and key of the options, or a new self-signed one; honouring $SSLKEYLOGFILE.
[[nodiscard]] Expected<Tls> make_identity(const ServerOptions& options);
/// The settings. Fails if the folder for qlog files cannot be used.
[[nodiscard]] Expected<ServerConfig> make_config(const ServerOptions& options);
/// Fails if there is no folder to serve; before anything is taken over.
[[nodiscard]] Expected<> check_root(const ServerOptions& options);
/// Gives `server` the folder to serve.
[[nodiscard]] Expected<> serve_root(Server& server, const ServerOptions& options);
/// Opens all addresses and returns them with their ports; instead takes those of the server at
/// --takeover, if there is one. Of the default addresses, one that this
/// machine does not have is left out.
[[nodiscard]] Expected<std::vector<Address>> listen_all(Workers& workers,
                                                        const ServerOptions& options);

/// The figures for SIGUSR1, several lines.
[[nodiscard]] std::string statistics_text(const ServerStats& stats);

}  // namespace quoin::tools
