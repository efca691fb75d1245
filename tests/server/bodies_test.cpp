// SPDX-License-Identifier: MIT
/// Bodies both ways: large ones, slow readers, many at once, and those that are given up.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t large = 6 * 1024 * 1024 + 123;

// What tells a handler's closure apart from one that is gone.
using Token = std::shared_ptr<int>;

}  // namespace

TEST_CASE("large bodies arrive whole in both directions, on a network that loses datagrams") {
  HttpWorld world{{.seed = 11}};
  world.network.link_both("10.0.0.1", "10.0.0.2", {.delay = 5ms, .loss = 0.01});
  const std::string body = pattern(large);
  world.server->get("/shared", [&](Request, Response response) { response.end(body); });
  world.server->get("/written",
                    [&](Request, Response response) { response.stream(writer_of(body)); });
  world.server->post("/echo", [&](Request request, Response response) {
    request.read_body(large, [response](Result<std::string> got) mutable {
      response.end(std::move(got.value()));
    });
  });
  CHECK(world.get("/shared").body == body);
  CHECK(world.get("/written").body == body);
  const auto echo = world.fetch({.method = "POST", .url = "/echo", .headers = {}, .body = body});
  REQUIRE(echo.has_value());
  CHECK(echo->body == body);
  const auto written = world.fetch(
      {.method = "POST", .url = "/echo", .headers = {}, .body = {writer_of(body), body.size()}});
  REQUIRE(written.has_value());
  CHECK(written->body == body);
}

TEST_CASE("a server that reads slowly holds the client back, and nothing is lost") {
  HttpWorld world;
  std::string received;
  bool paused = true;
  std::optional<Request> upload;
  world.server->put("/slow", [&](Request request, Response response) {
    upload = request;
    request.on_body([&, response](Bytes chunk, bool last) mutable -> std::size_t {
      if (paused) return 0;
      received += as_text(chunk);
      if (last) response.status(201).end();
      return chunk.size();
    });
  });
  const std::string body = pattern(large);
  std::size_t offered = 0;
  Writer source = [&, inner = writer_of(body)](std::span<std::byte> room) mutable {
    const Filled filled = inner(room);
    offered += filled.bytes;
    return filled;
  };
  std::optional<Result<Reply>> outcome;
  world.client->request({.method = "PUT",
                         .url = HttpWorld::url("/slow"),
                         .headers = {},
                         .body = {std::move(source), body.size()}},
                        [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
  world.network.run_for(5s);
  CHECK(received.empty());
  CHECK(offered < 2 * 1024 * 1024);
  paused = false;
  REQUIRE(upload.has_value());
  upload->resume();
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 30s));
  CHECK(outcome->value().status == 201);
  CHECK(received == body);
}

TEST_CASE("a client that reads slowly holds the server back, and nothing is lost") {
  HttpWorld world;
  const std::string body = pattern(large);
  std::size_t offered = 0;
  world.server->get("/", [&](Request, Response response) {
    response.stream([&, inner = writer_of(body)](std::span<std::byte> room) mutable {
      const Filled filled = inner(room);
      offered += filled.bytes;
      return filled;
    });
  });
  std::string received;
  std::size_t allowed = 0;
  std::optional<Result<Reply>> outcome;
  ClientCallbacks callbacks;
  callbacks.on_data = [&](Bytes chunk, bool) {
    const std::size_t taken = std::min(allowed, chunk.size());
    allowed -= taken;
    received += as_text(chunk.first(taken));
    return taken;
  };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  Call call = world.client->request(
      {.method = "GET", .url = HttpWorld::url("/"), .headers = {}, .body = {}},
      std::move(callbacks));
  world.network.run_for(5s);
  CHECK(received.empty());
  CHECK(offered < 2 * 1024 * 1024);
  while (!outcome) {
    allowed += 500'000;
    call.resume();
    world.network.run_for(100ms);
    REQUIRE(received.size() <= body.size());
  }
  REQUIRE(outcome->has_value());
  CHECK(received == body);
  CHECK((*outcome)->body.empty());
}

TEST_CASE("a thousand requests at once share one connection") {
  HttpWorld world;
  world.server->get("/{n}", [](Request request, Response response) {
    response.end("reply " + std::string{request.parameter("n")});
  });
  int right = 0;
  int over = 0;
  for (int i = 0; i < 1000; ++i) {
    world.client->get(HttpWorld::url('/' + std::to_string(i)), [&, i](Result<Reply> reply) {
      ++over;
      if (reply && reply->body == "reply " + std::to_string(i)) ++right;
    });
  }
  REQUIRE(world.network.run_until([&] { return over == 1000; }, 30s));
  CHECK(right == 1000);
  CHECK(world.client->stats().connections == 1);
  CHECK(world.server->stats().quic.connections_accepted == 1);
}

