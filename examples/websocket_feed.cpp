// SPDX-License-Identifier: MIT
/// A client of a WebSocket, and the server that it subscribes to, on a
/// simulated network. Prints what the feed says.
#include <chrono>
#include <iostream>
#include <string>

#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/websocket.hpp>

namespace {

void use(const std::string& text) { std::cout << text << '\n'; }

void subscribe(quoin::Loop& loop, quoin::Client& client) {
  quoin::open_websocket(
      loop, client,
      {.url = "wss://example.org/feed",
       .options = {.subprotocols = {"feed.v1"}}},
      [](quoin::Result<quoin::WebSocket> opened) {
        if (!opened) return;
        opened->on_message([](const auto& message) { use(message.data); });
        (void)opened->send_text("subscribe");
      });
}

/// Answers each message with two, and closes.
void feed(quoin::Loop& loop, quoin::Request request, quoin::Response response) {
  auto socket = quoin::accept_websocket(loop, request, response,
                                        {.subprotocols = {"feed.v1"}});
  if (!socket) return;
  socket->on_message([socket = *socket](const auto& message) mutable {
    (void)socket.send_text("to " + message.data + " is free");
    (void)socket.send_text("that is all");
    (void)socket.close();
  });
}

}  // namespace

int main() {
  using namespace std::chrono_literals;
  quoin::io::SimulatedNetwork network{7};
  network.link_both("10.0.0.1", "10.0.0.2", {.delay = 20ms});

  quoin::Loop& far = network.host("10.0.0.1");
  const quoin::Tls identity =
      quoin::Tls::self_signed({{"example.org"}}).value();
  quoin::Server server{far, identity};
  server.route("CONNECT", "/feed",
               [&far](quoin::Request request, quoin::Response response) {
                 feed(far, request, response);
               });
  server.listen("10.0.0.1:443").value();

  quoin::Loop& near = network.host("10.0.0.2");
  quoin::Client client{
      near, quoin::Tls::client_from_pem(identity.certificate_pem()).value()};
  const auto address = quoin::Address::parse("10.0.0.1:443").value();
  client.resolve("example.org", 443, address).value();
  subscribe(near, client);
  network.run_for(2s);
}
