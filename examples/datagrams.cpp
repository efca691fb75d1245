// SPDX-License-Identifier: MIT
/// Datagrams over QUIC (RFC 9221): encrypted and congestion-controlled, but
/// never sent twice. A server sends back what it gets; the client counts what
/// returns.
/// Usage: datagrams [COUNT]
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include <quoin/dialer.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>

int main(int argc, char** argv) {
  const int wanted = argc > 1 ? std::atoi(argv[1]) : 20;
  quoin::quic::Config config;
  config.alpn = {"datagrams"};
  config.max_datagram_frame = 1200;
  config.datagram_policy = quoin::quic::DatagramPolicy::drop_oldest;
  const auto tls = quoin::Tls::self_signed().value();
  quoin::Loop loop;

  quoin::Listener listener{loop, tls, config};
  listener.on_connection([](quoin::Connection connection) {
    connection.on_datagram([connection](quoin::Bytes data) {
      (void)connection.send_datagram(data);
    });
  });
  const auto address = listener.listen("127.0.0.1:0");
  if (!address) return EXIT_FAILURE;

  int returned = 0;
  int lost = 0;
  auto trust = quoin::Tls::client_from_pem(tls.certificate_pem()).value();
  quoin::Dialer dialer{loop, std::move(trust), config};
  const auto begun = dialer.connect(
      address->to_string(), "",
      [&](quoin::Result<quoin::Connection> connection) {
        if (!connection) {
          std::cerr << "cannot connect: " << connection.error().message()
                    << '\n';
          return loop.stop();
        }
        connection->on_datagram([&](quoin::Bytes data) {
          std::cout << quoin::as_text(data) << '\n';
          if (++returned == wanted) loop.stop();
        });
        connection->on_datagram_fate(
            [&](quoin::quic::DatagramId, quoin::quic::DatagramFate fate) {
              if (fate != quoin::quic::DatagramFate::acknowledged) ++lost;
            });
        for (int i = 0; i < wanted; ++i) {
          const std::string text = "datagram " + std::to_string(i);
          if (!connection->send_datagram(quoin::as_bytes(text))) {
            std::cout << text << " not sent\n";
          }
        }
      });
  if (!begun) return EXIT_FAILURE;
  // Some may be lost: do not wait.
  loop.after(std::chrono::seconds{2}, [&] { loop.stop(); });
  loop.run();
  std::cout << returned << " of " << wanted << " came back, " << lost
            << " did not get there\n";
  return returned > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
