// SPDX-License-Identifier: MIT
/// A server's limits, its graceful end, and ends that come in the middle of a handler.
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"
#include "support/shorthand.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

TEST_CASE("a handler that never answers becomes a 503") {
  ServerConfig config;
  config.response_timeout = 3s;
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = {}}};
  world.server->get("/", [](Request, Response) {});
  const Time begin = world.network.now();
  CHECK(world.get("/").status == 503);
  CHECK(world.network.now() - begin < 5s);
  CHECK(world.server->stats().timeouts == 1);
}

TEST_CASE("a stream on which nothing moves is ended, one that moves slowly is not") {
  ServerConfig config;
  config.stream_idle_timeout = 5s;
  config.response_timeout = 5s;
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = {}}};
  world.network.link_both("10.0.0.1", "10.0.0.2", {.bits_per_second = 200'000});
  world.server->put("/", [](Request request, Response response) {
    request.read_body(10'000'000, [response](Result<std::string> body) mutable {
      response.end(std::to_string(body.value().size()));
    });
  });
  const std::string page(400'000, 'x');
  world.server->get("/slow", [&](Request, Response response) { response.end(page); });
  CHECK(world.get("/slow").body == page);  // 16 seconds
  std::optional<Result<Reply>> outcome;
  const Time begin = world.network.now();
  world.client->request({.method = "PUT",
                         .url = HttpWorld::url("/"),
                         .headers = {},
                         .body = {[](std::span<std::byte>) { return Filled{}; }}},
                        [&](Result<Reply> reply) { outcome = std::move(reply); });
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 30s));
  CHECK(outcome->error() == Error{HttpError::request_cancelled});
  CHECK(world.network.now() - begin < 7s);
}

TEST_CASE("a client that gives requests up by the hundred is turned away") {
  ServerConfig config;
  config.resets_per_second = 50;
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = {}}};
  world.server->get("/", [](Request, Response) {});
  std::optional<Error> reason;
  world.client->on_disconnected([&](const ConnectionInfo& info) { reason = info.reason; });
  for (int round = 0; round < 50 && !reason; ++round) {
    std::vector<Call> calls;
    for (int i = 0; i < 20; ++i) {
      calls.push_back(world.client->get(HttpWorld::url("/"), [](const Result<Reply>&) {}));
    }
    world.network.run_for(25ms);
    for (Call& call : calls) call.cancel();
    world.network.run_for(25ms);
  }
  REQUIRE(reason.has_value());
  CHECK(*reason == Error{HttpError::excessive_load});
  CHECK(world.server->stats().excessive_resets == 1);
}

// RFC 9114 §5.2.
TEST_CASE("a graceful shutdown lets requests finish and then says goodbye") {
  HttpWorld world;
  world.server->get("/", [&](Request, Response response) {
    world.network.host("10.0.0.1").after(2s, [response]() mutable { response.end("finished"); });
  });
  std::optional<Result<Reply>> outcome;
  world.client->get(HttpWorld::url("/"), [&](Result<Reply> reply) { outcome = std::move(reply); });
  world.network.run_for(500ms);
  bool done = false;
  const Time begin = world.network.now();
  world.server->shutdown(10s, [&] { done = true; });
  world.network.run_for(500ms);
  CHECK_FALSE(done);
  REQUIRE(world.network.run_until([&] { return done; }, 10s));
  REQUIRE(outcome.has_value());
  CHECK(outcome->value().body == "finished");
  CHECK(world.network.now() - begin < 3s);
  CHECK_FALSE(world.fetch(get_of("/")).has_value());
}

TEST_CASE("a shutdown leaves it to a client that still reads to close its connection") {
  HttpWorld world;
  world.server->get("/", [&](Request, Response response) {
    world.network.host("10.0.0.1").after(1s, [response]() mutable { response.end("slowly"); });
  });
  std::optional<Error> reason;
  world.server->on_disconnected([&](const ConnectionInfo& info) { reason = info.reason; });
  bool reading = false;
  std::string body;
  std::optional<Result<Reply>> outcome;
  ClientCallbacks callbacks;
  callbacks.on_data = [&](Bytes data, bool) {
    if (reading) body += as_text(data);
    return reading ? data.size() : 0;
  };
  callbacks.done = [&](Result<Reply> reply) { outcome = std::move(reply); };
  Call call = world.client->request(get_of(HttpWorld::url("/")), std::move(callbacks));
  world.network.run_for(500ms);
  bool done = false;
  world.server->shutdown(10s, [&] { done = true; });
  world.network.run_for(4s);
  CHECK_FALSE(reason.has_value());
  reading = true;
  call.resume();
  REQUIRE(world.network.run_until([&] { return done && outcome; }, 1s));
  CHECK(outcome->has_value());
  CHECK(body == "slowly");
  CHECK(reason == Error{HttpError::no_error});
}

TEST_CASE("a shutdown does not wait for idle clients that have vanished") {
  HttpWorld world;
  world.server->get("/", [](Request, Response response) { response.end("seen"); });
  REQUIRE(world.fetch(get_of("/")).has_value());
  world.network.link("10.0.0.2", "10.0.0.1").down = true;
  world.network.link("10.0.0.1", "10.0.0.2").down = true;
  bool done = false;
  world.server->shutdown(10s, [&] { done = true; });
  CHECK(world.network.run_until([&] { return done; }, 2s));
}

