// SPDX-License-Identifier: MIT
/// What belongs to a message beside its headers and body: trailers, expectations, lengths, tunnels,
/// and how long it may take.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

ClientRequest post_of(std::string target, Headers headers, RequestBody body) {
  return {.method = "POST",
          .url = std::move(target),
          .headers = std::move(headers),
          .body = std::move(body)};
}

/// Answers with the body and the trailers of a request.
void echo(Request request, Response response) {
  request.read_body(1'000'000, [request, response](Result<std::string> body) mutable {
    for (const Field& field : request.trailers()) response.trailer(field.name, field.value);
    response.end(std::move(*body));
  });
}

}  // namespace

TEST_CASE("trailers of a request arrive with the end of its body, with or without a body") {
  HttpWorld world;
  world.server->post("/", echo);
  for (const std::string body : {"", "some text"}) {
    INFO("body of " << body.size() << " bytes");
    ClientRequest request = post_of("/", {}, body.empty() ? RequestBody{} : RequestBody{body});
    request.trailers.add("x-digest", "abc");
    const auto reply = world.fetch(std::move(request));
    REQUIRE(reply.has_value());
    CHECK(reply->body == body);
    CHECK(reply->trailers.get("x-digest") == "abc");
  }
}

TEST_CASE("a writer may say trailers that only its last bytes have decided, on either side") {
  HttpWorld world;
  // Both count what they have sent.
  const auto counting = [](std::function<void(std::string)> say) {
    return [say = std::move(say), left = 300'000UL](std::span<std::byte> room) mutable {
      const std::size_t size = std::min(room.size(), left);
      std::ranges::fill(room.first(size), std::byte{'x'});
      left -= size;
      if (left == 0) say("300000");
      return Filled{.bytes = size, .last = left == 0};
    };
  };
  std::string seen;
  world.server->post("/", [&](Request request, Response response) {
    request.on_body([&, request, response](Bytes chunk, bool last) mutable {
      if (last) {
        seen = request.trailers().get("x-count").value_or("(none)");
        response.stream(counting(
            [response](const std::string& count) mutable { response.trailer("x-count", count); }));
      }
      return chunk.size();
    });
  });
  std::optional<Result<Reply>> outcome;
  Call call;
  ClientRequest request =
      post_of(HttpWorld::url("/"), {},
              {counting([&](const std::string& count) { call.trailer("x-count", count); })});
  call = world.client->request(std::move(request),
                               [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 10s));
  REQUIRE(outcome->has_value());
  CHECK(seen == "300000");
  CHECK((*outcome)->body.size() == 300'000);
  CHECK((*outcome)->trailers.get("x-count") == "300000");
}

TEST_CASE("trailers that HTTP does not allow fail their own message and nothing else") {
  HttpWorld world;
  world.server->post("/", echo);
  world.server->get(
      "/", [](Request, Response response) { response.trailer("bad name", "x").end("body"); });
  ClientRequest request = post_of("/", {}, "text");
  request.trailers.add("line", "a\nb");
  const auto refused = world.fetch(std::move(request));
  REQUIRE(!refused.has_value());
  CHECK(refused.error() == Error{UsageError::invalid_argument});
  CHECK(refused.error().detail().contains("line"));
  CHECK(world.get("/").status == 500);
  CHECK(world.fetch(post_of("/", {}, "text"))->body == "text");
}

// RFC 9110 §10.1.1.
TEST_CASE("a client that expects 100-continue is told to go on when the body is wanted") {
  HttpWorld world;
  world.server->post("/wanted", echo);
  world.server->post("/refused", [](Request, Response response) { response.status(403).end(); });
  const auto ask = [&](const std::string& target, std::string expectation) {
    std::vector<int> interim;
    std::optional<Result<Reply>> outcome;
    ClientCallbacks callbacks;
    Call call;
    auto sent = std::make_shared<bool>(false);
    bool may_send = false;
    callbacks.on_informational = [&](int status, const Headers&) {
      interim.push_back(status);
      may_send = true;
      call.resume();
    };
    callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
    call = world.client->request(
        post_of(HttpWorld::url(target), {{"expect", expectation}}, {[&](std::span<std::byte> room) {
                  if (!may_send) return Filled{};
                  room[0] = std::byte{'!'};
                  return Filled{.bytes = 1, .last = true};
                }}),
        std::move(callbacks));
    CHECK(world.network.run_until([&] { return outcome.has_value(); }, 5s));
    if (outcome) interim.push_back((*outcome)->status);
    call.cancel();
    world.network.run_for(1s);
    return interim;
  };
  CHECK(ask("/wanted", "100-Continue") == std::vector<int>{100, 200});
  CHECK(ask("/refused", "100-continue") == std::vector<int>{403});
}

TEST_CASE("nobody is told to go on who has gone on already, or has not asked") {
  HttpOptions options;
  options.client.continue_timeout = {};  // the body does not wait
  HttpWorld world{std::move(options)};
  world.server->post("/", [&](Request request, Response response) {
    world.network.host("10.0.0.1").after(1s, [=] { echo(request, response); });
  });
  for (const Headers& headers : {Headers{{"expect", "100-continue"}}, Headers{}}) {
    int interim = 0;
    std::optional<Result<Reply>> outcome;
    ClientCallbacks callbacks;
    callbacks.on_informational = [&](int, const Headers&) { ++interim; };
    callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
    world.client->request(post_of(HttpWorld::url("/"), headers, "text"), std::move(callbacks));
    REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 5s));
    CHECK((*outcome)->body == "text");
    CHECK(interim == 0);
  }
}

