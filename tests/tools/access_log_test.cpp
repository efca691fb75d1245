// SPDX-License-Identifier: MIT
/// Tests of quoin-server's access log line.
#include "quoin-server/access_log.hpp"

#include <chrono>
#include <ctime>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>

namespace quoin::tools {

namespace {

constexpr std::time_t some_time = 1'790'000'000;

std::string line_for(const Headers& headers, std::string_view target, const Error& error) {
  return access_line({.connection = 1,
                      .peer = Address::parse("[2001:db8::1]:5000").value(),
                      .method = "GET",
                      .target = target,
                      .authority = "h",
                      .headers = headers,
                      .outcome = {.status = 200,
                                  .bytes_sent = 612,
                                  .bytes_received = 0,
                                  .duration = std::chrono::microseconds{1234},
                                  .error = error}},
                     some_time);
}

}  // namespace

TEST_CASE("The access log has the combined format and the duration") {
  CHECK(line_for({{"user-agent", "probe/1"}}, "/a?b", HttpError::no_error) ==
        "2001:db8::1 - - [21/Sep/2026:14:13:20 +0000] \"GET /a?b HTTP/3\" 200 612 \"-\" "
        "\"probe/1\" 1.234ms");
}

TEST_CASE("A request that did not end well shows why") {
  CHECK(line_for({}, "/", HttpError::request_cancelled).ends_with(" H3_REQUEST_CANCELLED"));
}

TEST_CASE("A client cannot forge a line of the access log or colour the terminal") {
  const std::string line =
      line_for({{"user-agent", "x\" 200 \x1b[31m"}}, "/\"\x1b", HttpError::no_error);
  CHECK_FALSE(line.contains('\x1b'));
  CHECK(line.contains("\\\" 200 \\x1b[31m"));
}

}  // namespace quoin::tools
