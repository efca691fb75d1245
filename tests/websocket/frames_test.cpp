// SPDX-License-Identifier: MIT
/// What WebSockets make of frames that no good peer sends (RFC 6455 §5, §7.4, §8.1).
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>
#include <quoin/websocket.hpp>

#include "support/websocket_world.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

struct Case {
  std::string_view name;
  std::string bytes;
  unsigned code;
};

std::vector<Case> bad_frames() {
  using namespace std::string_literals;
  return {
      {"not masked", raw_frame(0x81, "hi", false), 1002},
      {"a reserved bit", raw_frame(0xc1, "hi"), 1002},
      {"an unknown data frame", raw_frame(0x83, "hi"), 1002},
      {"an unknown control frame", raw_frame(0x8b, "hi"), 1002},
      {"a ping in fragments", raw_frame(0x09, "hi"), 1002},
      {"a ping of 126 bytes", raw_frame(0x89, std::string(126, 'x')), 1002},
      {"a continuation of nothing", raw_frame(0x80, "hi"), 1002},
      {"a message within a message", raw_frame(0x01, "a") + raw_frame(0x81, "b"), 1002},
      {"a long length for a short frame", "\x81\xfe\x00\x05"s, 1002},
      {"a length beyond 2^63", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"s, 1002},
      {"a length beyond the limit", "\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00x"s,
       1009},
      {"text that is no UTF-8", raw_frame(0x81, "\xff"), 1007},
      {"text that ends within a character", raw_frame(0x81, "\xe2\x82"), 1007},
      {"a surrogate in fragments", raw_frame(0x01, "\xed") + raw_frame(0x80, "\xa0\x80"), 1007},
      {"close with half a code", raw_frame(0x88, "\x03"), 1002},
      {"close with 1005", raw_frame(0x88, close_payload(1005)), 1002},
      {"close with 1006", raw_frame(0x88, close_payload(1006)), 1002},
      {"close with 999", raw_frame(0x88, close_payload(999)), 1002},
      {"close with 5000", raw_frame(0x88, close_payload(5000)), 1002},
      {"close with a reason that is no UTF-8", raw_frame(0x88, close_payload(1000, "\xff")), 1007},
  };
}

}  // namespace

TEST_CASE("frames that are not allowed close the WebSocket with the code that says why") {
  for (const Case& bad : bad_frames()) {
    INFO(bad.name);
    WebSocketWorld world;
    RawWebSocketClient peer{world};
    peer.send(raw_frame(0x81, "good") + bad.bytes + raw_frame(0x81, "ignored"));
    world.run_until([&] { return world.at_server.end.has_value(); });
    CHECK(static_cast<unsigned>(world.at_server.end->code) == bad.code);
    CHECK(!world.at_server.end->clean);
    CHECK(world.at_server.messages.size() == 1);
    world.run_until([&] { return peer.done.has_value(); });
    CHECK(peer.received == raw_frame(0x88, close_payload(bad.code), false));
  }
}

TEST_CASE("frames arrive whole however their bytes are cut") {
  WebSocketWorld world;
  RawWebSocketClient peer{world};
  const std::string all = raw_frame(0x01, "one ") + raw_frame(0x89, "ping") +
                          raw_frame(0x00, std::string(300, '.')) + raw_frame(0x80, " two") +
                          raw_frame(0x82, "") + raw_frame(0x88, close_payload(4000, "bye"));
  for (const char each : all) {
    peer.send({&each, 1});
    world.network.run_for(1ms);
  }
  world.run_until([&] { return world.at_server.end.has_value(); });
  REQUIRE(world.at_server.messages.size() == 2);
  CHECK(world.at_server.messages[0].data == "one " + std::string(300, '.') + " two");
  CHECK(world.at_server.messages[1].type == MessageType::binary);
  CHECK(world.at_server.end->code == CloseCode{4000});
  CHECK(world.at_server.end->reason == "bye");
  world.run_until([&] { return peer.done.has_value(); });
  CHECK(peer.received ==
        raw_frame(0x8a, "ping", false) + raw_frame(0x88, close_payload(4000), false));
}

TEST_CASE("a close frame without a code is answered without one") {
  WebSocketWorld world;
  RawWebSocketClient peer{world};
  peer.send(raw_frame(0x88, ""));
  world.run_until([&] { return world.at_server.end.has_value(); });
  CHECK(world.at_server.end->code == CloseCode::no_status);
  CHECK(world.at_server.end->clean);
  world.run_until([&] { return peer.done.has_value(); });
  CHECK(peer.received == raw_frame(0x88, "", false));
}

TEST_CASE("a peer that does not answer a close frame is given up") {
  WebSocketWorld world;
  RawWebSocketClient peer{world};
  const Time before = world.network.now();
  REQUIRE(world.at_server.socket.close());
  world.run_until([&] { return world.at_server.end.has_value(); });
  CHECK(world.network.now() - before == 5s);
  CHECK(world.at_server.end->code == CloseCode::abnormal);
  CHECK(world.at_server.end->error == Error{LocalError::request_timeout});
  world.run_until([&] { return peer.done.has_value(); });
  CHECK(!*peer.done);
}

TEST_CASE("a stream that ends without a close frame is an abnormal end") {
  WebSocketWorld world;
  RawWebSocketClient peer{world};
  peer.ends = true;
  peer.send(raw_frame(0x81, "x"));
  world.run_until([&] { return world.at_server.end.has_value(); });
  CHECK(world.at_server.messages.size() == 1);
  CHECK(world.at_server.end->code == CloseCode::abnormal);
  CHECK(world.at_server.end->error == Error{HttpError::request_incomplete});
}

TEST_CASE("a peer that answers no ping is given up") {
  WebSocketWorld world;
  RawWebSocketClient peer{world};
  const Time before = world.network.now();
  world.run_until([&] { return world.at_server.end.has_value(); });
  CHECK(world.network.now() - before <= 31s);
  CHECK(world.at_server.end->error == Error{LocalError::idle_timeout});
  CHECK(peer.received == raw_frame(0x89, "", false));
}

TEST_CASE("a peer that pings and does not read is held back") {
  WebSocketWorld world;
  RawWebSocketClient peer{world};
  peer.reads = false;
  std::string pings;
  constexpr int count = 40'000;
  for (int i = 0; i < count; ++i) pings += raw_frame(0x89, std::string(125, 'p'));
  peer.send(pings);
  world.network.run_for(10s);
  REQUIRE(world.at_server.socket);
  CHECK(peer.sent < pings.size());
  CHECK(world.at_server.socket.stats().bytes_waiting < 100'000);
  peer.reads = true;
  peer.call.resume();
  world.run_until([&] { return peer.received.size() == count * std::size_t{127}; });
}

TEST_CASE("a client takes no masked frames") {
  WebSocketWorld world;
  world.server->route("CONNECT", "/ws", [](Request, Response response) {
    response.stream(writer_of(raw_frame(0x81, "masked")));
  });
  REQUIRE(world.try_to_connect({}));
  world.run_until([&] { return world.at_client.end.has_value(); });
  CHECK(world.at_client.end->code == CloseCode::protocol_error);
  CHECK(world.at_client.messages.empty());
}

}  // namespace quoin::test
