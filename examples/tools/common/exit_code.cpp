// SPDX-License-Identifier: MIT
/// See exit_code.hpp.
#include "common/exit_code.hpp"

#include <cstddef>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quoin::tools {

std::string exit_code_table(std::span<const ExitLine> lines) {
  std::string out;
  for (const ExitLine& line : lines) {
    const std::string digits = std::to_string(line.value);
    constexpr std::size_t width = 5;
    out.append(width - digits.size(), ' ').append(digits).append("  ").append(line.text);
    out += '\n';
  }
  return out;
}

int run_tool(const char* tool, int failed, std::span<char* const> arguments,
             int (*run)(std::vector<std::string>)) {
  try {
    return run({arguments.begin() + 1, arguments.end()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", tool, error.what());
    return failed;
  }
}

}  // namespace quoin::tools
