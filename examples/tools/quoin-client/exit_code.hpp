// SPDX-License-Identifier: MIT
/// The exit codes of quoin-client, with curl's numbers where curl has one.
#pragma once

#include <string>

#include "common/exit_code.hpp"

namespace quoin::tools {

/// What the client ends with; the text of each is in exit_code.cpp and in --help.
enum class ClientExit : int {
  success = 0,
  not_https = 1,
  usage = 2,
  malformed_url = 3,
  name_resolution = 6,
  no_answer = 7,
  partial = 18,
  http_error = 22,
  write_error = 23,
  read_error = 26,
  timeout = 28,
  tls_refused = 35,
  local_address = 45,
  redirects = 47,
  connection_lost = 56,
  certificate = 60,
  trust_anchors = 77,
  http3_protocol = 95,
  quic_protocol = 96,
  unhealthy = 97,
  websocket_closed = 98,
  interrupted = 130,
};

/// The table of all codes for --help: a line each, ready to print.
[[nodiscard]] std::string client_exit_code_table();

}  // namespace quoin::tools
