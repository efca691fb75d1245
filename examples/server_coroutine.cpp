// SPDX-License-Identifier: MIT
/// A server whose handlers are coroutines: /slow waits before it answers, /echo
/// sends back what it reads as it reads it.
/// Usage: server_coroutine [ADDRESS:PORT [FILE]], where FILE gets the
/// certificate for clients to trust.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <quoin/coro.hpp>
#include <quoin/server.hpp>

namespace {

using namespace std::chrono_literals;

/// Destroyed where it waits when the client gives up.
quoin::Task<> slow(quoin::Loop& loop, quoin::Response response) {
  co_await quoin::sleep(loop, 100ms);
  response.end("at last\n");
}

/// Reads no faster than the client takes what is written.
quoin::Task<> echo(quoin::Request request, quoin::Response response) {
  quoin::BodyReader input{request};
  quoin::BodyWriter output{response};
  while (true) {
    const quoin::Result<quoin::SharedBytes> chunk = co_await input.read();
    if (!chunk) co_return;  // the client gave up
    if (chunk->view().empty()) break;
    const quoin::Result<> written = co_await output.write(*chunk);
    if (!written) co_return;
  }
  output.end();
}

}  // namespace

int main(int argc, char** argv) {
  const quoin::Tls tls = quoin::Tls::self_signed().value();
  if (argc > 2) std::ofstream{argv[2]} << tls.certificate_pem();

  quoin::Loop loop;
  quoin::Server server{loop, tls};
  server.get("/slow", quoin::task_handler(
                          loop, [&](quoin::Request, quoin::Response response) {
                            return slow(loop, response);
                          }));
  server.post("/echo", quoin::task_handler(loop, echo));
  const auto address = server.listen(argc > 1 ? argv[1] : "[::]:4433");
  if (!address) {
    std::cerr << "cannot listen: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << "listening on port " << address->port() << std::endl;
  loop.run();
}
