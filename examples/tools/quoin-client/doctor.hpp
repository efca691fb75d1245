// SPDX-License-Identifier: MIT
/// What --doctor does: looks at this machine and at the servers of the URLs, and says what to do.
#pragma once

#include <vector>

#include <quoin/tls.hpp>

#include "quoin-client/options.hpp"
#include "quoin-client/plan.hpp"

namespace quoin::tools {

/// Prints the findings to standard output, a line each, and the advice below. Returns the exit
/// code.
[[nodiscard]] int run_doctor(const ClientOptions& options, const std::vector<PinnedAddress>& pinned,
                             const Tls& tls);

}  // namespace quoin::tools
