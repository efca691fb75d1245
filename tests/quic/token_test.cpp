// SPDX-License-Identifier: MIT
/// Tokens over time and over processes, floods of first packets, and how much a stranger can make
/// a server send.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/resumption.hpp>

#include "support/pair.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using quic::Resumption;
using quic::RetryPolicy;

constexpr std::size_t long_header_ids = 5;  // where the length of the destination's begins

quic::Config strict_config(char secret = 'a') {
  quic::Config config = test_config();
  config.retry = RetryPolicy::always;
  config.secret = std::string(32, secret);
  return config;
}

/// Connects, takes home what the server gives for the next time, and leaves.
Resumption visit(Pair& pair) {
  pair.establish();
  pair.run_for(200ms);
  const Resumption kept = pair.client.live().resumption().value();
  pair.client.live().close({});
  pair.run_for(5s);
  return kept;
}

std::uint64_t retries(const Pair& pair) { return pair.server.endpoint->stats().retries_sent; }

/// A client's first datagram, which the server does not get.
std::vector<std::byte> first_datagram(Pair& pair) {
  std::optional<std::vector<std::byte>> first;
  pair.filter = [&](const Side& from, const Packet& packet) {
    if (&from == &pair.client && !first) first = packet.payload;
    return false;
  };
  pair.connect();
  pair.run_for(1ms);
  pair.filter = nullptr;
  REQUIRE(first.has_value());
  return *first;
}

}  // namespace

TEST_CASE("an address token is good for a day and no longer") {
  Pair pair{{.server = strict_config()}};
  const Resumption kept = visit(pair);
  REQUIRE(retries(pair) == 1);
  SECTION("after 23 hours it spares the Retry") {
    pair.run_for(23h);
    pair.establish("localhost", {.resumption = kept});
    CHECK(retries(pair) == 1);
  }
  SECTION("after 25 hours it is as if there were none") {
    pair.run_for(25h);
    pair.establish("localhost", {.resumption = kept});
    CHECK(retries(pair) == 2);
  }
}

TEST_CASE("a Retry token is good for ten seconds, and refused after that") {
  Pair pair{{.server = strict_config()}};
  std::optional<Packet> with_token;
  pair.filter = [&](const Side& from, const Packet& packet) {
    if (&from != &pair.client || retries(pair) == 0) return true;
    if (!with_token) with_token = packet;
    return false;
  };
  pair.connect();
  REQUIRE(pair.run_until([&] { return with_token.has_value(); }, 2s));
  SECTION("in time") {
    pair.run_for(8s);
    pair.inject(pair.server, pair.client.address, with_token->payload);
    CHECK(pair.server.endpoint->stats().connections_accepted == 1);
  }
  SECTION("too late") {
    pair.run_for(12s);
    pair.inject(pair.server, pair.client.address, with_token->payload);
    CHECK(pair.server.endpoint->stats().connections_accepted == 0);
  }
}

TEST_CASE("processes with one secret take each other's tokens and tickets") {
  const PairOptions options{.server = strict_config()};
  Pair pair{options};
  const Resumption kept = visit(pair);
  SECTION("the same secret") {
    pair.restart_server(strict_config());
    pair.establish("localhost", {.resumption = kept});
    CHECK(retries(pair) == 0);
    CHECK(pair.client.live().tls().resumed);
  }
  SECTION("another one") {
    pair.restart_server(strict_config('b'));
    pair.establish("localhost", {.resumption = kept});
    CHECK(retries(pair) == 1);
    CHECK_FALSE(pair.client.live().tls().resumed);
  }
}

TEST_CASE("tokens that are long or rubbish make no difference") {
  Pair pair{{.server = strict_config()}};
  const std::vector<std::byte> initial = first_datagram(pair);
  // An Initial has its token's length behind the connection IDs; this client has none.
  const std::size_t ids = long_header_ids;
  const auto dcid = static_cast<std::size_t>(initial.at(ids));
  const auto scid = static_cast<std::size_t>(initial.at(ids + 1 + dcid));
  const std::size_t at = ids + 2 + dcid + scid;
  REQUIRE(initial.at(at) == std::byte{0});
  for (const std::size_t length :
       {std::size_t{1}, std::size_t{50}, std::size_t{1000}, std::size_t{16383}}) {
    for (const std::byte kind : {std::byte{0}, std::byte{0x36}, std::byte{0xb6}, std::byte{0xff}}) {
      std::vector<std::byte> packet{initial.begin(),
                                    initial.begin() + static_cast<std::ptrdiff_t>(at)};
      packet.push_back(std::byte{0x40} | static_cast<std::byte>(length >> 8U));
      packet.push_back(static_cast<std::byte>(length & 0xffU));
      packet.insert(packet.end(), length, kind);
      packet.insert(packet.end(), initial.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                    initial.end());
      pair.inject(pair.server, Address::parse("198.51.100.7:50000").value(), packet);
    }
  }
  CHECK(pair.server.endpoint->stats().connections_accepted == 0);
  pair.establish();
}

