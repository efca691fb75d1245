// SPDX-License-Identifier: MIT
/// What --ws does: a WebSocket between the terminal and a server. Lines go out as messages, and
/// messages come in as lines.
#pragma once

#include <vector>

#include <quoin/tls.hpp>

#include "common/failure.hpp"
#include "quoin-client/options.hpp"
#include "quoin-client/plan.hpp"

namespace quoin::tools {

/// Runs until either side closes; the end of standard input closes. Returns the exit code.
/// Failures: those of the file of --alt-svc.
[[nodiscard]] Expected<int> run_websocket(const ClientOptions& options, const PlannedTransfer& plan,
                                          const std::vector<PinnedAddress>& pinned, const Tls& tls);

}  // namespace quoin::tools
