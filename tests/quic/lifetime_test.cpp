// SPDX-License-Identifier: MIT
/// How connections end: time-outs, closing, draining, stateless resets.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"

namespace {

using namespace std::chrono_literals;
using quoin::Error;
using quoin::LocalError;
using quoin::UsageError;
using quoin::quic::State;
using quoin::quic::StreamId;
using quoin::test::Packet;
using quoin::test::Pair;
using quoin::test::pattern;
using quoin::test::Side;
using quoin::test::test_config;

Error goodbye() { return {Error::Domain::application, 0x1234, "good bye"}; }

// RFC 9000 §10.1.
TEST_CASE("a silent connection ends after the smaller idle time-out, without a packet") {
  auto config = test_config();
  config.max_idle_timeout = 5s;
  Pair pair{{.client = config}};
  pair.establish();
  pair.run_for(200ms);
  const auto sent = pair.client.packets_sent + pair.server.packets_sent;
  const auto start = pair.now();
  REQUIRE(pair.run_until([&] { return pair.client.closed && pair.server.closed; }, 20s));
  CHECK(*pair.client.closed == Error{LocalError::idle_timeout});
  CHECK(*pair.server.closed == Error{LocalError::idle_timeout});
  CHECK(pair.now() - start <= 5s);
  CHECK(pair.now() - start >= 4s);
  CHECK(pair.client.packets_sent + pair.server.packets_sent == sent);
  pair.run_for(1s);
  CHECK(pair.client.endpoint->stats().connections == 0);
  CHECK(pair.server.endpoint->stats().connections == 0);
}

TEST_CASE("a client goes on with its handshake through more silence than the idle time-out") {
  auto config = test_config();
  config.max_idle_timeout = 5s;
  config.handshake_timeout = 60s;
  Pair pair{{.client = config}};
  pair.filter = [&](const Side&, const Packet&) { return pair.client.packets_sent > 4; };
  const auto start = pair.now();
  pair.connect();
  REQUIRE(pair.run_until([&] { return pair.client.is_connected() && pair.server.is_connected(); },
                         60s));
  CHECK(pair.now() - start > 10s);

  const auto connected = pair.now();
  REQUIRE(pair.run_until([&] { return pair.client.closed && pair.server.closed; }, 20s));
  CHECK(*pair.client.closed == Error{LocalError::idle_timeout});
  CHECK(*pair.server.closed == Error{LocalError::idle_timeout});
  CHECK(pair.now() - connected < 6s);
}

TEST_CASE("keep-alive keeps a silent connection up") {
  auto config = test_config();
  config.max_idle_timeout = 5s;
  config.keep_alive = 2s;
  Pair pair{{.client = config}};
  pair.establish();
  pair.run_for(60s);
  CHECK(pair.client.live().state() == State::connected);
  CHECK(pair.server.live().state() == State::connected);
}

TEST_CASE("keep-alive does not hold a connection to a peer that is gone") {
  auto config = test_config();
  config.max_idle_timeout = 5s;
  config.keep_alive = 2s;
  Pair pair{{.client = config}};
  pair.establish();
  pair.filter = [](const Side&, const Packet&) { return false; };
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 30s));
  CHECK(*pair.client.closed == Error{LocalError::idle_timeout});
}

// RFC 9000 §10.2.1.
TEST_CASE("the peer of a side that closes learns code and reason, and both forget the connection") {
  Pair pair;
  pair.establish();
  pair.run_for(100ms);
  const auto client = *pair.client.connection;
  const auto server = *pair.server.connection;
  pair.client.live().close(goodbye());
  REQUIRE(pair.run_until([&] { return pair.server.closed.has_value(); }, 1s));
  CHECK(*pair.server.closed == goodbye());
  CHECK(pair.server.closed->detail() == "good bye");
  CHECK(*pair.client.closed == goodbye());
  CHECK(pair.client.endpoint->find(client)->state() == State::closing);
  pair.run_for(2s);
  CHECK(pair.client.endpoint->find(client) == nullptr);
  CHECK(pair.server.endpoint->find(server) == nullptr);
  CHECK(pair.client.endpoint->stats().connections == 0);
  CHECK(pair.server.endpoint->stats().connections == 0);
}

// RFC 9000 §10.2.2.
TEST_CASE("of a connection that its peer closed only the IDs stay, for a while") {
  Pair pair;
  pair.establish();
  pair.run_for(100ms);
  const auto server = *pair.server.connection;
  std::optional<Packet> late;
  pair.filter = [&](const Side& from, const Packet& packet) {
    if (&from != &pair.client || late) return true;
    late = packet;
    return false;
  };
  const StreamId id = pair.client.streams().open(true).value();
  (void)pair.client.streams().write(id, quoin::as_bytes(pattern(1000)), true);
  REQUIRE(pair.run_until([&] { return late.has_value(); }, 1s));
  pair.client.live().close(goodbye());
  REQUIRE(pair.run_until([&] { return pair.server.closed.has_value(); }, 1s));
  pair.run_for(1ms);
  CHECK(pair.server.endpoint->find(server) == nullptr);
  CHECK(pair.server.endpoint->stats().connections == 0);

  const auto dropped = pair.server.endpoint->stats().datagrams_dropped;
  pair.inject(pair.server, late->path.remote, late->payload);
  pair.run_for(1ms);
  CHECK(pair.server.endpoint->stats().datagrams_dropped == dropped + 1);
  CHECK(pair.server.endpoint->stats().stateless_resets_sent == 0);

  pair.run_for(2s);
  pair.inject(pair.server, late->path.remote, late->payload);
  pair.run_for(1ms);
  CHECK(pair.server.endpoint->stats().stateless_resets_sent == 1);
}

