// SPDX-License-Identifier: MIT
/// The command line of quoin-perf as values.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include <quoin/quic/config.hpp>
#include <quoin/time.hpp>

#include "common/command_line.hpp"
#include "common/exit_code.hpp"
#include "common/io_choice.hpp"

namespace quoin::tools {

/// What quoin-perf ends with.
enum class PerfExit : int { success = 0, failed = 1, usage = 2, identity = 3, address = 4 };

/// What the user asked for, with the syntax of each option checked but nothing opened.
struct PerfOptions {
  bool serve = false;
  std::string address;  ///< "ADDR:PORT": to listen on, or to connect to

  bool self_signed = false;
  std::filesystem::path certificate;
  std::filesystem::path key;

  bool insecure = false;
  std::filesystem::path ca;  ///< empty: the system's
  std::string server_name;   ///< empty: the address

  std::uint64_t download = 0;     ///< bytes of each transfer
  std::uint64_t upload = 0;       ///< bytes of each transfer
  std::uint64_t connections = 1;  ///< at a time
  std::uint64_t streams = 1;      ///< at a time on each connection
  Duration duration{};            ///< zero: one transfer a stream
  Io io = Io::automatic;
  bool json = false;

  quic::CongestionControl congestion_control = quic::CongestionControl::cubic;
};

/// Reads the arguments, without the program's name. Opens no file.
[[nodiscard]] std::expected<PerfOptions, Stop> parse_perf_options(
    std::vector<std::string> arguments);

}  // namespace quoin::tools
