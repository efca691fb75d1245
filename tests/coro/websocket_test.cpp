// SPDX-License-Identifier: MIT
/// WebSockets in coroutines over the simulated network.
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/coro.hpp>
#include <quoin/coro/websocket.hpp>
#include <quoin/error.hpp>
#include <quoin/websocket.hpp>

#include "support/websocket_world.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

Task<> echo(WebSocket socket) {
  WebSocketChannel channel{socket};
  while (true) {
    const Result<WebSocketMessage> message = co_await channel.receive();
    if (!message) co_return;
    const Result<> sent = co_await channel.send(*message);
    if (!sent) co_return;
  }
}

struct CoroWebSocketWorld : HttpWorld {
  CoroWebSocketWorld() {
    server->route("CONNECT", "/ws", [this](Request request, Response response) {
      const auto socket = accept_websocket(server_loop, request, response);
      if (socket) at_server.spawn(echo(*socket));
    });
  }

  Loop& server_loop = network.host("10.0.0.1");
  Loop& client_loop = network.host("10.0.0.2");
  TaskGroup at_server{server_loop};
  TaskGroup at_client{client_loop};
};

}  // namespace

TEST_CASE("a coroutine talks to a coroutine over a WebSocket, and each waits for the other") {
  CoroWebSocketWorld world;
  std::optional<WebSocketEnd> end;
  constexpr int count = 300;
  int echoed = 0;
  const auto talk = [](Loop& loop, Client& client, int& out,
                       std::optional<WebSocketEnd>& how) -> Task<> {
    WebSocketRequest request;
    request.url = "wss://10.0.0.1:4433/ws";
    const Result<WebSocket> socket = co_await open_websocket(loop, client, std::move(request));
    REQUIRE(socket);
    WebSocketChannel channel{*socket};
    for (int i = 0; i < count; ++i) {
      const Result<> sent = co_await channel.send(std::to_string(i) + std::string(9000, '.'));
      REQUIRE(sent);
      const Result<WebSocketMessage> message = co_await channel.receive();
      REQUIRE(message);
      CHECK(message->data.starts_with(std::to_string(i) + '.'));
      ++out;
    }
    (void)channel.socket().close(CloseCode::normal, "enough");
    const Result<WebSocketMessage> none = co_await channel.receive();
    CHECK(none.error() == Error{UsageError::closed});
    REQUIRE(channel.end() != nullptr);
    how = *channel.end();
  };
  world.at_client.spawn(talk(world.client_loop, *world.client, echoed, end));
  REQUIRE(world.network.run_until([&] { return end.has_value(); }, 1min));
  CHECK(echoed == count);
  CHECK(end->clean);
}

TEST_CASE("a send waits for room, and messages that nobody receives stay with the peer") {
  WebSocketWorld world;
  world.connect();
  world.at_server.socket.pause();
  TaskGroup group{world.client_loop};
  int sent = 0;
  const auto send = [](WebSocket socket, int& out) -> Task<> {
    WebSocketChannel channel{socket};
    while (out < 1000) {
      const Result<> done = co_await channel.send(std::string(10'000, 'x'));
      REQUIRE(done);
      ++out;
    }
    (void)channel.socket().close();
    while (co_await channel.receive()) {
    }
  };
  group.spawn(send(world.at_client.socket, sent));
  world.network.run_for(10s);
  CHECK(sent < 1000);
  CHECK(world.at_server.messages.empty());
  world.at_server.socket.resume();
  world.run_until([&] { return world.at_server.end.has_value(); });
  CHECK(world.at_server.messages.size() == 1000);
  CHECK(world.at_server.end->clean);
}

TEST_CASE("a coroutine that is cancelled closes its WebSocket, and takes no message along") {
  WebSocketWorld world;
  world.connect();
  std::optional<TaskGroup> group;
  group.emplace(world.client_loop);
  const auto wait = [](WebSocket socket) -> Task<> {
    WebSocketChannel channel{socket};
    (void)co_await channel.receive();
    FAIL("resumed after its end");
  };
  group->spawn(wait(world.at_client.socket));
  world.network.run_for(1s);
  group.reset();
  world.run_until([&] { return world.at_server.end.has_value(); });
  CHECK(world.at_server.end->code == CloseCode::going_away);
}

TEST_CASE("who waits for a message of a server that is destroyed is told") {
  CoroWebSocketWorld world;
  std::optional<Error> error;
  const auto wait = [](Loop& loop, Client& client, std::optional<Error>& out) -> Task<> {
    WebSocketRequest request;
    request.url = "wss://10.0.0.1:4433/ws";
    const Result<WebSocket> socket = co_await open_websocket(loop, client, std::move(request));
    REQUIRE(socket);
    WebSocketChannel channel{*socket};
    const Result<WebSocketMessage> message = co_await channel.receive();
    out = message.error();
  };
  world.at_client.spawn(wait(world.client_loop, *world.client, error));
  world.network.run_for(1s);
  SECTION("the server goes") { world.server.reset(); }
  SECTION("the client goes") { world.client.reset(); }
  REQUIRE(world.network.run_until([&] { return error.has_value(); }, 1min));
  CHECK(*error == Error{UsageError::closed});
}

}  // namespace quoin::test
