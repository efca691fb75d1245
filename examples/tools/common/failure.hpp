// SPDX-License-Identifier: MIT
/// How a part of a tool tells its main() that it failed: the exit code and the sentence for the
/// user. Not for errors of the library, which are quoin::Error.
#pragma once

#include <expected>
#include <string>

namespace quoin::tools {

/// Why a tool cannot go on.
struct Failure {
  int exit_code = 1;    ///< what the process ends with
  std::string message;  ///< names the input and says what to do; without the tool's name
};

/// What a part of a tool returns when it can fail.
template <class T = void>
using Expected = std::expected<T, Failure>;

}  // namespace quoin::tools