// RFC 9114 §4.1.2.
TEST_CASE("a body of another size than was promised is never taken for the whole") {
  HttpWorld world;
  std::vector<std::string> reasons;
  world.server->on_access(
      [&](const Access& access) { reasons.emplace_back(access.outcome.error.detail()); });
  const auto serve = [&](const std::string& path, const std::string& promised,
                         const std::string& body) {
    world.server->get(path, [=](Request, Response response) {
      response.header("content-length", promised).stream(writer_of(body));
    });
  };
  serve("/short", "5", "four");
  serve("/long", "3", "four");
  serve("/right", "4", "four");
  world.server->get("/whole", [](Request, Response response) {
    response.header("content-length", "3").end("four");
  });
  for (const std::string target : {"/short", "/long"}) {
    INFO(target);
    const auto reply = world.fetch({.method = "GET", .url = target, .headers = {}, .body = {}});
    REQUIRE(!reply.has_value());
    CHECK(reply.error() == Error{HttpError::internal_error});
    world.network.run_for(100ms);
    REQUIRE(!reasons.empty());
    CHECK(reasons.back().contains("content-length"));
  }
  CHECK(world.get("/right").body == "four");
  CHECK(world.get("/whole").status == 500);
  CHECK(world.server->stats().quic.connections_accepted == 1);
}

TEST_CASE("a request whose body is not as long as promised is given up") {
  HttpWorld world;
  std::vector<Error> errors;
  world.server->on_access([&](const Access& access) { errors.push_back(access.outcome.error); });
  world.server->post("/", echo);
  for (const std::size_t promised : {3U, 5U}) {
    const auto reply = world.fetch(post_of("/", {}, {writer_of("four"), promised}));
    REQUIRE(!reply.has_value());
    CHECK(reply.error().detail().contains("content-length"));
    world.network.run_for(100ms);
  }
  CHECK(world.fetch(post_of("/", {}, {writer_of("four"), 4}))->body == "four");
  world.network.run_for(100ms);
  CHECK(std::ranges::count(errors, Error{HttpError::no_error}) == 1);
  CHECK(world.server->stats().responses == 1);
}

