// SPDX-License-Identifier: MIT
/// One server on five bad networks, in virtual time. With a folder as argument
/// it writes what was on the wire as captures for Wireshark. Ends with 0 if
/// every download came through.

#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>

#include <quoin/client.hpp>
#include <quoin/io/pcap.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>

using namespace std::chrono_literals;
using Network = quoin::io::SimulatedNetwork;

int main(int argc, char** argv) {
  const char *here = "10.0.0.2", *there = "10.0.0.1";
  const std::map<std::string, std::function<void(Network&)>> faults{
      {"bursts", [&](auto& n) { n.link(there, here).burst = {0.01, 0.3}; }},
      {"outage", [&](auto& n) { n.outage(here, there, 50ms, 2s); }},
      {"rebinding",
       [&](auto& n) { n.after(60ms, [&] { n.rebind(here, "203.0.113.2"); }); }},
      {"small-mtu", [&](auto& n) { n.link(there, here).mtu = 1280; }},
      {"slow", [&](auto& n) { n.link(there, here).bits_per_second = 2e6; }}};
  for (const auto& [name, spoil] : faults) {
    Network network{1};
    std::optional<quoin::io::PcapWriter> capture;
    if (argc > 1) {
      const auto file = std::filesystem::path{argv[1]} / name;
      capture = quoin::io::PcapWriter::create(file).value();
    }
    network.tap([&](const auto& seen) {
      if (capture) capture->write(seen.time, seen.datagram);
    });
    network.nat(here, "203.0.113.1");
    spoil(network);

    const quoin::Tls identity = quoin::Tls::self_signed({{there}}).value();
    // Yours would stand here.
    quoin::Server server{network.host(there), identity};
    server.get("/", [](auto, auto response) {
      response.end(std::string(500'000, 'q'));
    });
    server.listen("10.0.0.1:443").value();
    const quoin::Tls trust =
        quoin::Tls::client_from_pem(identity.certificate_pem()).value();
    // Who only receives is not found again behind a NAT that forgot it, unless
    // it says something.
    quoin::Client client{
        network.host(here), trust, {.quic = {.keep_alive = 1s}}};
    std::optional<quoin::Result<quoin::Reply>> reply;
    client.get("https://10.0.0.1/", [&reply](auto r) { reply = r; });
    const auto over = [&reply] { return reply.has_value(); };
    std::cout << name << ": ";
    if (!network.run_until(over, 30s) || !*reply) {
      std::cout << (reply ? reply->error().message() : "stuck") << '\n';
      return 1;
    }
    std::cout << (*reply)->timing.total / 1ms << " ms\n";
  }
}
