// SPDX-License-Identifier: MIT
/// Tokens over time and over processes, floods of first packets, and how much a stranger can make
/// a server send.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <malloc.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

/// Bytes that are allocated now; always 0 with an allocator that is not glibc's.
std::size_t allocated() { return mallinfo2().uordblks; }

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

/// What a client answers to a Retry, which the server does not get.
std::vector<std::byte> answer_to_retry(Pair& pair) {
  const std::uint64_t before = retries(pair);
  std::optional<std::vector<std::byte>> answer;
  pair.filter = [&](const Side& from, const Packet& packet) {
    if (&from != &pair.client || retries(pair) == before) return true;
    if (!answer) answer = packet.payload;
    return false;
  };
  pair.connect();
  REQUIRE(pair.run_until([&] { return answer.has_value(); }, 2s));
  pair.filter = [client = &pair.client](const Side& from, const Packet&) {
    return &from != client;
  };
  return *answer;
}

}  // namespace

// RFC 9000 §8.1.3.
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
  const std::vector<std::byte> with_token = answer_to_retry(pair);
  SECTION("in time") {
    pair.run_for(8s);
    pair.inject(pair.server, pair.client.address, with_token);
    CHECK(pair.server.endpoint->stats().connections_accepted == 1);
  }
  SECTION("too late") {
    pair.run_for(12s);
    pair.inject(pair.server, pair.client.address, with_token);
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

TEST_CASE("a server's settings say how long its tokens are good for") {
  quic::Config config = strict_config();
  SECTION("an address token") {
    config.address_token_lifetime = 10min;
    Pair pair{{.server = config}};
    const Resumption kept = visit(pair);
    REQUIRE(retries(pair) == 1);
    SECTION("in time") {
      pair.run_for(9min);
      pair.establish("localhost", {.resumption = kept});
      CHECK(retries(pair) == 1);
    }
    SECTION("too late") {
      pair.run_for(11min);
      pair.establish("localhost", {.resumption = kept});
      CHECK(retries(pair) == 2);
    }
  }
  SECTION("no address tokens at all") {
    config.address_token_lifetime = 0s;
    Pair pair{{.server = config}};
    const Resumption kept = visit(pair);
    pair.establish("localhost", {.resumption = kept});
    CHECK(retries(pair) == 2);
  }
  SECTION("a Retry token") {
    config.retry_token_lifetime = 2s;
    Pair pair{{.server = config}};
    const std::vector<std::byte> with_token = answer_to_retry(pair);
    pair.run_for(3s);
    pair.inject(pair.server, pair.client.address, with_token);
    CHECK(pair.server.endpoint->stats().connections_accepted == 0);
    CHECK(pair.server.endpoint->stats().tokens_refused == 1);
  }
}

TEST_CASE("token keys are replaced on a live endpoint, and what the old ones signed stays good") {
  quic::Config config = strict_config();
  config.token_secrets = {std::string(32, '1')};
  Pair pair{{.server = config}};
  const auto replace = [&](const std::vector<std::string>& secrets) {
    REQUIRE(pair.server.endpoint->set_token_secrets(secrets, pair.now()).has_value());
  };
  const Resumption old = visit(pair);
  REQUIRE(retries(pair) == 1);
  replace({std::string(32, '2')});
  SECTION("until it expires") {
    pair.run_for(23h);
    pair.establish("localhost", {.resumption = old});
    CHECK(retries(pair) == 1);
  }
  SECTION("and no longer, although a new key signs for the same time") {
    pair.run_for(25h);
    pair.establish("localhost", {.resumption = old});
    CHECK(retries(pair) == 2);
  }
  SECTION("the new key signs") {
    const Resumption fresh = visit(pair);
    config.token_secrets = {std::string(32, '2')};
    pair.restart_server(config);
    pair.establish("localhost", {.resumption = fresh});
    CHECK(retries(pair) == 0);
    pair.establish("localhost", {.resumption = old});
    CHECK(retries(pair) == 1);
  }
  SECTION("four replacements later it is forgotten") {
    for (const char key : {'3', '4', '5'}) replace({std::string(32, key)});
    pair.establish("localhost", {.resumption = old});
    CHECK(retries(pair) == 1);
    replace({std::string(32, '6')});
    pair.establish("localhost", {.resumption = old});
    CHECK(retries(pair) == 2);
  }
  SECTION("a Retry that was under way when the key was replaced is answered") {
    const std::vector<std::byte> with_token = answer_to_retry(pair);
    replace({std::string(32, '3')});
    pair.inject(pair.server, pair.client.address, with_token);
    CHECK(pair.server.endpoint->stats().connections_accepted == 2);
  }
}

TEST_CASE("a process that has got the next key beforehand takes tokens of one that signs with it") {
  quic::Config config = strict_config();
  config.token_secrets = {std::string(32, '2')};
  Pair pair{{.server = config}};
  const Resumption kept = visit(pair);
  config.token_secrets = {std::string(32, '1'), std::string(32, '2')};
  pair.restart_server(config);
  pair.establish("localhost", {.resumption = kept});
  CHECK(retries(pair) == 0);
}

TEST_CASE("token keys that are too short, too many or none at all are refused and change nothing") {
  Pair pair{{.server = strict_config()}};
  const Resumption kept = visit(pair);
  quic::Endpoint& endpoint = *pair.server.endpoint;
  const Error wrong{UsageError::invalid_argument};
  CHECK(endpoint.set_token_secrets({}, pair.now()).error() == wrong);
  CHECK(endpoint.set_token_secrets({std::string(31, 'x')}, pair.now()).error() == wrong);
  CHECK(endpoint.set_token_secrets(std::vector(5, std::string(32, 'x')), pair.now()).error() ==
        wrong);
  pair.establish("localhost", {.resumption = kept});
  CHECK(retries(pair) == 1);
}

TEST_CASE("a Retry token is worth nothing from another address, and once more changes nothing") {
  Pair pair{{.server = strict_config()}};
  const std::vector<std::byte> with_token = answer_to_retry(pair);
  quic::Endpoint& endpoint = *pair.server.endpoint;
  SECTION("another address, and another port") {
    std::size_t refusals = 0;
    pair.filter = [&](const Side& from, const Packet&) {
      refusals += &from == &pair.server ? 1 : 0;
      return false;
    };
    for (const char* from : {"198.51.100.7:50000", "192.0.2.2:50001"}) {
      pair.inject(pair.server, Address::parse(from).value(), with_token);
    }
    pair.run_for(1ms);
    CHECK(endpoint.stats().connections_accepted == 0);
    CHECK(endpoint.stats().tokens_refused == 2);
    CHECK(refusals == 2);  // INVALID_TOKEN, so that an honest client does not wait in vain
  }
  SECTION("replayed while the connection is there it goes to that connection") {
    for (int i = 0; i < 5; ++i) {
      pair.inject(pair.server, pair.client.address, with_token);
    }
    CHECK(endpoint.stats().connections_accepted == 1);
    CHECK(endpoint.stats().connections == 1);
    pair.inject(pair.server, Address::parse("198.51.100.7:50000").value(), with_token);
    CHECK(endpoint.stats().connections_accepted == 1);
  }
  SECTION("with another connection ID it proves nothing") {
    std::vector<std::byte> other = with_token;
    other.at(long_header_ids + 1) ^= std::byte{1};
    pair.inject(pair.server, pair.client.address, other);
    CHECK(endpoint.stats().connections_accepted == 0);
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
    "100,000 first packets from forged addresses are answered with Retry, in bounded memory, and "
    "an honest client comes through") {
  quic::Config config = test_config();
  config.retry_threshold = 3;
  config.stateless_per_second = 1000;
  Pair pair{{.server = config}};
  constexpr std::uint64_t flood = 100'000;
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
  std::vector<Address> forged;
  for (int i = 0; i < 250; ++i) {
    forged.push_back(Address::parse("203.0.113." + std::to_string(i) + ":40000").value());
  }
  const std::size_t before = allocated();
  for (std::uint64_t i = 0; i < flood; ++i) {
    packet[long_header_ids + 1] = static_cast<std::byte>(i & 0xffU);
    packet[long_header_ids + 2] = static_cast<std::byte>(i >> 8U & 0xffU);
    packet[long_header_ids + 3] = static_cast<std::byte>(i >> 16U);
    pair.inject(pair.server, forged[i % forged.size()], packet);
  }
  pair.run_for(1ms);
  CHECK(allocated() < before + 1'000'000);  // ten bytes for each would be as much
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
  std::string_view kind;
  SECTION("a refusal") {
    kind = "refusal";
    config.max_connections = 1;
  }
  SECTION("a version negotiation") { kind = "version negotiation"; }
  SECTION("a Retry") {
    kind = "Retry";
    config.retry = RetryPolicy::always;
  }
  SECTION("a first flight, which stops until more has come") { kind = "first flight"; }
  INFO(kind);
  Pair pair{{.server = config}};
  if (config.max_connections == 1) pair.establish();
  std::vector<std::byte> initial = first_datagram(pair);
  if (kind == "version negotiation") initial.at(1) = std::byte{0x1a};
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
  CHECK(pair.server.endpoint->stats().version_negotiations_sent ==
        (kind == "version negotiation" ? 1 : 0));
}

TEST_CASE(
    "version negotiation is never more than three times what asked for it, nor than allowed") {
  quic::Config config = test_config();
  config.stateless_per_second = 100;
  Pair pair{{.server = config}};
  std::vector<std::byte> initial = first_datagram(pair);
  initial.at(1) = std::byte{0x1a};
  std::size_t received = 0;
  std::size_t sent = 0;
  pair.filter = [&](const Side& from, const Packet& packet) {
    if (&from == &pair.server) sent += packet.payload.size();
    return false;
  };
  const Address victim = Address::parse("203.0.113.9:40000").value();
  // With all lengths of connection IDs that there can be, of which both are sent back.
  for (std::size_t length = 0; length <= 255; ++length) {
    initial.at(long_header_ids) = static_cast<std::byte>(length);
    for (std::size_t size : {std::size_t{100}, std::size_t{1199}, initial.size()}) {
      pair.inject(pair.server, victim, std::span{initial}.first(size));
      received += size;
    }
    pair.run_for(1ms);
    CHECK(sent <= 3 * received);
  }
  const quic::EndpointStats stats = pair.server.endpoint->stats();
  CHECK(stats.version_negotiations_sent > 100);
  CHECK(stats.version_negotiations_sent <= 230);
  CHECK(stats.connections_accepted == 0);
}

}  // namespace quoin::test