// RFC 9110 §9.3.6, RFC 9114 §4.4.
TEST_CASE("CONNECT opens a tunnel that carries bytes both ways until either side ends it") {
  HttpWorld world;
  std::string asked;
  world.server->route("CONNECT", "/", [&](Request request, Response response) {
    asked = request.authority();
    if (!request.authority().ends_with(":443")) return response.status(403).end();
    auto kept = std::make_shared<std::string>();
    auto over = std::make_shared<bool>(false);
    request.on_body([=](Bytes chunk, bool last) mutable {
      *kept += as_text(chunk);
      *over = last;
      response.resume();
      return chunk.size();
    });
    response.stream([=](std::span<std::byte> room) {
      const std::size_t size = std::min(room.size(), kept->size());
      std::ranges::copy(as_bytes(*kept).first(size), room.begin());
      kept->erase(0, size);
      return Filled{.bytes = size, .last = *over && kept->empty()};
    });
  });
  std::string received;
  std::string to_send = "first";
  bool end = false;
  std::optional<Result<Reply>> outcome;
  ClientCallbacks callbacks;
  callbacks.on_data = [&](Bytes chunk, bool) {
    received += as_text(chunk);
    return chunk.size();
  };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  Call call = world.client->request({.method = "CONNECT",
                                     .url = HttpWorld::url("/"),
                                     .headers = {{"host", "b.example:443"}},
                                     .body = {[&](std::span<std::byte> room) {
                                       const std::string text = std::exchange(to_send, {});
                                       std::ranges::copy(as_bytes(text), room.begin());
                                       return Filled{.bytes = text.size(), .last = end};
                                     }}},
                                    std::move(callbacks));
  REQUIRE(world.network.run_until([&] { return received == "first"; }, 5s));
  CHECK(asked == "b.example:443");
  to_send = ", second";
  call.resume();
  REQUIRE(world.network.run_until([&] { return received == "first, second"; }, 5s));
  end = true;
  call.resume();
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 5s));
  REQUIRE(outcome->has_value());
  CHECK((*outcome)->status == 200);
  const auto refused = world.fetch(
      {.method = "CONNECT", .url = "/", .headers = {{"host", "b.example:25"}}, .body = {}});
  CHECK(refused->status == 403);
  world.server.reset();
}

TEST_CASE("CONNECT without a handler for it is refused") {
  HttpWorld world;
  world.server->get("/", [](Request, Response response) { response.end(); });
  const auto reply =
      world.fetch({.method = "CONNECT", .url = "/", .headers = {{"host", "b:1"}}, .body = {}});
  CHECK(reply->status == 405);
}

TEST_CASE("a whole request may take so long and no longer, whatever moves") {
  ServerConfig config;
  config.request_timeout = 3s;
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = {}}};
  world.server->post("/upload", echo);
  world.server->get("/silent", [](Request, Response) {});
  // A byte a second, for ever.
  const auto trickle = [&](io::SimulatedNetwork& network, std::function<void()> resume) {
    return
        [&network, resume = std::move(resume), next = Time{}](std::span<std::byte> room) mutable {
          if (network.now() < next) return Filled{};
          next = network.now() + 1s;
          network.host("10.0.0.1").after(1s, [resume] { resume(); });
          room[0] = std::byte{'x'};
          return Filled{.bytes = 1};
        };
  };
  world.server->get("/download", [&](Request, Response response) {
    response.stream(trickle(world.network, [response]() mutable { response.resume(); }));
  });
  const Time begin = world.network.now();
  CHECK(world.get("/silent").status == 503);
  CHECK(world.network.now() - begin < 4s);
  const auto download =
      world.fetch({.method = "GET", .url = "/download", .headers = {}, .body = {}});
  REQUIRE(!download.has_value());
  CHECK(download.error() == Error{HttpError::request_cancelled});
  Call call;
  std::optional<Result<Reply>> outcome;
  call = world.client->request(
      post_of(HttpWorld::url("/upload"), {}, {trickle(world.network, [&] { call.resume(); })}),
      [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 10s));
  CHECK((*outcome)->status == 408);
  CHECK(world.server->stats().timeouts == 3);
}

TEST_CASE("a handler may give its request another limit of time") {
  ServerConfig config;
  config.response_timeout = 2s;
  config.stream_idle_timeout = 2s;
  HttpWorld world{{.seed = 1, .server = std::move(config), .client = {}}};
  world.server->get("/poll", [&](Request, Response response) {
    response.timeout(10s);
    world.network.host("10.0.0.1").after(8s, [=]() mutable { response.end("news"); });
  });
  world.server->get("/short", [&](Request, Response response) { response.timeout(1s); });
  world.server->get("/endless", [&](Request, Response response) {
    response.timeout({});
    world.network.host("10.0.0.1").after(25s, [=]() mutable { response.end("at last"); });
  });
  CHECK(world.get("/poll").body == "news");
  const Time begin = world.network.now();
  CHECK(world.get("/short").status == 503);
  CHECK(world.network.now() - begin < 1800ms);
  CHECK(world.get("/endless").body == "at last");
}
