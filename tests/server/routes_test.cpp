// SPDX-License-Identifier: MIT
/// Routes, handlers and what they answer, over a simulated network.
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/request.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

TEST_CASE("a handler answers the requests for its route and sees what was asked for") {
  HttpWorld world;
  std::string seen;
  world.server->get("/items/{id}/parts/{part}", [&](Request request, Response response) {
    seen = std::string{request.method()} + ' ' + std::string{request.path()} + ' ' +
           std::string{request.query()} + ' ' + std::string{request.authority()} + ' ' +
           std::string{request.header("x-test")} + ' ' + request.peer().host();
    response.status(201).header("x-reply", "yes");
    response.end(std::string{request.parameter("id")} + '/' +
                 std::string{request.parameter("part")});
  });
  const Reply reply = world.get("/items/a%2Fb/parts/7?q=1", {{"x-test", "value"}});
  CHECK(reply.status == 201);
  CHECK(reply.body == "a/b/7");
  CHECK(HttpWorld::header(reply, "x-reply") == "yes");
  CHECK(HttpWorld::header(reply, "content-length") == "5");
  CHECK(seen == "GET /items/a%2Fb/parts/7 q=1 10.0.0.1:4433 value 10.0.0.2");
}

TEST_CASE("a path without handler is a 404, a method without handler a 405 that says which") {
  HttpWorld world;
  world.server->get("/a", [](Request, Response response) { response.end("get"); });
  world.server->put("/a", [](Request, Response response) { response.end("put"); });
  CHECK(world.get("/b").status == 404);
  const Result<Reply> wrong =
      world.fetch({.method = "DELETE", .url = "/a", .headers = {}, .body = {}});
  REQUIRE(wrong.has_value());
  CHECK(wrong->status == 405);
  CHECK(HttpWorld::header(*wrong, "allow") == "GET, HEAD, PUT");
}

TEST_CASE("the fallback answers what no route matches, with any method") {
  HttpWorld world;
  world.server->get("/a", [](Request, Response response) { response.end("a"); });
  world.server->fallback([](Request request, Response response) {
    response.end("fallback " + std::string{request.method()});
  });
  CHECK(world.get("/a").body == "a");
  CHECK(world.get("/b").body == "fallback GET");
  const auto patch = world.fetch({.method = "PATCH", .url = "/b", .headers = {}, .body = {}});
  CHECK(patch.value().body == "fallback PATCH");
}

// RFC 9110 §9.3.2.
TEST_CASE("HEAD is answered by the handler of GET, with its length and without its body") {
  HttpWorld world;
  world.server->get("/a", [](Request, Response response) { response.end("twelve bytes"); });
  world.server->get("/s", [](Request, Response response) {
    response.header("content-length", "1000").stream(writer_of(std::string(1000, 'x')));
  });
  for (const auto& [target, length] :
       std::vector<std::pair<std::string, std::string>>{{"/a", "12"}, {"/s", "1000"}}) {
    const auto reply = world.fetch({.method = "HEAD", .url = target, .headers = {}, .body = {}});
    REQUIRE(reply.has_value());
    CHECK(reply->status == 200);
    CHECK(reply->body.empty());
    CHECK(HttpWorld::header(*reply, "content-length") == length);
  }
}

TEST_CASE("a handler that throws, or answers what HTTP cannot carry, is a 500 and nothing else") {
  HttpWorld world;
  world.server->get("/throw", [](Request, Response) { throw std::runtime_error{"oops"}; });
  world.server->get("/split", [](Request, Response response) {
    response.header("x-evil", "a\r\nset-cookie: b").end("body");
  });
  world.server->get("/status", [](Request, Response response) { response.status(42).end("?"); });
  std::vector<std::string> reasons;
  world.server->on_access(
      [&](const Access& access) { reasons.push_back(access.outcome.error.message()); });
  CHECK(world.get("/throw").status == 500);
  const Reply split = world.get("/split");
  CHECK(split.status == 500);
  CHECK(HttpWorld::header(split, "x-evil") == "(none)");
  CHECK(world.get("/status").status == 500);
  REQUIRE(world.network.run_until([&] { return reasons.size() == 3; }, 5s));
  CHECK(reasons[0].contains("oops"));
  CHECK(reasons[1].contains("x-evil"));
}

// RFC 8297.
TEST_CASE("interim responses and trailers arrive in their order around the response") {
  HttpWorld world;
  world.server->get("/", [](Request, Response response) {
    response.inform(103, {{"link", "</style.css>; rel=preload"}});
    response.trailer("x-checksum", "abc").stream(writer_of("body"));
  });
  std::vector<std::string> events;
  std::optional<Result<Reply>> outcome;
  ClientCallbacks callbacks;
  callbacks.on_informational = [&](int status, const Headers& headers) {
    events.push_back(std::to_string(status) + ' ' + std::string{headers.get("link").value()});
  };
  callbacks.on_headers = [&](int status, const Headers&) {
    events.push_back(std::to_string(status));
  };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  world.client->request({.method = "GET", .url = HttpWorld::url("/"), .headers = {}, .body = {}},
                        std::move(callbacks));
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 5s));
  REQUIRE(outcome->has_value());
  CHECK(events == std::vector<std::string>{"103 </style.css>; rel=preload", "200"});
  CHECK((*outcome)->body == "body");
  CHECK((*outcome)->trailers.get("x-checksum") == "abc");
}

TEST_CASE("a response may be given long after the handler has returned") {
  HttpWorld world;
  world.server->get("/late", [&](Request, Response response) {
    world.network.host("10.0.0.1").after(3s, [response]() mutable { response.end("late"); });
  });
  CHECK(world.get("/late").body == "late");
}

TEST_CASE("the handles of a request that is over do nothing") {
  HttpWorld world;
  Request old_request;
  Response old_response;
  world.server->get("/", [&](Request request, Response response) {
    old_request = request;
    old_response = response;
    CHECK(static_cast<bool>(response));
    response.end("once");
    response.status(500).end("twice");
  });
  CHECK(world.get("/").body == "once");
  REQUIRE(world.network.run_until([&] { return !old_request; }, 5s));
  CHECK_FALSE(static_cast<bool>(old_response));
  CHECK(old_request.method().empty());
  CHECK(old_request.headers().empty());
  old_response.header("a", "b").end("nothing");
  old_response.reset();
  old_request.on_body([](Bytes data, bool) { return data.size(); });
}

TEST_CASE("the access log says who asked for what and what came of it") {
  HttpWorld world;
  world.server->get("/a", [](Request, Response response) { response.end("12345"); });
  std::vector<std::string> lines;
  world.server->on_access([&](const Access& access) {
    lines.push_back(std::to_string(access.connection) + ' ' + access.peer.host() + ' ' +
                    std::string{access.method} + ' ' + std::string{access.target} + ' ' +
                    std::to_string(access.outcome.status) + ' ' +
                    std::to_string(access.outcome.bytes_sent) + ' ' +
                    std::string{access.outcome.error.name()});
  });
  (void)world.get("/a?x=1");
  REQUIRE(world.network.run_until([&] { return !lines.empty(); }, 5s));
  CHECK(lines == std::vector<std::string>{"1 10.0.0.2 GET /a?x=1 200 5 H3_NO_ERROR"});
  CHECK(world.server->stats().requests == 1);
  CHECK(world.server->stats().responses == 1);
  CHECK(world.server->stats().open_requests == 0);
}
