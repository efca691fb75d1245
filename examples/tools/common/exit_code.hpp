// SPDX-License-Identifier: MIT
/// What a tool ends with: numbers, their table for --help, and the end of main().
#pragma once

#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace quoin::tools {

/// The number of an enumerated exit code, as the process returns it.
template <class Code>
  requires std::is_enum_v<Code>
[[nodiscard]] constexpr int number(Code code) noexcept {
  return static_cast<int>(code);
}

/// A line of the table.
struct ExitLine {
  template <class Code>
  constexpr ExitLine(Code code, std::string_view means) noexcept
      : value(number(code)), text(means) {}

  int value;
  std::string_view text;
};

/// The lines for --help, ready to print.
[[nodiscard]] std::string exit_code_table(std::span<const ExitLine> lines);

/// Runs a tool; what is thrown ends it with `failed` and the tool's name before the reason.
int run_tool(const char* tool, int failed, std::span<char* const> arguments,
             int (*run)(std::vector<std::string>));

}  // namespace quoin::tools
