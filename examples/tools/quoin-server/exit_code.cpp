// SPDX-License-Identifier: MIT
/// See exit_code.hpp.
#include "quoin-server/exit_code.hpp"

#include <array>
#include <string>

#include "common/exit_code.hpp"

namespace quoin::tools {

std::string server_exit_code_table() {
  static constexpr std::array<ExitLine, 6> lines{{
      {ServerExit::stopped, "stopped by the first signal, gracefully"},
      {ServerExit::failed, "something else failed; the message says what"},
      {ServerExit::usage, "wrong options"},
      {ServerExit::identity, "the certificate or the key cannot be used"},
      {ServerExit::root, "the --root or --qlog folder cannot be used"},
      {ServerExit::address, "a --listen address cannot be used"},
  }};
  return exit_code_table(lines) +
         "  130, 143  ended at once by a second signal (128 plus the signal's number)\n";
}

}  // namespace quoin::tools
