// SPDX-License-Identifier: MIT
/// How connections begin, in virtual time: two endpoints joined in memory.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"

namespace {

using namespace std::chrono_literals;
using quoin::Error;
using quoin::LocalError;
using quoin::UsageError;
using quoin::quic::State;
using quoin::test::Packet;
using quoin::test::Pair;
using quoin::test::Side;
using quoin::test::test_config;

TEST_CASE("a handshake takes one round trip and both sides know what was agreed on") {
  Pair pair;
  const auto start = pair.now();
  pair.connect();
  REQUIRE(pair.run_until([&] { return pair.client.is_connected(); }, 1s));
  // A round trip, and what pacing adds to the server's first flight.
  CHECK(pair.now() - start >= 20ms);
  CHECK(pair.now() - start < 25ms);
  REQUIRE(pair.run_until([&] { return pair.server.is_connected(); }, 1s));
  CHECK(pair.now() - start < 35ms);
  CHECK(pair.client.live().state() == State::connected);
  CHECK_FALSE(pair.client.live().is_server());
  CHECK(pair.server.live().is_server());
  CHECK(pair.client.live().alpn() == "test");
  CHECK(pair.server.live().alpn() == "test");
  CHECK(pair.client.live().tls().version == "TLSv1.3");
  CHECK(pair.server.live().tls().server_name == "localhost");
  CHECK(pair.client.live().path().remote == pair.server.address);
  CHECK(pair.server.live().path().remote == pair.client.address);
  CHECK(pair.server.endpoint->stats().connections_accepted == 1);
  CHECK(pair.server.endpoint->stats().handshakes_completed == 1);
  CHECK(pair.server.endpoint->stats().handshakes == 0);
}

// RFC 9002 §5.3.
TEST_CASE("the round-trip time is measured") {
  Pair pair{{.delay = 35ms}};
  pair.establish();
  CHECK(pair.client.live().stats().min_rtt >= 70ms);
  CHECK(pair.client.live().stats().min_rtt < 75ms);
}

// RFC 9525.
TEST_CASE("a client refuses a certificate for another name") {
  Pair pair;
  pair.connect("elsewhere.example");
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 5s));
  CHECK(*pair.client.closed == Error{LocalError::certificate_name});
  CHECK(pair.client.closed->detail().contains("elsewhere.example"));
  REQUIRE(pair.run_until([&] { return pair.server.closed.has_value(); }, 5s));
  CHECK(pair.server.closed->domain() == Error::Domain::tls);
}

// RFC 7301 §3.2.
TEST_CASE("sides without a common application protocol do not connect") {
  auto config = test_config();
  config.alpn = {"other"};
  Pair pair{{.client = config}};
  pair.connect();
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 5s));
  CHECK(*pair.client.closed == Error{Error::Domain::tls, 120});
}

// RFC 7301 §3.2.
TEST_CASE("the first common protocol of the server's list is taken") {
  auto client = test_config();
  client.alpn = {"a", "b", "c"};
  auto server = test_config();
  server.alpn = {"x", "c", "b"};
  Pair pair{{.client = client, .server = server}};
  pair.establish();
  CHECK(pair.client.live().alpn() == "c");
  CHECK(pair.server.live().alpn() == "c");
}

TEST_CASE("a server that never answers is told from one that stops answering") {
  const bool answers = GENERATE(false, true);
  CAPTURE(answers);
  auto config = test_config();
  config.retry = quoin::quic::RetryPolicy::always;
  Pair pair{{.server = config}};
  pair.filter = [&](const Side& from, const Packet&) {
    return &from == &pair.client || (answers && pair.server.packets_sent == 1);
  };
  const auto start = pair.now();
  pair.connect();
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 20s));
  CHECK(pair.now() - start >= 10s);
  CHECK(pair.now() - start < 11s);
  CHECK(*pair.client.closed ==
        Error{answers ? LocalError::handshake_timeout : LocalError::no_answer});
}

TEST_CASE("a handshake that a client leaves unfinished is dropped by the server") {
  Pair pair;
  pair.filter = [&](const Side& from, const Packet&) {
    return &from == &pair.server || pair.client.packets_sent <= 1;
  };
  pair.connect();
  pair.run_for(1s);
  CHECK(pair.server.endpoint->stats().handshakes == 1);
  pair.run_for(15s);
  CHECK(pair.server.endpoint->stats().handshakes == 0);
  CHECK(pair.server.endpoint->stats().connections == 0);
}

