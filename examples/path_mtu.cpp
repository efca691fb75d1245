// SPDX-License-Identifier: MIT
/// A download whose path carries less from one moment to the next, in virtual
/// time: prints which sizes of datagrams the server used, and when. Ends with 0
/// if the download came through.

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>

using namespace std::chrono_literals;

int main() {
  quoin::io::SimulatedNetwork network{1};
  const quoin::io::Link ethernet{
      .delay = 15ms, .mtu = 1500, .bits_per_second = 20'000'000};
  network.link_both("10.0.0.1", "10.0.0.2", ethernet);
  // A tunnel comes up: larger datagrams are lost, and nobody is told.
  network.after(1s, [&] { network.link("10.0.0.1", "10.0.0.2").mtu = 1400; });

  const quoin::Tls identity = quoin::Tls::self_signed({{"10.0.0.1"}}).value();
  quoin::Server server{network.host("10.0.0.1"), identity};
  server.get("/", [](auto, auto response) {
    response.end(std::string(5'000'000, 'q'));
  });
  const auto began = network.now();
  server.on_path(
      [&](const quoin::ConnectionInfo&, const quoin::quic::PathEvent& event) {
        if (event.type == quoin::quic::PathEvent::Type::mtu)
          std::cout << (network.now() - began) / 1ms
                    << " ms: " << event.udp_payload << " bytes\n";
      });
  server.on_disconnected([](const quoin::ConnectionInfo& connection) {
    std::cout << connection.stats.mtu_fallbacks << " black hole\n";
  });
  server.listen("10.0.0.1:443").value();

  quoin::Client client{
      network.host("10.0.0.2"),
      quoin::Tls::client_from_pem(identity.certificate_pem()).value()};
  std::optional<quoin::Result<quoin::Reply>> reply;
  client.get("https://10.0.0.1/",
             [&reply](quoin::Result<quoin::Reply> r) { reply = r; });
  if (!network.run_until([&reply] { return reply.has_value(); }, 30s) ||
      !*reply)
    return 1;
  client.shutdown();
  network.run_for(1s);
}
