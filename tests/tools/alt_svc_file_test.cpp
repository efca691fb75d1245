// SPDX-License-Identifier: MIT
/// Tests of the file of --alt-svc.
#include "quoin-client/alt_svc_file.hpp"

#include <chrono>
#include <string>

#include <catch2/catch_test_macros.hpp>

namespace quoin::tools {

using namespace std::chrono_literals;

TEST_CASE("Alternative services are read and written as curl does") {
  const std::string text =
      "# a comment\n\n"
      "h2 a.example 443 h3 alt.example 8443 \"20261125 17:00:30\" 1 0\n"
      "h1 a.example 443 h3 [2001:db8::1] 443 \"20261125 17:00:30\" 0 0\n"
      "h2 old.example 443 h3 old.example 443 \"20261125 16:59:59\" 0 0\n";
  const auto now = std::chrono::system_clock::from_time_t(1795626000);  // 17:00:00 that day
  const auto read = parse_alt_svc_file(text, now).value();
  REQUIRE(read.size() == 1);
  REQUIRE(read[0].services.size() == 2);
  CHECK(read[0].services[0] ==
        AltService{.host = "alt.example", .port = 8443, .max_age = 30s, .persist = true});
  CHECK(read[0].services[1].host == "2001:db8::1");
  const std::string written = alt_svc_file_text(read, now);
  CHECK(written.ends_with("h1 a.example 443 h3 [2001:db8::1] 443 \"20261125 17:00:30\" 0 0\n"));
  CHECK(alt_svc_file_text(parse_alt_svc_file(written, now).value(), now) == written);
}

TEST_CASE("A file that is no list of alternative services is refused with the line") {
  const std::string good = "h2 a 1 h3 b 2 \"20261125 17:00:30\" 0 0\n";
  for (const std::string bad :
       {"my diary", "h2 a 1 h3 b 2 \"tomorrow morning\" 0 0",
        "h2 a 0 h3 b 2 \"20261125 17:00:30\" 0 0", "h2 a 1 h3 b 99999 \"20261125 17:00:30\" 0 0",
        "h2 a 1 h3 b 2 20261125 17:00:30 0 0", "h2 a 1 h3 b 2 \"20261125 17:00:30\" 0"}) {
    INFO(bad);
    const auto read = parse_alt_svc_file(good + bad, {});
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message.starts_with("line 2 "));
  }
}

}  // namespace quoin::tools