TEST_CASE("a handshake survives the loss of any one datagram") {
  for (std::uint64_t lost = 1; lost <= 8; ++lost) {
    CAPTURE(lost);
    Pair pair;
    std::uint64_t number = 0;
    pair.filter = [&](const Side&, const Packet&) { return ++number != lost; };
    pair.connect();
    CHECK(pair.run_until([&] { return pair.client.is_connected() && pair.server.is_connected(); },
                         5s));
  }
}

TEST_CASE("a handshake survives the loss of a third of all datagrams") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair pair{{.seed = seed, .loss = 0.3}};
    pair.connect();
    CHECK(pair.run_until([&] { return pair.client.is_connected() && pair.server.is_connected(); },
                         10s));
  }
}

TEST_CASE("connections beyond the configured number are refused") {
  auto config = test_config();
  config.max_connections = 1;
  Pair pair{{.server = config}};
  pair.establish();
  pair.connect();
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 15s));
  CHECK(*pair.client.closed == Error{quoin::TransportError::connection_refused});
  CHECK(pair.server.endpoint->stats().connections_refused >= 1);
  CHECK(pair.server.endpoint->stats().connections == 1);
}

// RFC 9000 §5.2.2.
TEST_CASE("a server that stopped accepting refuses new connections and keeps the old") {
  Pair pair;
  pair.establish();
  const auto old = *pair.server.connection;
  pair.server.endpoint->stop_accepting();
  pair.connect();
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 15s));
  CHECK(*pair.client.closed == Error{quoin::TransportError::connection_refused});
  REQUIRE(pair.server.endpoint->find(old) != nullptr);
  CHECK(pair.server.endpoint->find(old)->state() == State::connected);
}

TEST_CASE("a hundred connections of one endpoint do not get in each other's way") {
  Pair pair;
  std::vector<quoin::quic::ConnectionKey> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(pair.connect());
  REQUIRE(pair.run_until(
      [&] {
        return pair.client.count(quoin::quic::StreamEvent::Type::connected) == 100 &&
               pair.server.count(quoin::quic::StreamEvent::Type::connected) == 100;
      },
      5s));
  for (const auto id : ids) {
    REQUIRE(pair.client.endpoint->find(id) != nullptr);
    CHECK(pair.client.endpoint->find(id)->state() == State::connected);
  }
  CHECK(pair.client.endpoint->stats().connections == 100);
}

TEST_CASE("settings out of range are refused by the name of the member") {
  const auto refuse = [](auto change, std::string_view member) {
    auto config = test_config();
    change(config);
    const auto result = config.validate();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error() == Error{UsageError::invalid_argument});
    CHECK(result.error().detail().contains(member));
  };
  using quoin::quic::Config;
  refuse([](Config& c) { c.alpn.clear(); }, "alpn");
  refuse([](Config& c) { c.alpn = {""}; }, "alpn");
  refuse([](Config& c) { c.alpn = {std::string(256, 'a')}; }, "alpn");
  refuse([](Config& c) { c.handshake_timeout = 0s; }, "handshake_timeout");
  refuse([](Config& c) { c.max_idle_timeout = -1s; }, "max_idle_timeout");
  refuse([](Config& c) { c.stream_window = 0; }, "stream_window");
  refuse([](Config& c) { c.max_stream_window = c.stream_window - 1; }, "max_stream_window");
  refuse([](Config& c) { c.max_bidirectional_streams = (1U << 20U) + 1; },
         "max_bidirectional_streams");
  refuse([](Config& c) { c.datagram_queue = 0; }, "datagram_queue");
  refuse([](Config& c) { c.initial_rtt = 0s; }, "initial_rtt");
  refuse([](Config& c) { c.max_udp_payload = 1199; }, "max_udp_payload");
  refuse([](Config& c) { c.max_handshakes = 0; }, "max_handshakes");
  refuse([](Config& c) { c.max_connections = 0; }, "max_connections");
  refuse([](Config& c) { c.secret = "short"; }, "secret");
  refuse([](Config& c) { c.token_secrets = {"short"}; }, "token_secrets");
  refuse([](Config& c) { c.token_secrets.assign(5, std::string(32, 's')); }, "token_secrets");
  refuse([](Config& c) { c.retry_token_lifetime = 0s; }, "retry_token_lifetime");
  refuse([](Config& c) { c.retry_token_lifetime = 61s; }, "retry_token_lifetime");
  refuse([](Config& c) { c.address_token_lifetime = 1ms; }, "address_token_lifetime");
  refuse([](Config& c) { c.address_token_lifetime = 24h * 31; }, "address_token_lifetime");
  refuse([](Config& c) { c.initial_window = 2399; }, "initial_window");
  refuse([](Config& c) { c.initial_window = 1'048'577; }, "initial_window");
  CHECK(test_config().validate().has_value());
}

}  // namespace
