// SPDX-License-Identifier: MIT
/// QPACK between two sessions: which tables are used, and what never gets into them.
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/h3/session.hpp>

#include "raw_peer.hpp"
#include "session_pair.hpp"

using namespace quoin;
using namespace quoin::test;

TEST_CASE("Tables of any size that the peer allows are used as long as one likes") {
  // The required insert count is encoded modulo the peer's limit (RFC 9204 §4.5.1.1), which need
  // not be ours.
  for (const std::size_t capacity : {128U, 1000U, 65536U}) {
    INFO("capacity of the client's decoder: " << capacity);
    h3::Config config;
    config.qpack_capacity = capacity;
    SessionPair pair{config, {}, {}};
    pair.server.on_headers = [&](StreamId id, Exchange& exchange) {
      REQUIRE(pair.server.session.respond(
          id, {{":status", "200"}, {"server", exchange.headers.get(":path").value_or("")}}, false));
    };
    for (int i = 0; i < 300; ++i) {
      const std::string path = "/" + std::to_string(i);
      const StreamId id = pair.request(get_request(path));
      pair.run();
      INFO("request " << i);
      REQUIRE(pair.client.exchanges[id].headers.get("server").value_or("") == path);
      pair.client.exchanges.clear();
      pair.server.exchanges.clear();
    }
  }
}

TEST_CASE("With static tables only, a session neither offers nor uses a dynamic one") {
  h3::Config config;
  config.qpack_static_only = true;
  FakeQuic net;
  RawPeer raw{net.server()};
  Side client{net.client(), config};
  net.set_applications(client.session, raw);
  net.start();
  // SETTINGS_QPACK_MAX_TABLE_CAPACITY 4096 and SETTINGS_QPACK_BLOCKED_STREAMS 100.
  raw.open(false,
           varint(0) + frame(settings_frame, varint(1) + varint(4096) + varint(7) + varint(100)));
  net.pump();
  std::vector<std::string> sent;
  for (int i = 0; i < 3; ++i) {
    const StreamId id = client.session.request(get_request("/a/long/path"), false).value();
    net.pump();
    sent.push_back(raw.received[id]);
  }
  CHECK(sent == std::vector<std::string>(3, sent.front()));
  CHECK(raw.received[StreamId{6}] == varint(2));  // nothing but the type of the encoder stream
  // Neither setting is sent, or both are zero, which is the default.
  const std::string settings = raw.received[StreamId{2}];
  CHECK(settings.find(varint(1) + varint(4096)) == std::string::npos);
  CHECK(settings.find(varint(7) + varint(100)) == std::string::npos);
  CHECK(!client.disconnected);
}
