// SPDX-License-Identifier: MIT
/// What a server answers to strangers, and what injected datagrams do to a live connection.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;
using quoin::Address;
using quoin::as_bytes;
using quoin::Error;
using quoin::LocalError;
using quoin::quic::RetryPolicy;
using quoin::quic::State;
using quoin::quic::StreamId;
using quoin::test::Packet;
using quoin::test::Pair;
using quoin::test::PairOptions;
using quoin::test::pattern;
using quoin::test::Side;
using quoin::test::test_config;

/// A pair whose server's answers are kept and not delivered.
struct Door {
  explicit Door(const quoin::quic::Config& config = test_config())
      : pair(PairOptions{.server = config}) {
    pair.filter = [this](const Side& from, const Packet& packet) {
      (&from == &pair.server ? answers : initials).push_back(packet);
      return false;
    };
  }

  void knock(std::string_view text, const Address& from) {
    pair.inject(pair.server, from, as_bytes(text));
    pair.run_for(1ms);
  }

  void knock(std::string_view text) { knock(text, pair.client.address); }

  /// The first datagram of a new client.
  std::string initial() {
    initials.clear();
    pair.connect();
    pair.run_for(1ms);
    REQUIRE_FALSE(initials.empty());
    return std::string{quoin::as_text(initials.front().payload)};
  }

  Pair pair;
  std::vector<Packet> answers;
  std::vector<Packet> initials;
};

/// A long header of a version that nobody speaks, padded to `size`.
std::string unknown_version(std::size_t size) {
  std::string packet =
      "\xc3\x1a\x2a\x3a\x4a\x08"
      "destinat"
      "\x05"
      "sourc";
  packet.resize(size, '\0');
  return packet;
}

/// A short header with a connection ID that nobody has.
std::string stray(std::size_t size) {
  std::string packet = pattern(size, 9);
  packet.at(0) = '\x45';
  return packet;
}

// RFC 9000 §6.1.
TEST_CASE("an unknown version is answered with those we speak, its connection ids swapped") {
  Door door;
  door.knock(unknown_version(1200));
  REQUIRE(door.answers.size() == 1);
  const std::string_view answer = quoin::as_text(door.answers[0].payload);
  CHECK((static_cast<unsigned char>(answer.at(0)) & 0x80) != 0);
  CHECK(answer.substr(1, 4) == "\0\0\0\0"sv);
  CHECK(answer.substr(5, 15) ==
        "\x05"
        "sourc"
        "\x08"
        "destinat"sv);
  CHECK((answer.size() - 20) % 4 == 0);
  CHECK(answer.substr(20).contains("\0\0\0\x01"sv));
  CHECK(door.pair.server.endpoint->stats().version_negotiations_sent == 1);
  CHECK(door.pair.server.endpoint->stats().connections == 0);
}

TEST_CASE("an unknown version in a small datagram is not answered") {
  Door door;
  door.knock(unknown_version(1199));
  CHECK(door.answers.empty());
}

TEST_CASE("a version negotiation packet is never answered with another") {
  Door door;
  std::string packet = unknown_version(1200);
  packet.replace(1, 4, "\0\0\0\0"sv);
  door.knock(packet);
  CHECK(door.answers.empty());
}

TEST_CASE("a client that is offered no version of its own gives up and says why") {
  Door door;
  const std::string initial = door.initial();
  // The client's ids, swapped; then one version that it does not speak.
  const auto dcid_size = static_cast<unsigned char>(initial.at(5));
  const std::string_view dcid{initial.data() + 6, dcid_size};
  const auto scid_size = static_cast<unsigned char>(initial.at(6 + dcid_size));
  const std::string_view scid{initial.data() + 7 + dcid_size, scid_size};
  std::string answer = "\xc0"s + std::string(4, '\0');
  answer.append(1, static_cast<char>(scid_size)).append(scid);
  answer.append(1, static_cast<char>(dcid_size)).append(dcid);
  SECTION("only an unknown one") {
    answer += "\x1a\x2a\x3a\x4a";
    door.pair.inject(door.pair.client, door.pair.server.address, as_bytes(answer));
    door.pair.run_for(1s);
    REQUIRE(door.pair.client.closed.has_value());
    CHECK(*door.pair.client.closed == Error{LocalError::version_negotiation});
  }
  SECTION("the one it has tried: somebody makes fun of it") {
    answer += "\x1a\x2a\x3a\x4a"s + initial.substr(1, 4);
    door.pair.inject(door.pair.client, door.pair.server.address, as_bytes(answer));
    door.pair.run_for(1s);
    CHECK_FALSE(door.pair.client.closed.has_value());
  }
}

