// SPDX-License-Identifier: MIT
/// Fetches a URL and prints it.
/// Usage: get URL [CERTIFICATES], where CERTIFICATES is a PEM file of whom to
/// trust instead of those that the system trusts.
#include <cstdlib>
#include <iostream>

#include <quoin/client.hpp>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: get URL [CERTIFICATES]\n";
    return EXIT_FAILURE;
  }
  const auto tls =
      argc > 2 ? quoin::Tls::client(argv[2]) : quoin::Tls::client();
  if (!tls) {
    std::cerr << "get: " << tls.error().message() << '\n';
    return EXIT_FAILURE;
  }

  quoin::Loop loop;
  quoin::Client client{loop, *tls};
  int result = EXIT_FAILURE;
  client.get(argv[1], [&](quoin::Result<quoin::Reply> reply) {
    if (reply) {
      std::cout << reply->body << std::flush;
      if (reply->status == 200) result = EXIT_SUCCESS;
    } else {
      std::cerr << "get: " << reply.error().message() << '\n';
    }
    loop.stop();
  });
  loop.run();
  return result;
}
