// SPDX-License-Identifier: MIT
/// WebSockets between a server and a client that behave: handshake, messages, closing, and what
/// happens when one of them is slow or gone.
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/websocket.hpp>

#include "support/websocket_world.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

WebSocketRequest with_headers(Headers headers) {
  return {.url = {}, .headers = std::move(headers), .options = {}};
}

}  // namespace

// RFC 9220 §3.
TEST_CASE("a WebSocket carries text and bytes both ways, with the subprotocol that both know") {
  WebSocketOptions options;
  options.subprotocols = {"chat.v2", "chat.v1"};
  WebSocketWorld world{options};
  options.subprotocols = {"chat.v1", "other", "chat.v2"};
  world.connect(options);
  CHECK(world.at_client.socket.subprotocol() == "chat.v2");
  CHECK(world.at_server.socket.subprotocol() == "chat.v2");
  const std::string bytes = pattern(70'000);
  REQUIRE(world.at_client.socket.send_text("gr\u00fc\u00dfe"));
  REQUIRE(world.at_client.socket.send_text(""));
  REQUIRE(world.at_server.socket.send_binary(as_bytes(bytes)));
  world.run_until(
      [&] { return world.at_server.messages.size() == 2 && world.at_client.messages.size() == 1; });
  CHECK(world.at_server.messages[0].type == MessageType::text);
  CHECK(world.at_server.messages[0].data == "gr\u00fc\u00dfe");
  CHECK(world.at_server.messages[1].data.empty());
  CHECK(world.at_client.messages[0].type == MessageType::binary);
  CHECK((world.at_client.messages[0].data == bytes));
  CHECK(world.at_client.socket.stats().messages_sent == 2);
  CHECK(world.at_server.socket.stats().messages_received == 2);
}

TEST_CASE("what is said to the last message arrives, although the close came with that message") {
  WebSocketWorld world;
  world.connect();
  world.at_server.socket.on_message([&world](const WebSocketMessage& message) {
    REQUIRE(world.at_server.socket.send_text(message.data + '!'));
  });
  REQUIRE(world.at_client.socket.send_text("last"));
  REQUIRE(world.at_client.socket.close(CloseCode::normal));
  world.run_until([&] { return world.at_client.end.has_value(); });
  REQUIRE(world.at_client.messages.size() == 1);
  CHECK(world.at_client.messages[0].data == "last!");
  CHECK(world.at_client.end->clean);
}

TEST_CASE("handshakes that a server refuses say so with their status") {
  WebSocketWorld world;
  bool fallback_asked = false;
  world.server->fallback([&](Request, Response response) {
    fallback_asked = true;
    response.end("a page");
  });
  const auto refused = [&](WebSocketRequest request) {
    const auto outcome = world.try_to_connect(std::move(request));
    REQUIRE(!outcome);
    CHECK(outcome.error() == Error{HttpError::connect_error});
    return std::string{outcome.error().detail()};
  };
  CHECK(refused({.url = "wss://10.0.0.1:4433/other", .headers = {}, .options = {}})
            .ends_with("status 404"));
  CHECK(refused(with_headers({{"origin", "https://evil.example"}})).ends_with("status 403"));
  CHECK(!fallback_asked);
  CHECK(!world.at_server.socket);
  CHECK(world.try_to_connect(with_headers({{"origin", "https://10.0.0.1:4433"}})));
}

// RFC 6455 §4.
TEST_CASE("a request that is no WebSocket handshake is answered with what is wrong") {
  WebSocketWorld world;
  const auto status_of = [&](std::string protocol, Headers headers) {
    ClientRequest request;
    request.method = "CONNECT";
    request.protocol = std::move(protocol);
    request.url = "/ws";
    request.headers = std::move(headers);
    const auto reply = world.fetch(std::move(request));
    REQUIRE(reply);
    if (reply->status == 400) CHECK(reply->headers.get("sec-websocket-version") == "13");
    return reply->status;
  };
  CHECK(status_of("websocket", {}) == 400);
  CHECK(status_of("websocket", {{"sec-websocket-version", "8"}}) == 400);
  CHECK(status_of("connect-udp", {{"sec-websocket-version", "13"}}) == 501);
}

TEST_CASE("pages of other origins may connect where the server says so") {
  WebSocketOptions options;
  options.origins = {GENERATE(as<std::string>{}, "https://friend.example", "*")};
  WebSocketWorld world{options};
  CHECK(world.try_to_connect(with_headers({{"origin", "https://friend.example"}})));
}

// RFC 6455 §4.1.
TEST_CASE("a client takes no subprotocol or extension that it has not offered") {
  WebSocketWorld world;
  world.server->route("CONNECT", "/ws", [](Request, Response response) {
    response.header("sec-websocket-protocol", "surprise").stream([](auto) { return Filled{}; });
  });
  world.server->route("CONNECT", "/extended", [](Request, Response response) {
    response.header("sec-websocket-extensions", "x").stream([](auto) { return Filled{}; });
  });
  CHECK(world.try_to_connect({}).error() == Error{HttpError::connect_error});
  CHECK(world.try_to_connect({.url = "wss://10.0.0.1:4433/extended", .headers = {}, .options = {}})
            .error() == Error{HttpError::connect_error});
}

TEST_CASE("a message goes out in parts before its end is known, and others wait") {
  WebSocketWorld world;
  world.connect();
  WebSocket& socket = world.at_client.socket;
  const std::string text = "\u00e4\u20ac";
  // The parts may cut a character.
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    REQUIRE(socket.send_fragment(MessageType::text, as_bytes(text).subspan(i, 1), false));
    CHECK(socket.send_text("other").error() == Error{UsageError::invalid_argument});
    CHECK(socket.send_fragment(MessageType::binary, {}, false).error() ==
          Error{UsageError::invalid_argument});
  }
  CHECK(socket.send_fragment(MessageType::text, as_bytes("x"), true).error() ==
        Error{UsageError::invalid_argument});
  REQUIRE(socket.send_fragment(MessageType::text, as_bytes(text).last(1), true));
  REQUIRE(socket.send_text("other"));
  world.run_until([&] { return world.at_server.messages.size() == 2; });
  CHECK(world.at_server.messages[0].data == text);
  CHECK(world.at_server.messages[1].data == "other");
}

