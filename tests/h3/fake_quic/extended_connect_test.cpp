// SPDX-License-Identifier: MIT
/// Extended CONNECT (RFC 9220): only where the server offers it, and then both ways for as long as
/// either side likes.
#include <algorithm>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>

#include "session_pair.hpp"

using namespace quoin;
using namespace quoin::test;

namespace {

const Headers tunnel{{":method", "CONNECT"},
                     {":protocol", "websocket"},
                     {":scheme", "https"},
                     {":authority", "a.example"},
                     {":path", "/chat"}};

h3::Config offering() {
  h3::Config config;
  config.extended_connect = true;
  return config;
}

}  // namespace

TEST_CASE("Extended CONNECT opens a stream on which both sides write when they like") {
  SessionPair pair{{}, offering(), {}};
  pair.run();
  const StreamId id = pair.request(tunnel, true);
  pair.server.on_headers = [&](StreamId stream, Exchange&) {
    REQUIRE(pair.server.session.respond(stream, {{":status", "200"}}, true));
  };
  pair.run();
  CHECK(pair.server.exchanges[id].headers.get(":protocol") == "websocket");
  CHECK(pair.server.exchanges[id].headers.get(":path") == "/chat");
  CHECK(pair.client.exchanges[id].headers.get(":status") == "200");
  for (int round = 0; round < 3; ++round) {
    CHECK(pair.client.session.write(id, as_bytes("up"), false) == 2);
    pair.run();
    CHECK(pair.server.session.write(id, as_bytes("down"), false) == 4);
    pair.run();
  }
  CHECK(pair.server.exchanges[id].body == "upupup");
  CHECK(pair.client.exchanges[id].body == "downdowndown");
  (void)pair.server.session.write(id, Bytes{}, true);
  (void)pair.client.session.write(id, Bytes{}, true);
  pair.run();
  CHECK(pair.client.exchanges[id].closed == Error{HttpError::no_error});
  CHECK(pair.server.exchanges[id].closed == Error{HttpError::no_error});
}

// RFC 8441 §3, RFC 9220 §3.
TEST_CASE("Extended CONNECT waits for the server's settings and is told when they have come") {
  SessionPair pair{{}, offering(), {}};
  const auto early = pair.client.session.request(tunnel, true);
  REQUIRE(!early);
  CHECK(early.error() == Error{UsageError::limit_reached});
  pair.run();
  CHECK(std::ranges::find(pair.client.types, Event::Type::streams_available) !=
        pair.client.types.end());
  CHECK(pair.client.session.request(tunnel, true));
  pair.run();
}

TEST_CASE("A server that does not offer extended CONNECT is not asked for it") {
  SessionPair pair;
  pair.run();
  const auto id = pair.client.session.request(tunnel, true);
  REQUIRE(!id);
  CHECK(id.error() == Error{UsageError::unsupported});
  CHECK(pair.server.types == std::vector{Event::Type::connected});
}
