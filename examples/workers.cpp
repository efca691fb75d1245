// SPDX-License-Identifier: MIT
/// A server on three threads: each worker has a loop, a server and a thread of
/// its own, and a client stays with its worker when it moves. Ends at the end
/// of its input.
/// Usage: workers [ADDRESS:PORT [FILE]], where FILE gets the certificate for
/// clients to trust.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <string>

#include <quoin/workers.hpp>

namespace {

/// Called once for each worker, before its thread runs: `visits` needs no lock,
/// since only the worker's own thread ever sees it.
void prepare(const quoin::Workers::Worker& worker) {
  const auto greet = [number = worker.number, visits = 0](
                         quoin::Request, quoin::Response response) mutable {
    response.end("visit " + std::to_string(++visits) + " to worker " +
                 std::to_string(number) + "\n");
  };
  worker.server.get("/", greet);
}

}  // namespace

int main(int argc, char** argv) {
  const auto tls = quoin::Tls::self_signed().value();
  if (argc > 2) std::ofstream{argv[2]} << tls.certificate_pem();
  quoin::Workers workers{3, tls, {}, prepare};
  const auto address = workers.listen(argc > 1 ? argv[1] : "127.0.0.1:4433");
  if (!address) {
    std::cerr << "cannot listen: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }
  workers.start();
  std::cout << "listening on port " << address->port() << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  workers.shutdown(std::chrono::seconds{10});
  workers.join();
  std::cout << workers.stats().responses << " responses by " << workers.count()
            << " workers\n";
  return EXIT_SUCCESS;
}
