// SPDX-License-Identifier: MIT
/// HTTP/3 where UDP gets through, something else where it does not, with a
/// second to find out.
/// Usage: fallback URL [CERTIFICATES]
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <utility>

#include <quoin/client.hpp>

namespace {

/// No connection came about, so TCP may do better. A refused certificate is no
/// reason to try.
bool is_udp_blocked(const quoin::Error& error) {
  if (error.domain() == quoin::Error::Domain::system)
    return true;  // ICMP, or no route
  return error == quoin::Error{quoin::LocalError::no_answer} ||
         error == quoin::Error{quoin::LocalError::handshake_timeout};
}

/// Here goes the HTTP library that you have, with TCP.
int fetch_over_tcp(const char* url, const quoin::Error& why) {
  std::cout << "over TCP: " << url << '\n';
  std::cerr << "no HTTP/3: " << why.message() << '\n';
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: fallback URL [CERTIFICATES]\n";
    return EXIT_FAILURE;
  }
  const auto tls =
      argc > 2 ? quoin::Tls::client(argv[2]) : quoin::Tls::client();
  if (!tls) return EXIT_FAILURE;

  quoin::ClientConfig config;
  config.connect_timeout = std::chrono::seconds{1};
  quoin::Loop loop;
  quoin::Client client{loop, *tls, std::move(config)};
  int result = EXIT_FAILURE;
  client.get(argv[1], [&](quoin::Result<quoin::Reply> reply) {
    if (reply) {
      std::cout << "over HTTP/3: " << reply->body << std::flush;
      result = EXIT_SUCCESS;
    } else if (is_udp_blocked(reply.error())) {
      result = fetch_over_tcp(argv[1], reply.error());
    }
    loop.stop();
  });
  loop.run();
  return result;
}
