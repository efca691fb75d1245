// SPDX-License-Identifier: MIT
/// A server for any number of names: a certificate is read when somebody asks
/// for it, by a thread of its own, while the handshake waits and all others go
/// on.
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <quoin/loop.hpp>
#include <quoin/server.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_answer.hpp>
#include <quoin/tls_request.hpp>

using quoin::Request;
using quoin::Response;
using quoin::Tls;
using quoin::TlsAnswer;

// The name is whatever the client sent, and is going to be a part of a path.
static bool is_host_name(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") ==
             std::string_view::npos;
}

// DIRECTORY ADDRESS; the directory has NAME.pem and NAME.key for each name.
int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string directory = argv[1];
  auto tls = Tls::server_on_demand();
  if (!tls) return 1;
  quoin::Loop loop;
  quoin::Server server{loop, *tls};
  server.on_tls_request([&](const quoin::TlsRequest& request,
                            TlsAnswer answer) {
    if (!is_host_name(request.server_name)) {
      (void)answer.refuse("no host name");
      return;
    }
    std::thread{[&loop, answer, path = directory + '/' + request.server_name] {
      loop.post([answer, found = Tls::server(path + ".pem", path + ".key")] {
        // Both do nothing if the client is gone by now.
        (void)(found ? answer.use(*found)
                     : answer.refuse(found.error().message()));
      });
    }}.detach();
  });
  server.get("/", [](Request request, Response response) {
    response.end("this is " + std::string{request.authority()} + "\n");
  });
  const auto address = server.listen(argv[2]);
  if (!address) {
    std::fprintf(stderr, "%s\n", address.error().message().c_str());
    return 1;
  }
  std::printf("listening on port %d\n", address->port());
  std::fflush(stdout);
  loop.run();
}
