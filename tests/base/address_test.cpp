// SPDX-License-Identifier: MIT
/// Reading, writing and comparison of addresses.
#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/error.hpp>

namespace {

using quoin::Address;
using quoin::UsageError;

TEST_CASE("an address is written as it is read") {
  const std::string_view text =
      GENERATE("192.0.2.1:443", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:443",
               "[::]:4433", "[fe80::1%2]:443", "[fe80::1%4294967295]:1");
  const auto address = Address::parse(text);
  REQUIRE(address.has_value());
  CHECK(address->to_string() == text);
}

TEST_CASE("text that is no address with a port is refused by name") {
  const std::string_view text = GENERATE(
      "", ":", "443", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1",
      "192.0.2.1: 1", "192.0.2.1:1x", "192.0.2:1", "192.0.2.1.1:1", "256.0.0.1:1", "[192.0.2.1]:1",
      "[]:1", "[::1]", "[::1:443", "::1]:443", "2001:db8::1:443", "[fe80::1%]:1",
      "[fe80::1%eth0]:1", "[fe80::1%4294967296]:1", "[::g]:1", "localhost:443", "%2:443");
  const auto address = Address::parse(text);
  REQUIRE_FALSE(address.has_value());
  CHECK(address.error() == quoin::Error{UsageError::invalid_argument});
  CHECK(address.error().detail().contains('"'));
}

TEST_CASE("a terminator inside the text does not cut it short") {
  CHECK_FALSE(Address::parse(std::string_view{"192.0.2.1\0:443", 14}).has_value());
  CHECK_FALSE(Address::parse_host(std::string_view{"::1\0x", 5}, 1).has_value());
}

TEST_CASE("overlong text is refused") {
  CHECK_FALSE(Address::parse_host(std::string(100'000, '1'), 1).has_value());
}

TEST_CASE("a host alone may have brackets or not") {
  CHECK(Address::parse_host("::1", 5).value() == Address::parse("[::1]:5").value());
  CHECK(Address::parse_host("[::1]", 5).value() == Address::parse("[::1]:5").value());
  CHECK(Address::parse_host("192.0.2.1", 5).value().host() == "192.0.2.1");
  CHECK_FALSE(Address::parse_host("[192.0.2.1]", 5).has_value());
  CHECK_FALSE(Address::parse_host("[", 5).has_value());
}

TEST_CASE("a default address is none") {
  const Address none;
  CHECK(none.is_none());
  CHECK_FALSE(none.is_any());
  CHECK(none.ip().empty());
  CHECK(none.to_string() == "none");
  CHECK_FALSE(none == Address::parse("0.0.0.0:0").value());
}

TEST_CASE("an address knows its family, port and zone") {
  const Address v4 = Address::parse("0.0.0.0:53").value();
  CHECK(v4.is_ipv4());
  CHECK(v4.is_any());
  CHECK(v4.port() == 53);
  const Address v6 = Address::parse("[fe80::1%7]:53").value();
  CHECK(v6.is_ipv6());
  CHECK_FALSE(v6.is_any());
  CHECK(v6.zone() == 7);
  CHECK(v6.host() == "fe80::1%7");
  CHECK(v6.with_port(54).to_string() == "[fe80::1%7]:54");
}

TEST_CASE("an address can be made of its bytes, four or sixteen") {
  constexpr std::array loopback{std::byte{127}, std::byte{0}, std::byte{0}, std::byte{1}};
  CHECK(Address::from_bytes(loopback, 80).value().to_string() == "127.0.0.1:80");
  CHECK(Address::from_bytes(std::array<std::byte, 16>{}, 80).value().to_string() == "[::]:80");
  const auto wrong = Address::from_bytes(std::array<std::byte, 5>{}, 80);
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().detail().contains("5"));
}

TEST_CASE("addresses that differ in anything are different") {
  const auto address = [](std::string_view text) { return Address::parse(text).value(); };
  CHECK(address("192.0.2.1:1") == address("192.0.2.1:1"));
  CHECK(address("192.0.2.1:1") != address("192.0.2.1:2"));
  CHECK(address("192.0.2.1:1") != address("192.0.2.2:1"));
  CHECK(address("[fe80::1%1]:1") != address("[fe80::1%2]:1"));
  const std::hash<Address> hash;
  CHECK(hash(address("192.0.2.1:1")) == hash(address("192.0.2.1:1")));
  CHECK(hash(address("192.0.2.1:1")) != hash(address("192.0.2.1:2")));
}

}  // namespace
