// SPDX-License-Identifier: MIT
/// See exit_code.hpp.
#include "quoin-client/exit_code.hpp"

#include <array>
#include <string>
#include <string_view>

namespace quoin::tools {

namespace {

struct Entry {
  ExitCode code;
  std::string_view text;
};

constexpr std::array<Entry, 22> entries{{
    {ExitCode::success, "everything was transferred"},
    {ExitCode::not_https, "the URL is not https"},
    {ExitCode::usage, "wrong options"},
    {ExitCode::malformed_url, "the URL is malformed"},
    {ExitCode::name_resolution, "the host name has no address"},
    {ExitCode::no_answer, "no answer: port closed, host down, or UDP blocked on the way"},
    {ExitCode::partial, "the server broke the body off"},
    {ExitCode::http_error, "--fail and a status of 400 or more, or --ws was refused"},
    {ExitCode::write_error, "the output could not be written"},
    {ExitCode::read_error, "a file to send could not be read"},
    {ExitCode::timeout, "--max-time or --connect-timeout has passed"},
    {ExitCode::tls_refused, "TLS failed, or the server speaks no HTTP/3 (h3)"},
    {ExitCode::local_address, "the address of --migrate-to cannot be used"},
    {ExitCode::redirects, "-L, and there were too many redirects, or one led nowhere"},
    {ExitCode::connection_lost, "the connection was lost after it had been made"},
    {ExitCode::certificate, "the server's certificate was refused"},
    {ExitCode::trust_anchors, "the file of --ca cannot be used"},
    {ExitCode::http3_protocol, "the server broke or ended HTTP/3"},
    {ExitCode::quic_protocol, "the server broke or ended QUIC"},
    {ExitCode::unhealthy, "--doctor found something that does not work"},
    {ExitCode::websocket_closed, "--ws was closed with an error code, or without one"},
    {ExitCode::interrupted, "interrupted (128 and the signal's number)"},
}};

}  // namespace

std::string exit_code_table() {
  std::string out;
  for (const Entry& entry : entries) {
    const std::string digits = std::to_string(number(entry.code));
    constexpr std::size_t width = 5;
    out.append(width - digits.size(), ' ').append(digits).append("  ").append(entry.text);
    out += '\n';
  }
  return out;
}

}  // namespace quoin::tools
