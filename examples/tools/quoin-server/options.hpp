// SPDX-License-Identifier: MIT
/// The command line of quoin-server as values. What they lead to is in main.cpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include <quoin/quic/config.hpp>

#include "common/command_line.hpp"
#include "common/io_choice.hpp"

namespace quoin::tools {

/// What the user asked for, with the syntax of each option checked but nothing opened.
struct ServerOptions {
  std::vector<std::string> listen;  ///< never empty; "HOST:PORT" as Address::parse() takes it
  bool listen_is_default = false;   ///< the user named no address
  std::filesystem::path root;
  unsigned workers = 1;            ///< 0: as many as the machine has cores
  std::filesystem::path takeover;  ///< where the sockets change hands; empty: they do not
  std::chrono::seconds drain{0};   ///< for connections after the sockets were taken over

  std::vector<std::filesystem::path> certificates;  ///< none: self-signed
  std::vector<std::filesystem::path> keys;          ///< as many; the n-th for the n-th certificate
  std::filesystem::path client_ca;                  ///< empty: clients are not asked who they are
  bool require_client_cert = false;
  std::string ciphers;  ///< empty: all

  bool retry = false;
  bool early_data = false;
  bool prefer_v2 = false;
  std::chrono::seconds handshake_timeout{0};  ///< 0: the library's default
  quic::CongestionControl congestion_control = quic::CongestionControl::cubic;
  bool probe_path_mtu = true;
  std::size_t max_udp_payload = 0;  ///< 0: the library's default
  Io io = Io::automatic;
  std::filesystem::path qlog_directory;

  bool quiet = false;
  bool verbose = false;
};

/// Reads the arguments, without the program's name. Opens no file.
[[nodiscard]] std::expected<ServerOptions, Stop> parse_server_options(
    std::vector<std::string> arguments);

}  // namespace quoin::tools