TEST_CASE("a shutdown ends at its limit whatever the handlers do") {
  HttpWorld world;
  world.server->get("/", [](Request, Response) {});
  std::optional<Result<Reply>> outcome;
  world.client->get(HttpWorld::url("/"), [&](Result<Reply> reply) { outcome = std::move(reply); });
  world.network.run_for(500ms);
  bool done = false;
  world.server->shutdown(2s, [&] { done = true; });
  const Time begin = world.network.now();
  REQUIRE(world.network.run_until([&] { return done && outcome; }, 10s));
  CHECK(world.network.now() - begin < 2500ms);
  CHECK_FALSE(outcome->has_value());
}

TEST_CASE("a shutdown without clients is over at once") {
  HttpWorld world;
  bool done = false;
  world.server->shutdown(10s, [&] { done = true; });
  CHECK_FALSE(done);
  REQUIRE(world.network.run_until([&] { return done; }, 1s));
}

TEST_CASE("a handler may destroy its server") {
  HttpWorld world;
  const auto token = std::make_shared<int>(1);
  world.server->get("/", [&world, token](Request request, Response response) {
    response.end("too late");
    world.server.reset();
    CHECK(*token == 1);  // the closure is still there
    response.status(200).end();
    (void)request.path();
  });
  std::optional<Result<Reply>> outcome;
  world.client->get(HttpWorld::url("/"), [&](Result<Reply> reply) { outcome = std::move(reply); });
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 30s));
  CHECK(token.use_count() == 1);
}

TEST_CASE("a callback may destroy its client") {
  HttpWorld world;
  world.server->get("/", [](Request, Response response) { response.end("page"); });
  const auto token = std::make_shared<int>(1);
  bool called = false;
  for (int i = 0; i < 3; ++i) {
    world.client->get(HttpWorld::url("/"), [&world, &called, token](const Result<Reply>& reply) {
      CHECK_FALSE(called);
      called = true;
      world.client.reset();
      CHECK(reply.has_value());
      CHECK(*token == 1);
    });
  }
  REQUIRE(world.network.run_until([&] { return called; }, 5s));
  world.network.run_for(1s);
  CHECK(token.use_count() == 1);
}

TEST_CASE("a reader may destroy its client, a writer its server") {
  HttpWorld world;
  world.server->get("/", [&](Request, Response response) {
    response.stream([&](std::span<std::byte> room) {
      world.server.reset();
      return Filled{.bytes = room.size()};
    });
  });
  world.client->get(HttpWorld::url("/"), [](const Result<Reply>&) {});
  REQUIRE(world.network.run_until([&] { return !world.server.has_value(); }, 5s));
  world.network.run_for(1s);

  HttpWorld second;
  second.server->get("/", [](Request, Response response) { response.end(pattern(100'000)); });
  ClientCallbacks callbacks;
  callbacks.on_data = [&](Bytes chunk, bool) {
    second.client.reset();
    return chunk.size();
  };
  second.client->request(get_of(HttpWorld::url("/")), std::move(callbacks));
  REQUIRE(second.network.run_until([&] { return !second.client.has_value(); }, 5s));
  second.network.run_for(1s);
}

TEST_CASE("a handler may replace its own route") {
  HttpWorld world;
  world.server->get("/", [&](Request, Response response) {
    world.server->get("/", [](Request, Response later) { later.end("second"); });
    response.end("first");
  });
  CHECK(world.get("/").body == "first");
  CHECK(world.get("/").body == "second");
}

// RFC 9110 §6.6.1.
TEST_CASE("dates are sent if there is a clock to take them from") {
  ServerConfig config;
  config.wall_clock = [] { return std::chrono::system_clock::time_point{784111777s}; };
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = {}}};
  world.server->get("/", [](Request, Response response) { response.end(); });
  CHECK(HttpWorld::header(world.get("/"), "date") == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("a clock that throws is reported, and costs the response its date only") {
  ServerConfig config;
  config.wall_clock = []() -> std::chrono::system_clock::time_point { throw 7; };
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = {}}};
  std::vector<std::string> reports;
  world.network.host("10.0.0.1").on_exception([&](std::string_view where, std::exception_ptr) {
    reports.emplace_back(where);
  });
  world.server->get("/", [](Request, Response response) { response.end("fine"); });
  const Reply reply = world.get("/");
  CHECK(reply.body == "fine");
  CHECK(HttpWorld::header(reply, "date") == "(none)");
  CHECK(reports == std::vector<std::string>{"ServerConfig::wall_clock"});
}

TEST_CASE("an address that cannot be listened on is an error with that address") {
  HttpWorld world;
  const auto taken = world.server->listen("10.0.0.1:4433");
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().message().contains("10.0.0.1:4433"));
  CHECK(world.server->listen("nonsense").error() == Error{UsageError::invalid_argument});
  ServerConfig config;
  config.quic.max_udp_payload = 17;
  Server broken{world.network.host("10.0.0.1"), world.tls, std::move(config)};
  CHECK(broken.listen("10.0.0.1:4434").error().message().contains("max_udp_payload"));
}