TEST_CASE("stateless answers are limited in number") {
  auto config = test_config();
  config.stateless_per_second = 10;
  Door door{config};
  for (int i = 0; i < 1000; ++i) {
    door.pair.inject(door.pair.server, door.pair.client.address, as_bytes(unknown_version(1200)));
  }
  door.pair.run_for(1ms);
  CHECK_FALSE(door.answers.empty());
  CHECK(door.answers.size() <= 20);
  CHECK(door.pair.server.endpoint->stats().stateless_suppressed >= 980);
}

// RFC 9000 §14.1.
TEST_CASE("an Initial in a datagram below 1200 bytes is dropped without an answer") {
  Door door;
  const std::string initial = door.initial();
  door.knock(initial.substr(0, 1199));
  CHECK(door.answers.empty());
  CHECK(door.pair.server.endpoint->stats().connections == 0);
}

TEST_CASE("ports that are used for reflection get no answer") {
  Door door;
  const std::string initial = door.initial();
  for (const unsigned port : {0U, 19U, 53U, 123U, 1023U, 1900U, 5353U, 11211U, 20800U, 27015U}) {
    CAPTURE(port);
    const Address from = door.pair.client.address.with_port(static_cast<std::uint16_t>(port));
    door.knock(initial, from);
    door.knock(unknown_version(1200), from);
    door.knock(stray(100), from);
    CHECK(door.answers.empty());
  }
  CHECK(door.pair.server.endpoint->stats().connections == 0);
}

// RFC 9000 §10.3.3.
TEST_CASE("a stray packet is answered with a smaller reset, so that two servers fall silent") {
  Door door;
  std::string packet = stray(1000);
  int rounds = 0;
  while (++rounds < 1000) {
    door.answers.clear();
    door.knock(packet);
    if (door.answers.empty()) break;
    REQUIRE(door.answers.size() == 1);
    CHECK(door.answers[0].payload.size() < packet.size());
    CHECK(door.answers[0].payload.size() >= 21);
    packet = quoin::as_text(door.answers[0].payload);
  }
  CHECK(rounds >= 2);
  CHECK(rounds < 1000);
}

TEST_CASE("too small a stray packet is not answered") {
  Door door;
  for (std::size_t size = 1; size <= 21; ++size) door.knock(stray(size));
  CHECK(door.answers.empty());
}

// RFC 9000 §8.1.
TEST_CASE("a server sends at most three times what an unproven client has sent") {
  Pair pair;
  pair.filter = [&](const Side& from, const Packet&) {
    return &from == &pair.client && pair.client.packets_sent == 1;
  };
  pair.connect();
  pair.run_for(20s);
  CHECK(pair.server.bytes_sent > 0);
  // The client's first flight may have more than one datagram; only the first has arrived.
  CHECK(pair.server.bytes_sent <= std::size_t{3} * 1200);
}

// RFC 9000 §8.1.2.
TEST_CASE("with Retry a client proves its address first, which costs one round trip") {
  auto config = test_config();
  config.retry = RetryPolicy::always;
  Pair pair{{.server = config}};
  const auto start = pair.now();
  pair.establish();
  CHECK(pair.now() - start >= 50ms);
  CHECK(pair.server.endpoint->stats().retries_sent == 1);
  CHECK(pair.server.endpoint->stats().connections_accepted == 1);
}

TEST_CASE("Retry takes over when many handshakes are in flight") {
  auto config = test_config();
  config.retry = RetryPolicy::on_load;
  config.retry_threshold = 4;
  Door door{config};
  for (int i = 0; i < 10; ++i) {
    const std::string initial = door.initial();
    door.knock(initial);
  }
  CHECK(door.pair.server.endpoint->stats().handshakes == 4);
  CHECK(door.pair.server.endpoint->stats().retries_sent == 6);
}

