// SPDX-License-Identifier: MIT
/// A client that changes its address in the middle of an upload, as a phone
/// does that leaves the Wi-Fi. The server sees one connection and all bytes.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include <quoin/dialer.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>

int main() {
  constexpr std::size_t size = 20'000'000;
  quoin::quic::Config config;
  config.alpn = {"migrate"};
  const auto tls = quoin::Tls::self_signed().value();
  quoin::Loop loop;

  std::size_t received = 0;
  quoin::Listener listener{loop, tls, config};
  listener.on_connection([&](quoin::Connection connection) {
    connection.on_stream([&, connection](quoin::Stream stream) {
      stream.on_data([&, connection](quoin::Bytes data, bool last) {
        received += data.size();
        if (last) connection.close(0);
        return data.size();
      });
    });
  });
  const auto address = listener.listen("127.0.0.1:0");
  if (!address) return EXIT_FAILURE;
  bool moved = false;
  auto trust = quoin::Tls::client_from_pem(tls.certificate_pem()).value();
  quoin::Dialer dialer{loop, std::move(trust), config};
  const auto begun = dialer.connect(
      address->to_string(), "",
      [&](quoin::Result<quoin::Connection> connection) {
        if (!connection) return loop.stop();
        connection->on_closed([&](const quoin::Error&) { loop.stop(); });
        connection->on_path([&](const quoin::quic::PathEvent& event) {
          if (event.type != quoin::quic::PathEvent::Type::changed) return;
          moved = true;
          std::cout << "from " << event.path.local.host() << " after "
                    << received << " bytes\n";
        });
        const quoin::Stream stream = connection->open_stream(false).value();
        stream.source([&, connection = *connection, sent = std::size_t{0},
                       asked = false](auto room) mutable {
          // As soon as the handshake is confirmed; until then it answers "not
          // yet".
          asked =
              asked ||
              connection.migrate(quoin::Address::parse("127.0.0.2:0").value())
                  .has_value();
          const std::size_t part = std::min(room.size(), size - sent);
          sent += part;
          return quoin::Filled{.bytes = part, .last = sent == size};
        });
      });
  if (begun) loop.run();
  return moved && received == size ? EXIT_SUCCESS : EXIT_FAILURE;
}