TEST_CASE("a writer pauses until it is resumed") {
  HttpWorld world;
  std::optional<Response> waiting;
  bool ready = false;
  world.server->get("/", [&](Request, Response response) {
    waiting = response;
    response.stream([&](std::span<std::byte> room) {
      if (!ready) return Filled{};
      room[0] = std::byte{'x'};
      return Filled{.bytes = 1, .last = true};
    });
  });
  std::optional<Result<Reply>> outcome;
  world.client->get(HttpWorld::url("/"), [&](Result<Reply> reply) { outcome = std::move(reply); });
  world.network.run_for(2s);
  CHECK_FALSE(outcome.has_value());
  ready = true;
  waiting->resume();
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 5s));
  CHECK(outcome->value().body == "x");
}

TEST_CASE("a response that fails in the middle never looks complete") {
  HttpWorld world;
  world.server->get("/failed", [](Request, Response response) {
    response.stream([](std::span<std::byte> room) {
      return Filled{.bytes = room.size(), .failed = room.size() < 60'000};
    });
  });
  world.server->get("/thrown", [](Request, Response response) {
    response.stream([](std::span<std::byte>) -> Filled { throw std::runtime_error{"disk"}; });
  });
  world.server->get("/reset", [](Request, Response response) {
    response.stream([response](std::span<std::byte> room) mutable {
      response.reset(HttpError::request_cancelled);
      return Filled{.bytes = room.size()};
    });
  });
  const auto fetch = [&](const char* target) {
    return world.fetch({.method = "GET", .url = target, .headers = {}, .body = {}});
  };
  CHECK(fetch("/failed").error() == Error{HttpError::internal_error});
  CHECK(fetch("/thrown").error() == Error{HttpError::internal_error});
  CHECK(fetch("/reset").error() == Error{HttpError::request_cancelled});
}

TEST_CASE("a client that gives up destroys the handler's closures at the server") {
  HttpWorld world;
  const Token token = std::make_shared<int>(1);
  std::optional<Outcome> outcome;
  world.server->get("/", [&](Request, Response response) {
    response.on_closed([&](const Outcome& result) { outcome = result; });
    response.stream([token](std::span<std::byte> room) {
      std::ranges::fill(room, std::byte{'x'});
      return Filled{.bytes = room.size()};
    });
  });
  std::optional<Result<Reply>> reply;
  std::size_t received = 0;
  ClientCallbacks callbacks;
  Call call;
  callbacks.on_data = [&, token](Bytes chunk, bool) {
    received += chunk.size();
    if (received > 1'000'000) {
      call.cancel();
      CHECK(chunk.size() == static_cast<std::size_t>(std::ranges::count(chunk, chunk[0])));
    }
    return chunk.size();
  };
  callbacks.done = [&](Result<Reply> result) { reply.emplace(std::move(result)); };
  call = world.client->request(
      {.method = "GET", .url = HttpWorld::url("/"), .headers = {}, .body = {}},
      std::move(callbacks));
  CHECK(static_cast<bool>(call));
  REQUIRE(world.network.run_until([&] { return reply && outcome; }, 10s));
  CHECK(reply->error() == Error{HttpError::request_cancelled});
  CHECK_FALSE(outcome->error == Error{HttpError::no_error});
  CHECK_FALSE(static_cast<bool>(call));
  CHECK(token.use_count() == 1);
  call.cancel();
  call.resume();
}

// RFC 9114 §4.1.
TEST_CASE("a response that comes before the end of an upload ends the upload") {
  HttpWorld world;
  world.server->post("/", [](Request request, Response response) {
    request.read_body(1000, [response](Result<std::string> body) mutable {
      response.status(body ? 200 : 413).end(body ? "" : std::string{body.error().name()});
    });
  });
  const auto reply = world.fetch(
      {.method = "POST", .url = "/", .headers = {}, .body = {writer_of(pattern(large)), large}});
  REQUIRE(reply.has_value());
  CHECK(reply->status == 413);
  REQUIRE(world.network.run_until([&] { return world.server->stats().open_requests == 0; }, 10s));
  const auto next = world.fetch({.method = "POST", .url = "/", .headers = {}, .body = "short"});
  CHECK(next.value().status == 200);
  CHECK(next->timing.reused);
}

TEST_CASE("a reply that is larger than allowed is refused, and only that one") {
  ClientConfig config;
  config.max_reply_body = 1000;
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  world.server->get("/{size}", [](Request request, Response response) {
    response.end(std::string(std::stoul(std::string{request.parameter("size")}), 'x'));
  });
  const auto reply = world.fetch({.method = "GET", .url = "/1001", .headers = {}, .body = {}});
  REQUIRE_FALSE(reply.has_value());
  CHECK(reply.error() == Error{UsageError::too_large});
  CHECK(world.get("/1000").body.size() == 1000);
}