// RFC 3629 §4.
TEST_CASE("text that is no UTF-8 is not sent") {
  WebSocketWorld world;
  world.connect();
  for (const char* const bad : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    CHECK(world.at_client.socket.send_text(bad).error() == Error{UsageError::invalid_argument});
  }
  REQUIRE(world.at_client.socket.send_text("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"));
}

TEST_CASE("either side closes with a code and a reason, which the other one sees and answers") {
  const bool by_client = GENERATE(true, false);
  const auto code = static_cast<CloseCode>(
      GENERATE(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4999));
  WebSocketWorld world;
  world.connect();
  WebSocketSide& closer = by_client ? world.at_client : world.at_server;
  WebSocketSide& other = by_client ? world.at_server : world.at_client;
  REQUIRE(closer.socket.send_text("the last words"));
  REQUIRE(closer.socket.close(code, "because"));
  CHECK(closer.socket.close().error() == Error{UsageError::closed});
  CHECK(closer.socket.send_text("more").error() == Error{UsageError::closed});
  CHECK(closer.socket.ping().error() == Error{UsageError::closed});
  world.run_until([&] { return closer.end && other.end; });
  REQUIRE(other.messages.size() == 1);
  CHECK(other.end->code == code);
  CHECK(other.end->reason == "because");
  CHECK(other.end->clean);
  CHECK(closer.end->code == code);
  CHECK(closer.end->clean);
  CHECK(!closer.socket);
  CHECK(closer.socket.send_text("more").error() == Error{UsageError::stale_handle});
  world.run_until([&] {
    return world.server->stats().open_requests == 0 && world.client->stats().open_requests == 0;
  });
}

// RFC 6455 §7.4.1.
TEST_CASE("codes and reasons that must not be in a close frame are refused") {
  WebSocketWorld world;
  world.connect();
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
    CHECK(world.at_client.socket.close(static_cast<CloseCode>(code)).error() ==
          Error{UsageError::invalid_argument});
  }
  CHECK(world.at_client.socket.close(CloseCode::normal, std::string(124, 'x')).error() ==
        Error{UsageError::invalid_argument});
  CHECK(world.at_client.socket.close(CloseCode::normal, "\xff").error() ==
        Error{UsageError::invalid_argument});
  CHECK(world.at_client.socket.close(CloseCode::normal, std::string(123, 'x')));
}

