// SPDX-License-Identifier: MIT
/// A random scenario: a network and what happens on it, all from one seed, and what was wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <quoin/time.hpp>

#include "support/certs.hpp"

namespace quoin::test {

/// How a scenario went.
struct Outcome {
  std::vector<std::string> problems;  ///< none: all was well
  Duration virtual_time{};            ///< that it took
  std::uint64_t datagrams = 0;        ///< that were sent
  std::uint64_t trace = 0;            ///< equal for equal runs, but for the encrypted bytes
  std::size_t most_memory = 0;        ///< heap in use beyond that at the beginning, bytes
  std::size_t leaked = 0;             ///< heap in use at the end beyond that at the beginning
};

/// A certificate for the servers of all scenarios. RSA: its signatures have one length, so that a
/// seed repeats a run to the byte.
[[nodiscard]] Identity scenario_identity();

/// What to keep of a run; nothing where it is empty.
struct Record {
  std::filesystem::path capture;  ///< a file for what was on the wire
  std::filesystem::path qlog;     ///< a folder for a log of each connection
};

/// Runs it.
[[nodiscard]] Outcome run_scenario(std::uint64_t seed, const Identity& identity,
                                   const Record& record = {});

}  // namespace quoin::test
