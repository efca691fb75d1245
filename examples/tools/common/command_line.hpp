// SPDX-License-Identifier: MIT
/// What the tools share in using CLI11: set-up, and its answers turned into text and exit codes.
/// Each tool defines its own options.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include <quoin/quic/config.hpp>

namespace CLI {
class App;
}

namespace quoin::tools {

/// Wrong options; the tools' own codes start here.
inline constexpr int exit_usage = 2;

/// A command line that only prints a text and exits.
struct Stop {
  int exit_code = 0;       ///< 0: help or version was asked for
  std::string text;        ///< with the end of line
  bool on_stderr = false;  ///< else it goes to standard output
};

/// Gives `app` the tools' common look, --help and --version. `usage` follows the tool's name in the
/// first line of its help.
void prepare(CLI::App& app, const std::string& version, const std::string& usage);

/// Adds --cc, which sets `choice`.
void add_congestion_control_option(CLI::App& app, quic::CongestionControl& choice,
                                   const std::string& group);

/// Parses `arguments`, without the program's name.
[[nodiscard]] std::expected<void, Stop> parse(CLI::App& app, std::vector<std::string> arguments);

/// What to print and return for a mistake in the options of the tool `name`.
[[nodiscard]] Stop usage_error(const std::string& name, const std::string& message);

/// Prints the text of `stop` where it belongs and returns the exit code.
[[nodiscard]] int finish(const Stop& stop);

}  // namespace quoin::tools
