// SPDX-License-Identifier: MIT
/// Alternative services: the header's syntax, and what is remembered for how long.
#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/alt_svc.hpp>
#include <quoin/time.hpp>

using namespace quoin;
using namespace std::chrono_literals;

// RFC 7838 §3.
TEST_CASE("alternative services are read as RFC 7838 writes them") {
  CHECK(parse_alt_svc("clear").value().empty());
  CHECK(parse_alt_svc(R"(h3=":443")").value() == std::vector<AltService>{{}});
  CHECK(parse_alt_svc(R"( h2="alt.example:8000" , h3="[2001:db8::1]:50781" ; ma=60;persist=1; )"
                      R"(new="a\"b,c" )")
            .value() ==
        std::vector<AltService>{{.protocol = "h2", .host = "alt.example", .port = 8000},
                                {.protocol = "h3",
                                 .host = "2001:db8::1",
                                 .port = 50781,
                                 .max_age = 60s,
                                 .persist = true}});
  CHECK(parse_alt_svc(R"(w%3Dx%3Ay#z=":1"; persist=2)").value() ==
        std::vector<AltService>{{.protocol = "w=x:y#z", .port = 1}});
  CHECK(parse_alt_svc(R"(h3=":443"; ma=99999999999999999999)").value()[0].max_age == 24h * 365);
  CHECK(parse_alt_svc(alt_svc(8443, 5min)).value() ==
        std::vector<AltService>{{.port = 8443, .max_age = 5min}});
  std::string many = R"(h3=":1")";
  for (int i = 0; i < 30; ++i) many += R"(,h3=":1")";
  CHECK(parse_alt_svc(many).value().size() == 16);
}

TEST_CASE("what is no alternative service is refused with its text") {
  for (const std::string value : {"",
                                  "Clear",
                                  "h3",
                                  "h3=",
                                  "h3=:443",
                                  R"(h3="443")",
                                  R"(h3=":0")",
                                  R"(h3=":65536")",
                                  R"(h3=":443)",
                                  R"(h3=":443\)",
                                  R"(h3=":443";)",
                                  R"(h3=":443"; ma)",
                                  R"(h3=":443"; ma=")",
                                  R"(h3=":443",)",
                                  R"(h3=":443" h2=":1")",
                                  R"(%zz=":443")",
                                  R"(h3="user@a:443")",
                                  R"(h3="a/b:443")",
                                  R"(h3="a#b:443")",
                                  R"(h3="::1:443")",
                                  R"(h3="a:1:443")"}) {
    INFO(value);
    const auto services = parse_alt_svc(value);
    REQUIRE_FALSE(services.has_value());
    CHECK(services.error() == Error{UsageError::invalid_argument});
    CHECK(services.error().detail().contains(value));
  }
  CHECK_FALSE(parse_alt_svc(std::string(5000, 'a')).has_value());
}

TEST_CASE("an alternative service is remembered as long as it is said to be true") {
  AltSvcCache cache;
  const Time now{};
  REQUIRE(cache.handle_header("a.example", 443, R"(h2=":1", h3=":8443"; ma=100)", now, 40s)
              .has_value());
  const auto found = cache.find("a.example", 443, "h3", now + 59s);
  REQUIRE(found.has_value());
  CHECK(found->host == "a.example");
  CHECK(found->port == 8443);
  CHECK_FALSE(cache.find("a.example", 443, "h3", now + 60s));
  CHECK_FALSE(cache.find("a.example", 444, "h3", now));
  CHECK_FALSE(cache.find("b.example", 443, "h3", now));
  CHECK_FALSE(cache.handle_header("a.example", 443, "nonsense", now).has_value());
  CHECK(cache.find("a.example", 443, "h3", now));
  REQUIRE(cache.handle_header("a.example", 443, "clear", now).has_value());
  CHECK(cache.size() == 0);
}

TEST_CASE("another network, a failure or too many origins make a cache forget") {
  AltSvcCache cache{2};
  const Time now{};
  const auto learn = [&](const std::string& host, const std::string& value) {
    REQUIRE(cache.handle_header(host, 443, value, now).has_value());
  };
  learn("stays.example", R"(h3=":443"; persist=1, h3=":444")");
  learn("goes.example", R"(h3=":443"; ma=10)");
  learn("third.example", R"(h3=":443")");
  CHECK(cache.size() == 2);
  CHECK_FALSE(cache.find("goes.example", 443, "h3", now));
  cache.handle_network_change();
  CHECK(cache.size() == 1);
  CHECK(cache.find("stays.example", 443, "h3", now));
  cache.forget("stays.example", 443);
  CHECK(cache.size() == 0);
}