// RFC 9000 §10.2.1.
TEST_CASE("a side that missed the end is told again, less and less often") {
  Pair pair;
  pair.establish();
  pair.run_for(100ms);
  // The server does not hear of the end, and goes on sending.
  pair.filter = [&](const Side& from, const Packet&) { return &from == &pair.server; };
  const StreamId id = pair.server.streams().open(true).value();
  const std::string text = pattern(200'000);
  (void)pair.server.streams().write(id, quoin::as_bytes(text), false);
  pair.client.live().close(goodbye());
  const auto bytes_before = pair.client.bytes_sent;
  const auto packets_before = pair.client.packets_sent;
  const auto received_before = pair.server.bytes_sent;
  pair.run_for(20ms);
  const auto answers = pair.client.packets_sent - packets_before;
  CHECK(answers >= 2);
  CHECK(answers <= 10);
  CHECK(pair.client.bytes_sent - bytes_before <= 3 * (pair.server.bytes_sent - received_before));
}

TEST_CASE("nothing can be done on a connection that is closed") {
  Pair pair;
  pair.establish();
  pair.client.live().close(goodbye());
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 1s));
  auto& connection = pair.client.live();
  CHECK(connection.open_stream(true).error() == Error{UsageError::closed});
  CHECK(connection.send_datagram(quoin::as_bytes("x")).error() == Error{UsageError::closed});
  CHECK(connection.migrate(pair.client.address, pair.now()).error() == Error{UsageError::closed});
  CHECK(connection.update_keys(pair.now()).error() == Error{UsageError::closed});
  connection.close({quoin::TransportError::internal_error});
  CHECK(connection.close_reason() == goodbye());
  CHECK(pair.client.streams().open(true).error() == Error{UsageError::closed});
}

TEST_CASE("a server that closes in the middle of a transfer ends it on both sides") {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.streams().open(true).value();
  const std::string text = pattern(200'000);
  (void)pair.client.streams().write(id, quoin::as_bytes(text), true);
  pair.run_for(25ms);
  pair.server.live().close(goodbye());
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 1s));
  CHECK(*pair.client.closed == goodbye());
  CHECK_FALSE(pair.server.finished.contains(id));
  pair.run_for(2s);
  CHECK(pair.server.endpoint->stats().connections == 0);
}

// RFC 9000 §10.3.1, §10.3.2.
TEST_CASE("a server that has lost its state resets the connection") {
  Pair pair;
  pair.establish();
  pair.run_for(100ms);
  pair.restart_server();
  const StreamId id = pair.client.streams().open(true).value();
  (void)pair.client.streams().write(id, quoin::as_bytes(pattern(1000)), true);
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 10s));
  CHECK(*pair.client.closed == Error{LocalError::stateless_reset});
  CHECK(pair.server.endpoint->stats().stateless_resets_sent >= 1);
  pair.run_for(2s);
  CHECK(pair.client.endpoint->stats().connections == 0);
}

TEST_CASE("a server that has lost its state resets a connection that has moved") {
  Pair pair;
  pair.establish();
  pair.run_for(100ms);
  const quoin::Address elsewhere = pair.client.address.with_port(4444);
  REQUIRE(pair.client.live().migrate(elsewhere, pair.now()));
  REQUIRE(pair.run_until([&] { return pair.client.live().path().local == elsewhere; }, 1s));
  pair.run_for(1s);  // the connection ID of the old path is retired, its reset token with it
  pair.restart_server();
  const StreamId id = pair.client.streams().open(true).value();
  (void)pair.client.streams().write(id, quoin::as_bytes(pattern(1000)), true);
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 10s));
  CHECK(*pair.client.closed == Error{LocalError::stateless_reset});
}

// RFC 9000 §10.3.1.
TEST_CASE("a token at the end of a packet from elsewhere resets nothing") {
  Pair pair;
  std::vector<std::byte> reset;
  pair.establish();
  pair.run_for(100ms);
  pair.restart_server();
  pair.filter = [&](const Side& from, const Packet& packet) {
    if (&from != &pair.server) return true;
    reset.assign(packet.payload.begin(), packet.payload.end());
    return false;
  };
  const StreamId id = pair.client.streams().open(true).value();
  (void)pair.client.streams().write(id, quoin::as_bytes(pattern(1000)), true);
  REQUIRE(pair.run_until([&] { return !reset.empty(); }, 10s));
  pair.inject(pair.client, pair.server.address.with_port(4445), reset);
  CHECK_FALSE(pair.client.closed.has_value());
  pair.inject(pair.client, pair.server.address, reset);
  pair.run_for(2s);
  CHECK(pair.client.closed == Error{LocalError::stateless_reset});
}

}  // namespace
