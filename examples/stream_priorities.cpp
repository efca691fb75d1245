// SPDX-License-Identifier: MIT
/// Two plain streams on one connection: a large one, and a message that does
/// not wait behind it. The server prints what is complete.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include <quoin/dialer.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>

int main() {
  quoin::quic::Config config;
  config.alpn = {"priorities"};
  const auto tls = quoin::Tls::self_signed().value();
  quoin::Loop loop;

  int complete = 0;
  quoin::Listener listener{loop, tls, config};
  listener.on_connection([&](quoin::Connection connection) {
    connection.on_stream([&](quoin::Stream stream) {
      stream.on_data(
          [&, size = std::size_t{0}](quoin::Bytes chunk, bool last) mutable {
            size += chunk.size();
            if (last) std::cout << "complete: " << size << " bytes\n";
            if (last && ++complete == 2) loop.stop();
            return chunk.size();
          });
    });
  });
  const auto address = listener.listen("127.0.0.1:0");
  if (!address) {
    std::cerr << "cannot listen: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }

  auto trust = quoin::Tls::client_from_pem(tls.certificate_pem()).value();
  quoin::Dialer dialer{loop, std::move(trust), config};
  const auto begun = dialer.connect(
      address->to_string(), "",
      [&](quoin::Result<quoin::Connection> connection) {
        if (!connection) return loop.stop();
        const auto bulk = connection->open_stream(false).value();
        const auto urgent = connection->open_stream(false).value();
        (void)bulk.prioritize({.urgency = 6});
        (void)urgent.prioritize({.urgency = 0});
        (void)bulk.write_shared(quoin::SharedBytes{std::string(1'000'000, 'b')},
                                true);
        (void)urgent.write(quoin::as_bytes("now"),
                           true);  // complete long before the other one
      });
  loop.after(std::chrono::seconds{5}, [&] { loop.stop(); });
  if (!begun) return EXIT_FAILURE;
  loop.run();
  return complete == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
