// SPDX-License-Identifier: MIT
/// Coming back: session tickets, early data, address tokens, and what they are bound to.

#include <chrono>
#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/resumption.hpp>

#include "support/certs.hpp"
#include "support/pair.hpp"

namespace {

using namespace std::chrono_literals;
using quoin::quic::ConnectOptions;
using quoin::quic::Resumption;
using quoin::quic::State;
using quoin::test::Pair;

/// Connects, and takes home what the server gives for the next time.
Resumption first_visit(Pair& pair) {
  pair.establish();
  REQUIRE(pair.run_until([&pair] { return pair.client.live().resumption().has_value(); }, 1s));
  pair.run_for(200ms);  // the address token comes in a packet of its own
  const Resumption kept = pair.client.live().resumption().value();
  pair.client.live().close({});
  pair.run_for(5s);
  return kept;
}

}  // namespace

// RFC 8446 §2.2.
TEST_CASE("A session is resumed with the ticket of the one before") {
  Pair pair;
  const Resumption kept = first_visit(pair);
  REQUIRE_FALSE(kept.empty());

  pair.establish("localhost", {.resumption = kept});

  CHECK(pair.client.live().tls().resumed);
  CHECK(pair.server.live().tls().resumed);
}

TEST_CASE("A ticket survives being written to a file and read again") {
  Pair pair;
  const Resumption kept = first_visit(pair);

  const auto again = Resumption::parse(quoin::as_bytes(kept.serialize()));

  REQUIRE(again);
  CHECK(*again == kept);
  CHECK_FALSE(Resumption::parse(quoin::as_bytes(kept.serialize().substr(1))));
  CHECK_FALSE(Resumption::parse(quoin::as_bytes(kept.serialize() + "x")));
  CHECK_FALSE(Resumption::parse(quoin::as_bytes(std::string_view{kept.serialize()}.substr(0, 40))));
  CHECK_FALSE(Resumption::parse({}));
}

TEST_CASE("A ticket is not used with another server name") {
  Pair pair;
  const Resumption kept = first_visit(pair);

  pair.establish("127.0.0.1", {.resumption = kept});

  CHECK_FALSE(pair.client.live().tls().resumed);
}

TEST_CASE("A ticket that is rubbish costs a full handshake, nothing more") {
  Pair pair;
  std::string text = first_visit(pair).serialize();
  for (std::size_t at = text.size() / 3; at < text.size() / 2; ++at) {
    text[at] = static_cast<char>(text[at] ^ 0x55);
  }
  if (const auto broken = Resumption::parse(quoin::as_bytes(text))) {
    pair.establish("localhost", {.resumption = *broken});
    CHECK_FALSE(pair.client.live().tls().resumed);
  }
}

TEST_CASE("Early data arrive with the first flight") {
  quoin::test::PairOptions options;
  options.server.early_data = true;
  Pair pair{options};
  const Resumption kept = first_visit(pair);
  pair.server.received.clear();

  pair.connect("localhost", {.resumption = kept, .early_data = true});
  REQUIRE(pair.client.live().is_early());
  const auto id = pair.client.streams().open(true).value();
  quoin::test::Upload upload{id, "early"};
  upload.pump(pair.client.streams());
  const quoin::Time begun = pair.now();

  REQUIRE(pair.run_until([&] { return pair.server.received[id] == "early"; }, 1s));
  CHECK(pair.now() - begun < 15ms);  // one way is 10 ms
  REQUIRE(pair.run_until([&] { return pair.client.is_connected(); }, 1s));
  CHECK_FALSE(pair.client.live().is_early());
}

// RFC 9001 §4.6.2.
TEST_CASE("Early data that the server refuses are reported and can be sent again") {
  quoin::test::PairOptions options;
  options.server.early_data = true;
  Pair pair{options};
  const Resumption kept = first_visit(pair);
  options.server.secret = std::string(32, 'x');  // other ticket keys
  pair.restart_server(options.server);

  pair.connect("localhost", {.resumption = kept, .early_data = true});
  const auto early = pair.client.streams().open(true).value();
  quoin::test::Upload upload{early, "early"};
  upload.pump(pair.client.streams());
  REQUIRE(pair.run_until([&] { return pair.client.is_connected(); }, 1s));

  CHECK(pair.client.count(quoin::quic::StreamEvent::Type::early_data_rejected) == 1);
  const auto late = pair.client.streams().open(true).value();
  quoin::test::Upload again{late, "again"};
  again.pump(pair.client.streams());
  REQUIRE(pair.run_until([&] { return pair.server.received[late] == "again"; }, 1s));
}

// RFC 9001 §4.6.1.
TEST_CASE("A server allows no early data unless it is told to") {
  Pair pair;
  const Resumption kept = first_visit(pair);

  pair.connect("localhost", {.resumption = kept, .early_data = true});

  CHECK_FALSE(pair.client.live().is_early());
}

// RFC 9000 §8.1.3.
TEST_CASE("An address token of an earlier connection spares the Retry") {
  quoin::test::PairOptions options;
  options.server.retry = quoin::quic::RetryPolicy::always;
  Pair pair{options};
  const Resumption kept = first_visit(pair);
  REQUIRE(pair.server.endpoint->stats().retries_sent == 1);

  pair.establish("localhost", {.resumption = kept});

  CHECK(pair.server.endpoint->stats().retries_sent == 1);
}

// RFC 9368 §2.3, RFC 9369.
TEST_CASE("The version is the server's choice among those the client speaks") {
  using quoin::quic::Version;
  quoin::test::PairOptions options;
  options.server.versions = {Version::v2, Version::v1};
  Pair pair{options};

  pair.establish();

  CHECK(pair.client.live().version() == Version::v2);
  CHECK(pair.server.live().version() == Version::v2);
}

// RFC 9000 §6.2.
TEST_CASE("A client that speaks none of the server's versions is told so") {
  using quoin::quic::Version;
  quoin::test::PairOptions options;
  options.server.versions = {Version::v2};
  options.client.versions = {Version::v1};
  Pair pair{options};

  pair.connect();
  REQUIRE(pair.run_until([&pair] { return pair.client.closed.has_value(); }, 5s));

  CHECK(*pair.client.closed == quoin::Error{quoin::LocalError::version_negotiation});
}
