// SPDX-License-Identifier: MIT
/// What `make bench` asks of a user's own server: /small is answered by a handler with 1 KiB, and
/// what is sent to /sink is taken and forgotten. Not a tool for users.

#include <cstdlib>
#include <iostream>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/server.hpp>
#include <quoin/tls.hpp>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: quoin-bench-server ADDRESS:PORT CERTIFICATE KEY\n";
    return 2;
  }
  const auto tls = quoin::Tls::server(argv[2], argv[3]);
  if (!tls) {
    std::cerr << "quoin-bench-server: " << tls.error().message() << '\n';
    return EXIT_FAILURE;
  }
  quoin::Loop loop;
  quoin::Server server{loop, *tls};
  const quoin::SharedBytes answer{std::string(1024, 'x')};
  server.get("/small", [&answer](const quoin::Request& /*request*/, quoin::Response response) {
    response.header("content-type", "application/octet-stream").end(answer);
  });
  server.put("/sink", [](quoin::Request request, quoin::Response response) {
    request.on_body([response](quoin::Bytes chunk, bool last) mutable {
      if (last) response.status(204).end();
      return chunk.size();
    });
  });
  if (const auto address = server.listen(argv[1]); !address) {
    std::cerr << "quoin-bench-server: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }
  loop.run();
}
