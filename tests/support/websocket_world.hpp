// SPDX-License-Identifier: MIT
/// A WebSocket between two hosts of a simulated network, or between one and a peer that sends any
/// bytes a test wants.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/websocket.hpp>

#include "support/http_world.hpp"

namespace quoin::test {

/// One end, and what it has seen.
struct WebSocketSide {
  void use(WebSocket opened) {
    socket = opened;
    socket.on_message([this](const WebSocketMessage& message) { messages.push_back(message); });
    socket.on_closed([this](const WebSocketEnd& how) { end = how; });
  }

  WebSocket socket;
  std::vector<WebSocketMessage> messages;
  std::optional<WebSocketEnd> end;
};

/// The server has a WebSocket at /ws.
struct WebSocketWorld : HttpWorld {
  explicit WebSocketWorld(WebSocketOptions server_options = {}, HttpOptions options = {})
      : HttpWorld(std::move(options)) {
    server->route("CONNECT", "/ws", [this, server_options](Request request, Response response) {
      const auto opened = accept_websocket(server_loop, request, response, server_options);
      if (opened) at_server.use(*opened);
    });
  }

  /// The outcome of an attempt to connect.
  Result<WebSocket> try_to_connect(WebSocketRequest request) {
    std::optional<Result<WebSocket>> outcome;
    if (request.url.empty()) request.url = "wss://10.0.0.1:4433/ws";
    open_websocket(client_loop, *client, std::move(request), [&](Result<WebSocket> opened) {
      if (opened) at_client.use(*opened);
      outcome = std::move(opened);
    });
    REQUIRE(network.run_until([&] { return outcome.has_value(); }, std::chrono::minutes{1}));
    return *outcome;
  }

  void connect(WebSocketOptions options = {}) {
    const auto opened = try_to_connect({.url = {}, .headers = {}, .options = std::move(options)});
    INFO((opened ? std::string{} : opened.error().message()));
    REQUIRE(opened);
    REQUIRE(at_server.socket);
  }

  template <class Done>
  void run_until(Done done) {
    REQUIRE(network.run_until(done, std::chrono::minutes{1}));
  }

  Loop& server_loop = network.host("10.0.0.1");
  Loop& client_loop = network.host("10.0.0.2");
  WebSocketSide at_server;
  WebSocketSide at_client;
};

/// A frame with any first byte; `masked` with a mask of zeros.
[[nodiscard]] inline std::string raw_frame(std::uint8_t first, std::string_view payload,
                                           bool masked = true) {
  const unsigned mask_bit = masked ? 0x80U : 0U;
  std::string text{static_cast<char>(first)};
  if (payload.size() < 126) {
    text += static_cast<char>(mask_bit | payload.size());
  } else {
    text += static_cast<char>(mask_bit | 126U);
    text += static_cast<char>(payload.size() >> 8U);
    text += static_cast<char>(payload.size() & 0xffU);
  }
  if (masked) text.append(4, '\0');
  return text + std::string{payload};
}

/// The payload of a close frame.
[[nodiscard]] inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)} +
         std::string{reason};
}

/// A client that opens a WebSocket and then sends bytes of its own.
struct RawWebSocketClient {
  explicit RawWebSocketClient(WebSocketWorld& in) : world(in) {
    ClientRequest request;
    request.method = "CONNECT";
    request.protocol = "websocket";
    request.url = HttpWorld::url("/ws");
    request.headers.add("sec-websocket-version", "13");
    request.body = RequestBody{[this](std::span<std::byte> room) {
      const Bytes rest = as_bytes(outgoing).subspan(sent);
      const Bytes part = rest.first(std::min(rest.size(), room.size()));
      std::ranges::copy(part, room.begin());
      sent += part.size();
      return Filled{.bytes = part.size(), .last = ends && sent == outgoing.size()};
    }};
    ClientCallbacks callbacks;
    callbacks.on_headers = [this](int answer, const Headers&) { status = answer; };
    callbacks.on_data = [this](Bytes chunk, bool) {
      if (!reads) return std::size_t{0};
      received += as_text(chunk);
      return chunk.size();
    };
    callbacks.done = [this](Result<Reply> reply) { done = std::move(reply); };
    call = world.client->request(std::move(request), std::move(callbacks));
    world.run_until([&] { return status != 0; });
  }

  void send(std::string_view bytes) {
    outgoing += bytes;
    call.resume();
  }

  WebSocketWorld& world;
  Call call;
  std::string outgoing;
  std::size_t sent = 0;
  bool ends = false;
  bool reads = true;
  std::string received;
  int status = 0;
  std::optional<Result<Reply>> done;
};

}  // namespace quoin::test
