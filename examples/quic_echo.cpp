// SPDX-License-Identifier: MIT
/// Plain QUIC without HTTP: a server that echoes every stream, and a client
/// that sends a text and prints what comes back, both on one loop.
/// Usage: quic_echo [TEXT]
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include <quoin/dialer.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>

namespace {

/// What the reader returns is what the writer took, so a slow reader slows its
/// own sender down.
void echo(quoin::Stream stream) {
  stream.on_data([stream](quoin::Bytes chunk, bool last) {
    return stream.write(chunk, last);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string text = argc > 1 ? argv[1] : "hello";
  const auto tls = quoin::Tls::self_signed().value();
  quoin::Loop loop;

  quoin::Listener listener{loop, tls, {.alpn = {"echo"}}};
  listener.on_connection(
      [](quoin::Connection connection) { connection.on_stream(echo); });
  const auto address = listener.listen("127.0.0.1:0");
  if (!address) {
    std::cerr << "cannot listen: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }
  auto trust = quoin::Tls::client_from_pem(tls.certificate_pem()).value();
  quoin::Dialer dialer{loop, std::move(trust), {.alpn = {"echo"}}};
  std::string answer;
  const auto begun = dialer.connect(
      address->to_string(), "",
      [&](quoin::Result<quoin::Connection> connection) {
        const auto stream = connection ? connection->open_stream()
                                       : std::unexpected(connection.error());
        if (!stream) {
          std::cerr << "cannot connect: " << stream.error().message() << '\n';
          return loop.stop();
        }
        stream->on_data([&](quoin::Bytes chunk, bool last) {
          answer += quoin::as_text(chunk);
          if (last) loop.stop();
          return chunk.size();
        });
        (void)stream->write(quoin::as_bytes(text), true);
      });
  if (!begun) {
    std::cerr << "cannot connect: " << begun.error().message() << '\n';
    return EXIT_FAILURE;
  }
  loop.run();
  std::cout << answer << '\n';
  return answer == text ? EXIT_SUCCESS : EXIT_FAILURE;
}
