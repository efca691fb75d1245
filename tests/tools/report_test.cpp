// SPDX-License-Identifier: MIT
/// Tests of what quoin-client tells its user: failures with advice, headers, progress.
#include "quoin-client/report.hpp"

#include <cerrno>
#include <chrono>
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/url.hpp>

#include "common/failure.hpp"
#include "quoin-client/console.hpp"
#include "quoin-client/exit_code.hpp"

namespace quoin::tools {

using namespace std::chrono_literals;

namespace {

const Url url{.host = "h.example", .port = 4433, .target = "/f"};

Failure explained(const Error& error, bool reply_begun = false) {
  return explain(error, {.url = url, .elapsed = 1500ms, .reply_begun = reply_begun, .bytes = 7});
}

}  // namespace

TEST_CASE("Every kind of failure has the exit code that the help promises") {
  CHECK(explained(LocalError::name_resolution).exit_code == 6);
  CHECK(explained(LocalError::no_answer).exit_code == 7);
  CHECK(explained({Error::Domain::system, ECONNREFUSED}).exit_code == 7);
  CHECK(explained({Error::Domain::system, ENETUNREACH}).exit_code == 7);
  CHECK(explained(LocalError::handshake_timeout).exit_code == 28);
  CHECK(explained(LocalError::request_timeout).exit_code == 28);
  CHECK(explained(LocalError::idle_timeout).exit_code == 56);
  CHECK(explained(LocalError::stateless_reset).exit_code == 56);
  CHECK(explained(LocalError::certificate_name).exit_code == 60);
  CHECK(explained(LocalError::certificate_expired).exit_code == 60);
  CHECK(explained(LocalError::certificate_untrusted).exit_code == 60);
  CHECK(explained(LocalError::certificate_invalid).exit_code == 60);
  CHECK(explained({Error::Domain::tls, 40}).exit_code == 35);
  CHECK(explained({Error::Domain::tls, 120}).exit_code == 35);
  CHECK(explained(HttpError::internal_error).exit_code == 95);
  CHECK(explained(HttpError::internal_error, true).exit_code == 18);
  CHECK(explained(TransportError::protocol_violation).exit_code == 96);
  CHECK(explained(LocalError::version_negotiation).exit_code == 96);
  CHECK(explained(UsageError::invalid_argument).exit_code == 2);
  CHECK(explain_status(404, url).exit_code == 22);
}

TEST_CASE("Every message names the URL, and the host with its port where that matters") {
  for (const Error& error :
       {Error{LocalError::no_answer}, Error{LocalError::idle_timeout},
        Error{LocalError::certificate_untrusted}, Error{Error::Domain::tls, 40},
        Error{TransportError::internal_error}}) {
    const std::string message = explained(error).message;
    INFO(message);
    CHECK(message.starts_with("https://h.example:4433/f: "));
    CHECK(message.find("h.example:4433", 26) != std::string::npos);
  }
}

TEST_CASE("No answer is told with how long it took and what may block the way") {
  const std::string message = explained(LocalError::no_answer).message;
  CHECK(message.contains("after 1.5 s"));
  CHECK(message.contains("UDP to h.example:4433 may be blocked"));
  CHECK(message.contains("--connect-timeout"));
}

TEST_CASE("A server without h3 and an untrusted one are told apart, with advice") {
  CHECK(explained({Error::Domain::tls, 120}).message.contains("\"h3\""));
  CHECK(explained(LocalError::certificate_untrusted).message.contains("--ca"));
}

TEST_CASE("What a peer said cannot act on the terminal") {
  const Failure failure = explained({TransportError::internal_error, "\x1b[31mred"});
  CHECK_FALSE(failure.message.contains('\x1b'));
}

TEST_CASE("Headers are written without pseudo-headers and end with an empty line") {
  const Headers headers{{":status", "200"}, {"content-type", "text/plain"}};
  CHECK(header_block(200, headers) == "HTTP/3 200\r\ncontent-type: text/plain\r\n\r\n");
  CHECK(shown_reply(200, headers) == "< HTTP/3 200\n< content-type: text/plain\n<\n");
  CHECK(shown_request("GET", url, {{"accept", "*/*"}}) ==
        "> GET /f HTTP/3\n> host: h.example:4433\n> accept: */*\n>\n");
}

TEST_CASE("The timing line has everything that --timing promises") {
  const Timing timing{.connected = 3ms, .first_byte = 4ms, .total = 1003ms};
  ConnectionInfo info;
  info.path.remote = Address::parse("192.0.2.1:4433").value();
  info.tls.alpn = "h3";
  info.stats.udp_payload_size = 1452;
  CHECK(timing_line(url, timing, 1024, info) ==
        "timing: https://h.example:4433/f connect 3.0 ms, first byte 4.0 ms, total 1003.0 ms, "
        "1024 bytes, 1.0 KiB/s, protocol h3, path MTU 1480 (UDP payload 1452)\n");
}

TEST_CASE("The progress line never exceeds the terminal and shows what is known") {
  const Progress known{.bytes = 25 << 20, .total = 100 << 20, .elapsed = 5s};
  for (const std::size_t columns : {0U, 1U, 20U, 40U, 79U, 200U}) {
    CHECK(render(known, columns).size() <= columns);
  }
  const std::string line = render(known, 100);
  CHECK(line.contains(" 25%"));
  CHECK(line.contains("25.0 MiB of 100.0 MiB"));
  CHECK(line.contains("5.0 MiB/s"));
  CHECK(line.contains("0:15 left"));
  CHECK(render({.bytes = 10, .elapsed = 1s}, 80) == "10 B  10 B/s");
  CHECK(render({.bytes = 0, .total = 0, .elapsed = 1s}, 80).starts_with("0 B"));
  CHECK(render({.files_done = 3, .files = 9, .elapsed = 1s}, 80).starts_with("3 of 9 files"));
}

TEST_CASE("Progress beyond the announced size does not overflow the bar") {
  CHECK(render({.bytes = 200, .total = 100, .elapsed = 1s}, 80).contains("100%"));
}

}  // namespace quoin::tools
