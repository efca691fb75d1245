// SPDX-License-Identifier: MIT
/// What a server counts: sums over servers, and figures that go both ways.
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/streaming.hpp>

#include "support/http_world.hpp"
#include "support/sums.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

TEST_CASE("the sum of two servers' figures has every figure of both") {
  CHECK(what_is_not_summed<ServerStats>() == std::string{});
}

TEST_CASE("requests are open from their headers to their end, however they end") {
  HttpWorld world;
  std::vector<Response> waiting;
  world.server->get("/", [&](Request, Response response) { waiting.push_back(response); });
  std::vector<Call> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(world.client->get(HttpWorld::url("/"), [](Result<Reply>) {}));
  }
  REQUIRE(world.network.run_until([&] { return waiting.size() == 3; }, 5s));
  CHECK(world.server->stats().open_requests == 3);
  waiting[0].end("done");
  world.network.run_for(1s);
  CHECK(world.server->stats().open_requests == 2);
  calls[1].cancel();
  world.network.run_for(1s);
  CHECK(world.server->stats().open_requests == 1);
  world.client.reset();
  world.network.run_for(5s);
  CHECK(world.server->stats().open_requests == 0);
  CHECK(world.server->stats().responses == 1);
  CHECK(world.server->stats().requests_failed == 2);
}

TEST_CASE("datagrams dropped are counted while their connection is there, and stay counted") {
  constexpr std::size_t sent = 10;
  constexpr std::size_t room = 3;
  HttpOptions options;
  options.server.h3.datagrams = true;
  options.server.h3.datagram_queue = room;
  options.client.h3.datagrams = true;
  HttpWorld world{std::move(options)};
  std::size_t received = 0;
  world.server->post("/", [&](Request request, Response response) {
    request.on_datagram([&received](Bytes) { ++received; });
    response.stream([](std::span<std::byte>) { return Filled{.bytes = 0, .last = false}; });
  });
  std::optional<Call> call;
  ClientCallbacks callbacks;
  callbacks.on_headers = [&](int, const Headers&) {
    for (std::size_t i = 0; i < sent; ++i) CHECK(call->send_datagram(as_bytes("x")).has_value());
  };
  call = world.client->request(
      {.method = "POST",
       .url = HttpWorld::url("/"),
       .headers = {},
       .body = {[](std::span<std::byte>) { return Filled{.bytes = 0, .last = false}; }}},
      std::move(callbacks));
  REQUIRE(world.network.run_until([&] { return received != 0; }, 5s));
  world.network.run_for(1s);
  CHECK(received == room);
  CHECK(world.server->stats().datagrams_dropped == sent - room);
  world.client.reset();
  world.network.run_for(5s);
  CHECK(world.server->stats().quic.connections == 0);
  CHECK(world.server->stats().datagrams_dropped == sent - room);
}
