// SPDX-License-Identifier: MIT
/// HTTP datagrams between two sessions, and such as no honest peer sends (RFC 9297).
#include <string>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>

#include "raw_peer.hpp"
#include "session_pair.hpp"

using namespace quoin;
using namespace quoin::test;

namespace {

using Texts = std::vector<std::string>;

h3::Config with_datagrams() {
  h3::Config config;
  config.datagrams = true;
  return config;
}

/// A server session whose client sends what a test wants.
struct RawClient {
  explicit RawClient(const h3::Config& config) : server(net.server(), config) {
    net.set_applications(raw, server.session);
    net.start();
    raw.open(false, control_stream());
    id = raw.open(
        true,
        headers({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
    net.pump();
    server.poll();
  }

  void send(const std::string& bytes) {
    REQUIRE(raw.connection().send_datagram(as_bytes(bytes)));
    net.pump();
  }

  FakeQuic net;
  RawPeer raw{net.client()};
  Side server;
  StreamId id{};
};

}  // namespace

TEST_CASE("Datagrams go both ways, each with the message that it belongs to") {
  SessionPair pair{with_datagrams()};
  const StreamId first = pair.request(get_request(), true);
  const StreamId second = pair.request(get_request(), true);
  pair.run();
  REQUIRE(pair.client.session.send_datagram(first, as_bytes("one")));
  REQUIRE(pair.client.session.send_datagram(second, as_bytes("two")));
  REQUIRE(pair.client.session.send_datagram(second, {}));
  REQUIRE(pair.server.session.send_datagram(second, as_bytes("back")));
  pair.run();
  CHECK(pair.server.exchanges[first].datagrams == Texts{"one"});
  CHECK(pair.server.exchanges[second].datagrams == Texts{"two", ""});
  CHECK(pair.client.exchanges[second].datagrams == Texts{"back"});
}

TEST_CASE("A datagram is as long as the path takes, less the number of its stream") {
  SessionPair pair{with_datagrams()};
  const StreamId id = pair.request(get_request(), true);
  CHECK(pair.client.session.max_datagram_size(id) == 0);  // the peer has not said anything yet
  pair.run();
  CHECK(pair.client.session.max_datagram_size(id) == 1199);
  CHECK(pair.client.session.send_datagram(id, as_bytes(std::string(1199, 'x'))));
  CHECK(pair.client.session.send_datagram(id, as_bytes(std::string(1200, 'x'))).error() ==
        Error{UsageError::too_large});
}

// RFC 9297 §2.1.1.
TEST_CASE("Nobody sends datagrams to a peer that does not take them") {
  SessionPair pair{with_datagrams(), {}, {}};
  const StreamId id = pair.request(get_request(), true);
  pair.run();
  CHECK(pair.client.session.send_datagram(id, {}).error() == Error{UsageError::unsupported});
  CHECK(pair.server.session.send_datagram(id, {}).error() == Error{UsageError::unsupported});
  CHECK(pair.client.session.max_datagram_size(id) == 0);
}

// RFC 9297 §2.1.
TEST_CASE("No datagram follows the end of what its sender says on the stream") {
  SessionPair pair{with_datagrams()};
  const StreamId id = pair.request(get_request(), true);
  pair.run();
  REQUIRE(pair.server.session.respond(id, {{":status", "200"}}, true));
  REQUIRE(pair.client.session.send_datagram(id, as_bytes("before")));
  CHECK(pair.client.session.write(id, Bytes{}, true) == 0);
  CHECK(pair.client.session.send_datagram(id, as_bytes("after")).error() ==
        Error{UsageError::closed});
  pair.run();
  CHECK(pair.server.exchanges[id].datagrams == Texts{"before"});
  REQUIRE(pair.server.session.send_datagram(id, as_bytes("the other way")));
  pair.run();
  CHECK(pair.server.session.write(id, Bytes{}, true) == 0);
  CHECK(pair.server.session.send_datagram(id, {}).error() == Error{UsageError::closed});
  pair.run();
  CHECK(pair.client.exchanges[id].datagrams == Texts{"the other way"});
}

TEST_CASE("Datagrams for messages that are over or unknown are dropped and counted") {
  RawClient world{with_datagrams()};
  world.send(varint(1) + "no such stream");
  world.send(varint((1ULL << 60U) - 1) + "nor this");
  world.server.session.cancel(world.id, HttpError::request_cancelled);
  world.send(varint(0) + "given up");
  world.server.poll();
  CHECK(world.server.exchanges[world.id].datagrams.empty());
  CHECK(world.server.session.datagrams_dropped() == 3);
  CHECK(!world.server.disconnected);
  CHECK(world.server.session.send_datagram(StreamId{400}, {}).error() ==
        Error{UsageError::stale_handle});
}

TEST_CASE("A flood of datagrams that nobody polls is bounded, and so is what was not asked for") {
  h3::Config config = with_datagrams();
  config.datagram_queue = 10;
  SECTION("more than wait") {
    RawClient world{config};
    for (int i = 0; i < 1000; ++i) world.send(varint(0) + std::to_string(i));
    CHECK(world.server.session.datagrams_dropped() == 990);
    world.server.poll();
    CHECK(world.server.exchanges[world.id].datagrams.size() == 10);
    world.send(varint(0) + "room again");
    world.server.poll();
    CHECK(world.server.exchanges[world.id].datagrams.back() == "room again");
  }
  SECTION("not offered") {
    config.datagrams = false;
    RawClient world{config};
    for (int i = 0; i < 1000; ++i) world.send(varint(0) + "x");
    CHECK(world.server.session.datagrams_dropped() == 1000);
    CHECK(!world.server.poll());
  }
}

// RFC 9297 §2.1, §5.2.
TEST_CASE("A datagram that names no stream closes the connection with H3_DATAGRAM_ERROR") {
  for (const std::string& bytes : {std::string{}, std::string(1, 0x40), varint(1ULL << 60U)}) {
    INFO("first of " << bytes.size() << " bytes");
    RawClient world{with_datagrams()};
    world.send(bytes);
    world.server.poll();
    CHECK(world.server.disconnected == Error{h3::datagram_error});
    CHECK(world.server.disconnected->name() == "H3_DATAGRAM_ERROR");
  }
}