TEST_CASE("a message beyond the limit closes with 1009, whatever it is cut into") {
  WebSocketOptions options;
  options.max_message = 100'000;
  WebSocketWorld world{options};
  world.connect();
  REQUIRE(world.at_client.socket.send_text(std::string(100'000, 'x')));
  world.run_until([&] { return world.at_server.messages.size() == 1; });
  REQUIRE(world.at_client.socket.send_text(std::string(100'001, 'x')));
  world.run_until([&] { return world.at_server.end && world.at_client.end; });
  CHECK(world.at_server.end->code == CloseCode::message_too_big);
  CHECK(!world.at_server.end->clean);
  CHECK(world.at_client.end->code == CloseCode::message_too_big);
  CHECK(world.at_server.messages.size() == 1);
}

TEST_CASE("who does not read holds the other one back, and then gets everything in order") {
  WebSocketWorld world;
  world.connect();
  world.at_server.socket.pause();
  int writable = 0;
  world.at_client.socket.on_writable([&] { ++writable; });
  std::size_t sent = 0;
  const auto send = [&] {
    while (world.at_client.socket.send_text(std::to_string(sent) + std::string(10'000, ' '))) {
      ++sent;
    }
  };
  send();
  CHECK(world.at_client.socket.stats().sends_refused == 1);
  for (int i = 0; i < 8; ++i) {
    world.network.run_for(1s);
    send();
  }
  const std::size_t before = sent;
  world.network.run_for(5s);
  send();
  CHECK(sent == before);
  CHECK(sent < 1000);  // of 10 kB each
  CHECK(world.at_server.messages.empty());
  CHECK(world.at_client.socket.stats().bytes_waiting <= WebSocketOptions{}.send_buffer);
  world.at_server.socket.resume();
  CHECK(world.at_server.messages.empty());  // not within the call
  world.run_until([&] { return world.at_server.messages.size() == sent; });
  for (std::size_t i = 0; i < sent; ++i) {
    CHECK(world.at_server.messages[i].data.starts_with(std::to_string(i) + ' '));
  }
  CHECK(writable > 0);
}

TEST_CASE("messages that came before their handler are not lost") {
  WebSocketWorld world;
  world.connect();
  world.at_server.socket.on_message({});
  REQUIRE(world.at_client.socket.send_text("early"));
  REQUIRE(world.at_client.socket.send_text("bird"));
  world.network.run_for(1s);
  std::vector<std::string> got;
  world.at_server.socket.on_message(
      [&](const WebSocketMessage& message) { got.push_back(message.data); });
  world.run_until([&] { return got.size() == 2; });
  CHECK(got == std::vector<std::string>{"early", "bird"});
}

TEST_CASE("an idle WebSocket is kept alive, and one whose peer has vanished is given up in time") {
  WebSocketWorld world;
  world.connect();
  world.network.run_for(10min);
  REQUIRE(world.at_client.socket);
  REQUIRE(world.at_server.socket);
  world.network.outage("10.0.0.1", "10.0.0.2", {}, 1h);
  const Time lost = world.network.now();
  world.run_until([&] { return world.at_server.end && world.at_client.end; });
  CHECK(world.network.now() - lost <= 31s);
  CHECK(world.at_server.end->code == CloseCode::abnormal);
  CHECK(!world.at_server.end->clean);
  CHECK(!(world.at_server.end->error == Error{}));
}

TEST_CASE("without pings the time limits of the server end a silent WebSocket") {
  WebSocketOptions options;
  options.ping_interval = {};
  WebSocketWorld world{options};
  world.connect(options);
  world.run_until([&] { return world.at_server.end && world.at_client.end; });
  CHECK(world.at_server.end->code == CloseCode::abnormal);
}

TEST_CASE("a ping of the application is answered with its payload") {
  WebSocketWorld world;
  world.connect();
  std::optional<std::string> pong;
  world.at_client.socket.on_pong([&](std::string_view payload) { pong = payload; });
  CHECK(world.at_client.socket.ping(std::string(126, 'x')).error() == Error{UsageError::too_large});
  REQUIRE(world.at_client.socket.ping("are you there?"));
  world.run_until([&] { return pong.has_value(); });
  CHECK(pong == "are you there?");
}

TEST_CASE("terminating a WebSocket ends it abnormally on both sides") {
  const bool by_client = GENERATE(true, false);
  WebSocketWorld world;
  world.connect();
  WebSocketSide& side = by_client ? world.at_client : world.at_server;
  side.socket.reset();
  CHECK(!side.end);  // not within the call
  world.run_until([&] { return world.at_server.end && world.at_client.end; });
  CHECK(world.at_client.end->code == CloseCode::abnormal);
  CHECK(world.at_server.end->code == CloseCode::abnormal);
}

TEST_CASE("a handler may destroy what it runs on") {
  WebSocketWorld world;
  world.connect();
  SECTION("the server") {
    world.at_server.socket.on_message([&](const WebSocketMessage&) { world.server.reset(); });
    REQUIRE(world.at_client.socket.send_text("x"));
    world.run_until([&] { return world.at_client.end.has_value(); });
    CHECK(!world.at_server.socket);
    CHECK(!world.at_server.end);
  }
  SECTION("the client, after a pause") {
    world.at_client.socket.pause();
    REQUIRE(world.at_server.socket.send_text("x"));
    world.network.run_for(1s);
    world.at_client.socket.on_message([&](const WebSocketMessage&) { world.client.reset(); });
    world.at_client.socket.resume();
    world.run_until([&] { return world.at_server.end.has_value(); });
    CHECK(!world.at_client.socket);
    CHECK(world.at_server.end->code == CloseCode::abnormal);
  }
}

TEST_CASE("an attempt that is cancelled, or finds nobody, ends with an error") {
  WebSocketWorld world;
  std::optional<Result<WebSocket>> outcome;
  Call call = open_websocket(world.client_loop, *world.client,
                             {.url = "wss://10.0.0.1:4433/ws", .headers = {}, .options = {}},
                             [&](Result<WebSocket> opened) { outcome = std::move(opened); });
  call.cancel();
  world.run_until([&] { return outcome.has_value(); });
  CHECK(outcome->error() == Error{HttpError::request_cancelled});
  const auto wrong =
      world.try_to_connect({.url = "ws://10.0.0.1:4433/ws", .headers = {}, .options = {}});
  CHECK(wrong.error() == Error{UsageError::invalid_argument});
}

}  // namespace quoin::test
