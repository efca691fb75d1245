// SPDX-License-Identifier: MIT
/// The exit codes of quoin-server.
#pragma once

#include <string>

#include "common/exit_code.hpp"

namespace quoin::tools {

/// What the server ends with.
enum class ServerExit : int {
  stopped = 0,
  failed = 1,
  usage = 2,
  identity = 3,
  root = 4,
  address = 5,
};

/// The table of all codes for --help: a line each, ready to print.
[[nodiscard]] std::string server_exit_code_table();

}  // namespace quoin::tools
