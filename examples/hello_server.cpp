// SPDX-License-Identifier: MIT
/// The smallest server: one page, a certificate made on the spot.
/// Usage: hello_server [ADDRESS:PORT [FILE]], where FILE gets the certificate
/// for clients to trust.
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <quoin/server.hpp>

using quoin::Request;
using quoin::Response;

int main(int argc, char** argv) {
  const quoin::Tls tls = quoin::Tls::self_signed().value();
  if (argc > 2) std::ofstream{argv[2]} << tls.certificate_pem();

  quoin::Loop loop;
  quoin::Server server{loop, tls};
  server.get("/", [](Request, Response response) {
    response.header("content-type", "text/plain").end("Hello over HTTP/3\n");
  });
  server.get("/hello/{name}", [](Request request, Response response) {
    response.header("content-type", "text/plain");
    response.end("Hello, " + std::string{request.parameter("name")} + "\n");
  });

  const auto address = server.listen(argc > 1 ? argv[1] : "[::]:4433");
  if (!address) {
    std::cerr << "cannot listen: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << "listening on port " << address->port() << std::endl;
  loop.run();
}