// RFC 9000 §8.1.4.
TEST_CASE("a token is worth nothing from another address, and nothing when it was changed") {
  auto config = test_config();
  config.retry = RetryPolicy::always;
  Pair pair{{.server = config}};
  std::optional<Packet> with_token;
  pair.filter = [&](const Side& from, const Packet& packet) {
    if (&from == &pair.client && pair.server.endpoint->stats().retries_sent == 1) {
      if (!with_token) with_token = packet;
      return false;
    }
    return true;
  };
  pair.connect();
  REQUIRE(pair.run_until([&] { return with_token.has_value(); }, 2s));
  auto changed = with_token->payload;
  SECTION("from another address") {
    pair.inject(pair.server, Address::parse("198.51.100.7:50000").value(), with_token->payload);
  }
  SECTION("changed in any bit") {
    // Somewhere in the token, which begins behind header, ids and the token's length.
    const auto dcid = static_cast<std::size_t>(changed.at(5));
    const auto scid = static_cast<std::size_t>(changed.at(6 + dcid));
    changed.at(7 + dcid + scid + 2 + 20) ^= std::byte{1};
    pair.inject(pair.server, pair.client.address, changed);
  }
  pair.run_for(1ms);
  CHECK(pair.server.endpoint->stats().connections_accepted == 0);
  CHECK(pair.server.endpoint->stats().connections == 0);
}

TEST_CASE("garbage, replays and flipped bits change nothing on a live connection") {
  Pair pair{{.seed = 11}};
  pair.establish();
  std::vector<Packet> seen;
  pair.filter = [&](const Side&, const Packet& packet) {
    if (seen.size() < 200) seen.push_back(packet);
    return true;
  };
  const StreamId id = pair.client.streams().open(true).value();
  const std::string text = pattern(200'000);
  REQUIRE(pair.client.streams().write(id, as_bytes(text), true) == text.size());
  auto& random = pair.random();
  const auto attack = [&](Side& to, const Address& from) {
    std::vector<std::byte> junk(random() % 1500);
    std::ranges::generate(junk, [&] { return static_cast<std::byte>(random()); });
    pair.inject(to, from, junk);
    if (seen.empty()) return;
    auto copy = seen[random() % seen.size()].payload;
    pair.inject(to, from, copy);
    copy.at(random() % copy.size()) ^= static_cast<std::byte>(1U << (random() % 8));
    pair.inject(to, from, copy);
    copy.resize(random() % copy.size());
    pair.inject(to, from, copy);
  };
  const Address stranger = Address::parse("198.51.100.7:50000").value();
  for (int i = 0; i < 300; ++i) {
    attack(pair.server, pair.client.address);
    attack(pair.client, pair.server.address);
    attack(pair.server, stranger);
    pair.run_for(500us);
  }
  REQUIRE(pair.run_until([&] { return pair.server.finished.contains(id); }, 20s));
  CHECK(pair.server.received[id] == text);
  CHECK(pair.client.live().state() == State::connected);
  CHECK(pair.client.live().path().remote == pair.server.address);
  CHECK_FALSE(pair.client.closed.has_value());
  CHECK_FALSE(pair.server.closed.has_value());
}

TEST_CASE("several answers without a connection can wait to be sent, each in its own memory") {
  Door door;
  auto& endpoint = *door.pair.server.endpoint;
  const std::string packet = unknown_version(1200);
  const quoin::Path path{.local = door.pair.server.address, .remote = door.pair.client.address};
  std::vector<std::vector<std::byte>> buffers(3, std::vector<std::byte>(65536));
  std::vector<quoin::Datagram> collected;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    endpoint.handle_datagram({.path = path, .payload = as_bytes(packet)}, door.pair.now());
  }
  for (auto& buffer : buffers) {
    const auto datagram = endpoint.poll_transmit(buffer, 1, door.pair.now());
    REQUIRE(datagram.has_value());
    CHECK(datagram->payload.data() == buffer.data());
    collected.push_back(*datagram);
  }
  for (const quoin::Datagram& answer : collected) {
    CHECK(quoin::as_text(answer.payload).substr(5, 15) ==
          "\x05"
          "sourc"
          "\x08"
          "destinat"sv);
  }
}

TEST_CASE("a first packet that cannot be read leaves nothing behind, and may come again") {
  quoin::quic::Config config = test_config();
  config.retry = RetryPolicy::never;
  Door door{config};
  // An Initial that claims to be longer than its datagram.
  std::string packet =
      "\xc3\0\0\0\1\x08"
      "destinat"
      "\x05"
      "sourc"
      "\0\x5f\xff"s;
  packet.resize(1200, 'x');
  for (int i = 0; i < 3; ++i) {
    door.knock(packet);
    door.pair.run_for(10s);
    CHECK(door.pair.server.endpoint->stats().connections == 0);
  }
  CHECK(door.pair.server.endpoint->stats().connections_accepted == 3);
}

}  // namespace
