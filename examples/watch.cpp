// SPDX-License-Identifier: MIT
/// A server that says what happens to it: a line for each connection when it
/// begins, changes its path and ends.
/// Usage: watch ADDRESS:PORT CERTIFICATE [FOLDER], where CERTIFICATE is a file
/// to write and FOLDER gets a qlog file of each connection.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <quoin/server.hpp>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  if (argc < 3) return EXIT_FAILURE;
  const quoin::Tls tls = quoin::Tls::self_signed().value();
  std::ofstream{argv[2]} << tls.certificate_pem();
  std::cout << std::unitbuf;

  quoin::Loop loop;
  quoin::ServerConfig config;
  if (argc > 3) config.quic.qlog_directory = argv[3];
  quoin::Server server{loop, tls, config};
  server.get(
      "/", [](auto, auto response) { response.end("Somebody is watching\n"); });

  server.on_connected([](const quoin::ConnectionInfo& connection) {
    std::cout << '#' << connection.number << " from "
              << connection.path.remote.host() << ", " << connection.tls.cipher
              << (connection.tls.resumed ? ", resumed" : "") << '\n';
  });
  server.on_path([](const quoin::ConnectionInfo& connection,
                    const quoin::quic::PathEvent& event) {
    if (event.type == quoin::quic::PathEvent::Type::mtu)
      std::cout << '#' << connection.number << " datagrams of "
                << event.udp_payload << " bytes\n";
    if (event.type == quoin::quic::PathEvent::Type::changed)
      std::cout << '#' << connection.number << " goes on at "
                << event.path.remote.host() << '\n';
  });
  server.on_disconnected([&server](const quoin::ConnectionInfo& connection) {
    const quoin::quic::Stats& stats = connection.stats;
    std::cout << '#' << connection.number
              << " is over: " << connection.reason.message() << "; "
              << stats.packets_lost << " of " << stats.packets_sent
              << " packets lost, " << stats.smoothed_rtt / 1us
              << " us there and back\n"
              << server.stats().responses << " responses so far\n";
  });

  const auto address = server.listen(argv[1]);
  if (!address) {
    std::cerr << "cannot listen: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << "listening on port " << address->port() << '\n';
  loop.run();
}
