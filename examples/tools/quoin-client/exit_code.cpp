// SPDX-License-Identifier: MIT
/// See exit_code.hpp.
#include "quoin-client/exit_code.hpp"

#include <array>
#include <string>

#include "common/exit_code.hpp"

namespace quoin::tools {

std::string client_exit_code_table() {
  static constexpr std::array<ExitLine, 22> lines{{
      {ClientExit::success, "everything was transferred"},
      {ClientExit::not_https, "the URL is not https"},
      {ClientExit::usage, "wrong options"},
      {ClientExit::malformed_url, "the URL is malformed"},
      {ClientExit::name_resolution, "the host name has no address"},
      {ClientExit::no_answer, "no answer: port closed, host down, or UDP blocked on the way"},
      {ClientExit::partial, "the server cut the body short"},
      {ClientExit::http_error, "--fail and a status of 400 or more, or --ws was refused"},
      {ClientExit::write_error, "the output could not be written"},
      {ClientExit::read_error, "a file to send could not be read"},
      {ClientExit::timeout, "--max-time or --connect-timeout has passed"},
      {ClientExit::tls_refused, "TLS failed, or the server does not speak HTTP/3 (h3)"},
      {ClientExit::local_address, "the --migrate-to address cannot be used"},
      {ClientExit::redirects, "-L, and there were too many redirects, or one led nowhere"},
      {ClientExit::connection_lost, "an established connection was lost"},
      {ClientExit::certificate, "the server's certificate was refused"},
      {ClientExit::trust_anchors, "the --ca file cannot be used"},
      {ClientExit::http3_protocol, "the server violated or ended HTTP/3"},
      {ClientExit::quic_protocol, "the server violated or ended QUIC"},
      {ClientExit::unhealthy, "--doctor found something that does not work"},
      {ClientExit::websocket_closed, "--ws was closed with an error code, or without one"},
      {ClientExit::interrupted, "interrupted (128 plus the signal's number)"},
  }};
  return exit_code_table(lines);
}

}  // namespace quoin::tools
