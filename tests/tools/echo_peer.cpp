// SPDX-License-Identifier: MIT
/// A QUIC server that speaks no HTTP/3, for the tests of what quoin-client says to such a peer.
/// Usage: quoin_tools_echo_peer CERT KEY; prints "listening on ADDR:PORT" and runs until it is
/// killed.
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/tls.hpp>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: quoin_tools_echo_peer CERT KEY\n", stderr);
    return EXIT_FAILURE;
  }
  quoin::Result<quoin::Tls> tls = quoin::Tls::server(argv[1], argv[2]);
  if (!tls) {
    std::fprintf(stderr, "%s\n", tls.error().message().c_str());
    return EXIT_FAILURE;
  }
  quoin::Loop loop;
  quoin::Listener listener{loop, std::move(*tls), {.alpn = {"echo"}}};
  const quoin::Result<quoin::Address> address = listener.listen("127.0.0.1:0");
  if (!address) {
    std::fprintf(stderr, "%s\n", address.error().message().c_str());
    return EXIT_FAILURE;
  }
  std::printf("listening on %s\n", address->to_string().c_str());
  std::fflush(stdout);
  loop.run();
}
