// SPDX-License-Identifier: MIT
/// A chat room: everybody hears who comes, what is said, and who is gone.
/// Usage: websocket_chat [ADDRESS:PORT [FILE [--redis URL]]]. FILE gets the
/// certificate; servers on a Redis share a room.
#include <chrono>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>

#include <quoin/server.hpp>
#include <quoin/websocket.hpp>

#include "chat/page.hpp"
#include "chat/redis_bus.hpp"

using namespace std::chrono_literals;

/// Everybody who is connected to this server.
struct Room {
  void enter(quoin::WebSocket member, const std::string& name) {
    members.insert(member);
    member.on_message(
        [this, name](const auto& message) { say(name + ": " + message.data); });
    member.on_closed([this, name, member](const auto&) {
      members.erase(member);
      say(name + " is gone");
    });
    say(name + " just connected");
  }

  void say(const std::string& text) {
    bus ? bus->publish(text) : deliver(text);
  }

  void deliver(const std::string& text) {
    for (const quoin::WebSocket member : members) {
      if (!member.send_text(text)) {
        (void)member.close(quoin::CloseCode::policy_violation, "slow");
      }
    }
  }

  std::set<quoin::WebSocket> members;
  std::optional<chat::RedisBus> bus;
};

int main(int argc, char** argv) {
  if (argc > 4 && !chat::RedisBus::accepts(argv[4])) return 1;
  const quoin::Tls tls = quoin::Tls::self_signed().value();
  if (argc > 2) std::ofstream{argv[2]} << tls.certificate_pem();
  quoin::Loop loop;
  Room room;
  const auto deliver = [&](const auto& text) { room.deliver(text); };
  if (argc > 4) room.bus.emplace(argv[4], loop, deliver);
  quoin::Server server{loop, tls};
  chat::serve_page(server);
  server.route(
      "CONNECT", "/chat",
      [&](quoin::Request request, quoin::Response response) {
        const auto socket = quoin::accept_websocket(
            loop, request, response, {.ping_interval = 2s, .pong_timeout = 2s});
        if (!socket) return;
        room.enter(*socket, "User " + std::to_string(request.peer().port()));
      });
  const auto address = server.listen(argc > 1 ? argv[1] : "[::]:4433").value();
  std::cout << "listening on port " << address.port() << std::endl;
  loop.run();
}
