// SPDX-License-Identifier: MIT
/// Clients that take what they can get: each is bounded in memory and time, and an honest one
/// beside it notices nothing.
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

TEST_CASE("clients that never read are given up at the limit, with no more than their buffers") {
  ServerConfig config;
  config.stream_idle_timeout = 5s;
  config.h3.send_buffer = 64 * 1024;
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = {}}};
  std::size_t made = 0;
  world.server->get("/endless", [&](Request, Response response) {
    response.stream([&](std::span<std::byte> room) {
      made += room.size();
      return Filled{.bytes = room.size(), .last = false};
    });
  });
  world.server->get("/", [](Request, Response response) { response.end("honest"); });
  constexpr int streams = 50;
  std::vector<Error> errors;
  for (int i = 0; i < streams; ++i) {
    ClientCallbacks callbacks;
    callbacks.on_data = [](Bytes, bool) { return std::size_t{0}; };
    callbacks.done = [&](const Result<Reply>& reply) { errors.push_back(reply.error()); };
    world.client->request(
        {.method = "GET", .url = HttpWorld::url("/endless"), .headers = {}, .body = {}},
        std::move(callbacks));
  }
  world.network.run_for(3s);
  const std::size_t held = made;
  // What the windows let pass, and a buffer for each.
  CHECK(held < 20'000'000);
  Client honest{world.network.host("10.0.0.3"),
                Tls::client_from_pem(world.tls.certificate_pem()).value()};
  std::optional<Result<Reply>> reply;
  const Time begin = world.network.now();
  honest.get(HttpWorld::url("/"), [&](Result<Reply> got) { reply.emplace(std::move(got)); });
  REQUIRE(world.network.run_until([&] { return reply.has_value(); }, 1s));
  CHECK(world.network.now() - begin < 100ms);
  world.network.run_for(1s);
  CHECK(made == held);
  REQUIRE(world.network.run_until([&] { return errors.size() == streams; }, 10s));
  for (const Error& error : errors) CHECK(error == Error{HttpError::request_cancelled});
  world.network.run_for(500ms);
  CHECK(world.server->stats().timeouts == streams);
  CHECK(world.server->stats().open_requests == 0);
}

TEST_CASE("a client that only keeps its connection alive is told to leave, then closed") {
  ServerConfig config;
  config.idle_connection_timeout = 1min;
  ClientConfig patient;
  patient.quic.keep_alive = 10s;
  patient.stream_idle_timeout = {};
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = std::move(patient)}};
  Response open;
  world.server->get("/open", [&](Request, Response response) {
    response.timeout(Duration{});
    open = response;
  });
  world.server->get("/", [](Request, Response response) { response.end("honest"); });
  // Neither of them says a whole request, and both send PINGs.
  quic::Config pinging;
  pinging.alpn = {"h3"};
  pinging.keep_alive = 10s;
  Loop& host = world.network.host("10.0.0.3");
  Dialer dialer{host, Tls::client_from_pem(world.tls.certificate_pem()).value(), pinging};
  std::vector<Time> closed;
  for (const std::string_view sent : {"", "\x01\x10"}) {
    REQUIRE(dialer.connect("10.0.0.1:4433", "a.example", [&, sent](Result<Connection> connection) {
      REQUIRE(connection.has_value());
      connection->on_stream(
          [](Stream stream) { stream.on_data([](Bytes chunk, bool) { return chunk.size(); }); });
      if (!sent.empty()) CHECK(connection->open_stream()->write(as_bytes(sent)) == sent.size());
      connection->on_closed([&](const Error& reason) {
        CHECK(reason == Error{HttpError::no_error});
        closed.push_back(world.network.now());
      });
    }));
  }
  std::optional<Result<Reply>> waiting;
  world.client->get(HttpWorld::url("/open"), [&](Result<Reply> got) { waiting.emplace(got); });
  const Time begin = world.network.now();
  world.network.run_for(59s);
  CHECK(closed.empty());
  world.network.run_for(20s);
  REQUIRE(closed.size() == 2);
  for (const Time when : closed) {
    CHECK(when - begin > 1min);
    CHECK(when - begin < 70s);
  }
  CHECK(world.server->stats().connections_idle == 2);
  CHECK(world.server->stats().open_requests == 1);
  REQUIRE(!waiting.has_value());
  open.end("late");
  REQUIRE(world.network.run_until([&] { return waiting.has_value(); }, 1s));
  CHECK(waiting->value().body == "late");
  // The next request comes before its minute is over, the one after that opens a new connection.
  world.network.run_for(50s);
  CHECK(world.get("/").timing.reused);
  world.network.run_for(70s);
  CHECK_FALSE(world.get("/").timing.reused);
}

TEST_CASE("a request that crosses the first GOAWAY is answered, one after it goes elsewhere") {
  HttpWorld world;
  world.server->get("/", [](Request, Response response) { response.end("answered"); });
  (void)world.get("/");
  world.network.link_both("10.0.0.1", "10.0.0.2", {.delay = 200ms});
  std::optional<Result<Reply>> crossing;
  std::optional<Result<Reply>> late;
  world.client->get(HttpWorld::url("/"),
                    [&](Result<Reply> got) { crossing.emplace(std::move(got)); });
  world.network.run_for(100ms);  // it is under way
  bool done = false;
  world.server->shutdown(10s, [&] { done = true; });
  world.network.run_for(250ms);  // the client knows
  world.client->get(HttpWorld::url("/"), [&](Result<Reply> got) { late.emplace(std::move(got)); });
  REQUIRE(world.network.run_until([&] { return done && crossing && late; }, 30s));
  REQUIRE(crossing->has_value());
  CHECK((*crossing)->body == "answered");
  CHECK_FALSE(late->has_value());
  CHECK(world.server->stats().requests == 2);
  CHECK(world.server->stats().requests_failed == 0);
}
