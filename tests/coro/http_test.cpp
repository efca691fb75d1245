// SPDX-License-Identifier: MIT
/// Coroutines of an HTTP server and client over the simulated network.
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/coro.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>

#include "support/http_world.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

struct CoroWorld : HttpWorld {
  Loop& server_loop = network.host("10.0.0.1");
  Loop& client_loop = network.host("10.0.0.2");
  TaskGroup group{client_loop};
};

Task<> echo(Request request, Response response) {
  BodyReader input{request};
  BodyWriter output{response};
  while (true) {
    const Result<SharedBytes> chunk = co_await input.read();
    if (!chunk) co_return;
    if (chunk->view().empty()) break;
    const Result<> written = co_await output.write(*chunk);
    if (!written) co_return;
  }
  output.end();
}

/// Sets its flag when it goes.
class Flag {
 public:
  explicit Flag(bool& flag) : flag_(flag) {}

  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;

  ~Flag() { flag_ = true; }

 private:
  bool& flag_;
};

}  // namespace

TEST_CASE("a coroutine fetches what a coroutine answers") {
  CoroWorld world;
  world.server->get("/", task_handler(world.server_loop, [&](Request, Response response) -> Task<> {
                      return [](Loop& loop, Response answer) -> Task<> {
                        co_await sleep(loop, 5ms);
                        answer.end("later");
                      }(world.server_loop, response);
                    }));
  std::string body;
  const auto fetch = [](Client& client, std::string& out) -> Task<> {
    const Result<Reply> reply = co_await get(client, HttpWorld::url("/"));
    REQUIRE(reply.has_value());
    out = reply->body;
  };
  world.group.spawn(fetch(*world.client, body));
  REQUIRE(world.network.run_until([&] { return !body.empty(); }, 10s));
  CHECK(body == "later");
}

TEST_CASE("a coroutine echoes a body of megabytes as it reads it") {
  CoroWorld world;
  world.server->post("/echo", task_handler(world.server_loop, echo));
  const std::string text = pattern(3'000'000);
  ClientRequest request;
  request.method = "POST";
  request.url = "/echo";
  request.body = text;
  const Result<Reply> reply = world.fetch(std::move(request));
  REQUIRE(reply.has_value());
  CHECK(reply->body == text);
}

TEST_CASE("what a coroutine handler throws is a 500, or a reset after the headers") {
  CoroWorld world;
  const auto before = [](Loop& loop, Response response) -> Task<> {
    response.header("content-type", "text/html");
    co_await sleep(loop, 1ms);
    throw std::runtime_error{"broken"};
  };
  const auto within_body = [](Loop& loop, Response response) -> Task<> {
    BodyWriter output{response};
    (void)co_await output.write("part");
    co_await sleep(loop, 1ms);
    throw std::runtime_error{"broken"};
  };
  Loop& loop = world.server_loop;
  world.server->get("/early",
                    task_handler(loop, [&](Request, Response to) { return before(loop, to); }));
  world.server->get(
      "/late", task_handler(loop, [&](Request, Response to) { return within_body(loop, to); }));
  CHECK(world.get("/early").status == 500);
  ClientRequest request;
  request.url = "/late";
  const Result<Reply> reply = world.fetch(std::move(request));
  REQUIRE_FALSE(reply.has_value());
  CHECK(reply.error() == Error{HttpError::internal_error});
}

TEST_CASE("a body writer that goes before its end resets the stream") {
  CoroWorld world;
  world.server->get("/", task_handler(world.server_loop, [](Request, Response response) -> Task<> {
                      BodyWriter output{response};
                      (void)co_await output.write("part");
                    }));
  ClientRequest request;
  request.url = "/";
  CHECK_FALSE(world.fetch(std::move(request)).has_value());
}

TEST_CASE("a handler is destroyed where it waits when the client gives up") {
  CoroWorld world;
  bool gone = false;
  bool resumed = false;
  const auto wait = [](Loop& loop, Response response, bool& out, bool& after) -> Task<> {
    const Flag flag{out};
    co_await sleep(loop, 10s);
    after = true;
    response.end();
  };
  world.server->get("/", task_handler(world.server_loop, [&](Request, Response response) {
                      return wait(world.server_loop, response, gone, resumed);
                    }));
  // Cancelling: the task that waits for the reply is destroyed.
  const auto fetch = [](Client& client) -> Task<> {
    (void)co_await get(client, HttpWorld::url("/"));
  };
  auto impatient = [](Loop& loop, Task<> task) -> Task<> {
    (void)co_await within(loop, 100ms, std::move(task));
  };
  world.group.spawn(impatient(world.client_loop, fetch(*world.client)));
  REQUIRE(world.network.run_until([&] { return gone; }, 5s));
  CHECK_FALSE(resumed);
  CHECK(world.client->stats().open_requests == 0);
}

TEST_CASE("a handler may destroy its server, also after it has waited") {
  CoroWorld world;
  bool gone = false;
  const auto destroy = [](Loop& loop, std::optional<Server>& server, bool& out) -> Task<> {
    const Flag flag{out};
    co_await sleep(loop, 1ms);
    server.reset();
    CHECK_FALSE(out);
    co_await sleep(loop, 1ms);
    FAIL("resumed after its end");
  };
  world.server->get("/", task_handler(world.server_loop, [&](Request, Response) {
                      return destroy(world.server_loop, world.server, gone);
                    }));
  ClientRequest request;
  request.url = "/";
  CHECK_FALSE(world.fetch(std::move(request)).has_value());
  CHECK(gone);
}

TEST_CASE("a request of a client that is destroyed ends with closed") {
  CoroWorld world;
  std::optional<Result<Reply>> outcome;
  const auto fetch = [](Client& client, std::optional<Result<Reply>>& out) -> Task<> {
    out = co_await get(client, HttpWorld::url("/"));
  };
  world.group.spawn(fetch(*world.client, outcome));
  world.client.reset();
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 5s));
  CHECK(outcome->error() == Error{UsageError::closed});
}

TEST_CASE("all callbacks for the end of a request are called, in their order") {
  HttpWorld world;
  std::string order;
  world.server->get("/", [&](Request, Response response) {
    response.on_closed([&](const Outcome&) { order += "a"; });
    response.on_closed([&](const Outcome&) { order += "b"; });
    response.end();
  });
  CHECK(world.get("/").status == 200);
  REQUIRE(world.network.run_until([&] { return order.size() == 2; }, 5s));
  CHECK(order == "ab");
}

}  // namespace quoin::test
