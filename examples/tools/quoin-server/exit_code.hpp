// SPDX-License-Identifier: MIT
/// The exit codes of quoin-server.
#pragma once

#include <string>

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

/// The number, as the process returns it.
[[nodiscard]] constexpr int number(ServerExit code) noexcept { return static_cast<int>(code); }

/// The table of all codes for --help: a line each, ready to print.
[[nodiscard]] std::string server_exit_code_table();

}  // namespace quoin::tools