TEST_CASE(
    "a flood of first packets is answered with Retry, within bounds, and an honest client comes "
    "through") {
  quic::Config config = test_config();
  config.retry_threshold = 3;
  config.stateless_per_second = 1000;
  Pair pair{{.server = config}};
  constexpr std::uint64_t flood = 10'000;
  for (std::uint64_t i = 0; i < config.retry_threshold; ++i) {
    pair.inject(pair.server, Address::parse("198.51.100.7:50000").value(), first_datagram(pair));
  }
  REQUIRE(pair.server.endpoint->stats().handshakes == config.retry_threshold);
  std::vector<std::byte> packet = first_datagram(pair);
  std::size_t answered = 0;
  std::size_t bytes = 0;
  pair.filter = [&](const Side& from, const Packet& answer) {
    if (&from == &pair.server) {
      ++answered;
      bytes += answer.payload.size();
    }
    return false;
  };
  for (std::uint64_t i = 0; i < flood; ++i) {
    packet[long_header_ids + 1] = static_cast<std::byte>(i & 0xffU);
    packet[long_header_ids + 2] = static_cast<std::byte>(i >> 8U);
    const Address from = Address::parse("203.0.113." + std::to_string(i % 250) + ":40000").value();
    pair.inject(pair.server, from, packet);
  }
  pair.run_for(1ms);
  const quic::EndpointStats stats = pair.server.endpoint->stats();
  CHECK(stats.handshakes == config.retry_threshold);
  CHECK(stats.connections == config.retry_threshold);
  CHECK(stats.retries_sent >= 1000);
  CHECK(stats.retries_sent <= 2100);
  CHECK(stats.retries_sent + stats.stateless_suppressed == flood);
  CHECK(answered <= 2200);
  CHECK(bytes < answered * 1200);
  pair.filter = nullptr;
  pair.run_for(2s);
  pair.establish();
  CHECK(retries(pair) > stats.retries_sent);
}

TEST_CASE("first packets of several connections in one datagram make no more than one") {
  Pair pair;
  std::vector<std::byte> many;
  for (int i = 0; i < 5; ++i) {
    const std::vector<std::byte> one = first_datagram(pair);
    many.insert(many.end(), one.begin(), one.end());
  }
  pair.filter = [](const Side&, const Packet&) { return false; };
  pair.inject(pair.server, Address::parse("198.51.100.7:50000").value(), many);
  CHECK(pair.server.endpoint->stats().connections <= 1);
  pair.run_for(1min);
  CHECK(pair.server.endpoint->stats().connections == 0);
  CHECK(pair.server.endpoint->stats().handshakes == 0);
}

TEST_CASE("no answer to a stranger has more than three times what the stranger sent") {
  quic::Config config = test_config();
  const char* kind = "";
  SECTION("a refusal") {
    kind = "refusal";
    config.max_connections = 1;
  }
  SECTION("a Retry") {
    kind = "Retry";
    config.retry = RetryPolicy::always;
  }
  SECTION("a first flight, which stops until more has come") { kind = "first flight"; }
  INFO(kind);
  Pair pair{{.server = config}};
  if (config.max_connections == 1) pair.establish();
  const std::vector<std::byte> initial = first_datagram(pair);
  std::size_t sent = 0;
  const Address stranger = Address::parse("198.51.100.7:50000").value();
  pair.filter = [&](const Side& from, const Packet& packet) {
    if (&from == &pair.server && packet.path.local == stranger) sent += packet.payload.size();
    return false;
  };
  pair.inject(pair.server, stranger, initial);
  pair.run_for(30s);
  CHECK(sent > 0);
  CHECK(sent <= 3 * initial.size());
}

}  // namespace quoin::test
