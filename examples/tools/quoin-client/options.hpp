// SPDX-License-Identifier: MIT
/// The command line of quoin-client as values. What follows from them is in plan.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/time.hpp>

#include "common/command_line.hpp"
#include "common/io_choice.hpp"

namespace quoin::tools {

/// What the user asked for, with the syntax of each option checked but nothing opened.
struct ClientOptions {
  std::vector<std::string> urls;

  std::vector<std::string> outputs;  ///< -o, the n-th for the n-th URL
  bool remote_names = false;         ///< -O
  std::string output_directory;      ///< --output-dir; empty: none
  bool include_headers = false;      ///< -i

  std::string method;                ///< -X; empty: follows from the rest
  bool head = false;                 ///< -I
  std::vector<std::string> headers;  ///< -H
  std::vector<std::string> data;     ///< -d
  std::vector<std::string> uploads;  ///< -T
  bool fail = false;                 ///< --fail
  bool compressed = false;           ///< --compressed
  bool location = false;             ///< -L
  std::size_t max_redirects = 50;    ///< --max-redirs

  std::string trust_anchors;        ///< --ca; empty: the system's
  bool insecure = false;            ///< --insecure
  std::string ciphers;              ///< --ciphers; empty: all
  std::optional<std::string> pins;  ///< --pinnedpubkey, as given
  std::string certificate;          ///< --cert; empty: none is shown
  std::string key;                  ///< --key

  std::vector<std::string> resolves;  ///< --resolve
  std::optional<Duration> connect_timeout;
  std::optional<Duration> max_time;
  std::size_t parallel = 1;
  bool fresh_connections = false;
  Io io = Io::automatic;     ///< --io
  std::string session_file;  ///< --session; empty: none
  std::string alt_svc_file;  ///< --alt-svc; empty: none
  bool early_data = false;
  std::uint64_t key_update = 0;  ///< bytes after which keys are updated; 0: the library's default
  Address migrate_to;            ///< --migrate-to; none: stay
  std::optional<std::size_t> migrate_after;  ///< --migrate-after, milliseconds

  std::string qlog_directory;             ///< --qlog; empty: none
  bool doctor = false;                    ///< --doctor
  bool websocket = false;                 ///< --ws
  std::vector<std::string> subprotocols;  ///< --subprotocol
  bool verbose = false;
  bool timing = false;
};

/// Reads the arguments, without the program's name. Opens no file.
[[nodiscard]] std::expected<ClientOptions, Stop> parse_client_options(
    std::vector<std::string> arguments);

}  // namespace quoin::tools
