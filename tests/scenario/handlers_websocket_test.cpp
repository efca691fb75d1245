// SPDX-License-Identifier: MIT
/// Every handler of WebSockets, at both ends: each throws, destroys the server or client, and
/// replaces itself in the middle of a scenario that calls all of them, in two rounds.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/websocket.hpp>

#include "support/hooks.hpp"
#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

struct Scenario : HttpWorld {
  explicit Scenario(Hooks& all) : hooks(all) {
    hooks.listen(server_loop);
    hooks.listen(client_loop);
    hooks.owners["server"] = [this] { server.reset(); };
    hooks.owners["client"] = [this] { client.reset(); };
    server->route("CONNECT", "/ws", [this](Request request, Response response) {
      const auto opened = accept_websocket(server_loop, request, response, options());
      REQUIRE(opened);
      use(*opened, "server");
    });
  }

  [[nodiscard]] static WebSocketOptions options() {
    WebSocketOptions made;
    made.send_buffer = 1000;
    return made;
  }

  void use(WebSocket socket, const std::string& side) {
    hooks.place(side + " on_message", [this, socket](const std::string& name) mutable {
      socket.on_message([this, name](const WebSocketMessage&) { hooks(name); });
    });
    hooks.place(side + " on_pong", [this, socket](const std::string& name) mutable {
      socket.on_pong([this, name](std::string_view) { hooks(name); });
    });
    hooks.place(side + " on_writable", [this, socket](const std::string& name) mutable {
      socket.on_writable([this, name] { hooks(name); });
    });
    socket.on_closed([this, side](const WebSocketEnd& end) {
      ends[side].push_back(end.code);
      hooks(side + " on_closed");
    });
    sockets.push_back(socket);
  }

  /// A WebSocket, all kinds of things in both directions, and its end.
  void run_round() {
    sockets.clear();
    WebSocketRequest request;
    request.url = "wss://10.0.0.1:4433/ws";
    request.options = options();
    open_websocket(client_loop, *client, std::move(request), [this](Result<WebSocket> opened) {
      if (opened) use(*opened, "client");
      hooks("client open_websocket");
    });
    network.run_for(1s);
    for (int i = 0; i < 2; ++i) {
      for (WebSocket& socket : sockets) {
        (void)socket.ping("p");
        // The second is refused, and there is room for it later.
        for (int part = 0; part < 2; ++part) (void)socket.send_text(std::string(900, 'x'));
      }
      network.run_for(1s);
    }
    if (!sockets.empty()) (void)sockets.back().close();
    network.run_for(10s);
  }

  void run() {
    for (int round = 0; round < 2 && server && client; ++round) run_round();
  }

  Hooks& hooks;
  Loop& server_loop = network.host("10.0.0.1");
  Loop& client_loop = network.host("10.0.0.2");
  std::vector<WebSocket> sockets;
  std::map<std::string, std::vector<CloseCode>> ends;
};

struct Row {
  const char* name;
  const char* where;  ///< for Loop::on_exception()
  bool closes;        ///< the WebSocket, if it throws
};

const std::array rows{
    Row{"server on_message", "WebSocket::on_message", true},
    Row{"server on_pong", "WebSocket::on_pong", true},
    Row{"server on_writable", "WebSocket::on_writable", true},
    Row{"server on_closed", "WebSocket::on_closed", false},
    Row{"client on_message", "WebSocket::on_message", true},
    Row{"client on_pong", "WebSocket::on_pong", true},
    Row{"client on_writable", "WebSocket::on_writable", true},
    Row{"client on_closed", "WebSocket::on_closed", false},
    Row{"client open_websocket", "open_websocket", true},
};

}  // namespace

TEST_CASE("the scenario of all WebSocket handlers calls them all, in both rounds") {
  auto counts = peaceful<Scenario>().hooks.counts;
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(counts[row.name] >= 2);
  }
}

TEST_CASE("a WebSocket handler that throws closes at most its WebSocket, with 1011") {
  const Row& row = rows[GENERATE(Catch::Generators::range(std::size_t{0}, rows.size()))];
  const Deed deed = GENERATE(Deed::throw_error, Deed::throw_int);
  INFO(row.name);
  Hooks hooks{row.name, deed};
  Scenario scenario{hooks};
  scenario.run();
  CHECK(hooks.reports == std::vector<std::string>{row.where});
  CHECK(hooks.counts[row.name] >= 2);
  const CloseCode first = row.closes ? CloseCode::internal_error : CloseCode::normal;
  const std::vector<CloseCode> expected{first, CloseCode::normal};
  CHECK(scenario.ends["server"] == expected);
  CHECK(scenario.ends["client"] == expected);
  if (!row.closes) CHECK(hooks.counts == peaceful<Scenario>().hooks.counts);
  CHECK(scenario.server->stats().open_requests == 0);
  CHECK(scenario.client->stats().open_requests == 0);
}

TEST_CASE("a WebSocket handler may destroy the server or client, and throw then") {
  const Row& row = rows[GENERATE(Catch::Generators::range(std::size_t{0}, rows.size()))];
  const Deed deed = GENERATE(Deed::destroy, Deed::destroy_and_throw);
  INFO(row.name);
  Hooks hooks{row.name, deed};
  Scenario scenario{hooks};
  scenario.run();
  CHECK(hooks.counts[row.name] == 1);
  CHECK(hooks.late.empty());
  CHECK(hooks.reports.size() == (deed == Deed::destroy_and_throw ? 1 : 0));
}

TEST_CASE("a WebSocket handler may replace itself") {
  const std::string name = GENERATE("server on_message", "server on_pong", "server on_writable",
                                    "client on_message", "client on_pong", "client on_writable");
  INFO(name);
  Hooks hooks{name, Deed::replace};
  Scenario scenario{hooks};
  scenario.run();
  CHECK(hooks.counts[name] + hooks.counts[Hooks::replaced(name)] ==
        peaceful<Scenario>().hooks.counts[name]);
  CHECK(hooks.counts[Hooks::replaced(name)] >= 1);
}
