// SPDX-License-Identifier: MIT
/// A server that is replaced without losing a connection: started again with
/// the same path, it takes the sockets of the one that runs, which ends with
/// its last connection.
/// Usage: hot_restart NAME PATH [FILE], where NAME is what it answers and FILE
/// gets the certificate to trust.
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include <quoin/workers.hpp>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: hot_restart NAME PATH [FILE]\n";
    return EXIT_FAILURE;
  }
  const auto tls = quoin::Tls::self_signed().value();
  if (argc > 3) std::ofstream{argv[3]} << tls.certificate_pem();
  const std::string name = std::string{argv[1]} + '\n';
  quoin::Workers workers{
      2, tls, {}, [&](const quoin::Workers::Worker& worker) {
        worker.server.get("/", [&name](quoin::Request, quoin::Response reply) {
          reply.end(name);
        });
      }};

  // Everything that can go wrong should, before start(): until then the other
  // process goes on.
  const auto taken = workers.take_over(argv[2]);
  if (!taken && taken.error().code() == ENOENT) {
    std::cerr << "nobody to take over from\n";
  }
  const auto address =
      taken ? taken->front() : workers.listen("127.0.0.1:0").value();
  workers.start();

  const auto offered = workers.offer(argv[2], [&workers] {
    std::cout << "taken over" << std::endl;
    workers.shutdown(std::chrono::minutes{5});
  });
  if (!offered) {
    std::cerr << offered.error().message() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << "listening on port " << address.port() << std::endl;
  workers.join();  // until the next process has taken over, and the last
                   // connection is closed
  return EXIT_SUCCESS;
}
