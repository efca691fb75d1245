// SPDX-License-Identifier: MIT
/// A server with two names, of which one is for clients that show a certificate
/// only.
#include <cstdio>
#include <string>
#include <utility>

#include <quoin/loop.hpp>
#include <quoin/server.hpp>
#include <quoin/tls.hpp>

using quoin::Request;
using quoin::Response;
using quoin::Server;

// Wraps a handler: a function that takes one and returns one needs no
// framework.
static Server::Handler only_for(const std::string& name, Server::Handler next) {
  return [name = "DNS:" + name, next = std::move(next)](
             Request request, Response response) mutable {
    for (const std::string& shown : request.tls().certificate_names) {
      if (shown == name) return next(request, response);
    }
    response.status(403).end("this is not for you\n");
  };
}

static int fail(const quoin::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

// PUBLIC-CERT PUBLIC-KEY ADMIN-CERT ADMIN-KEY CLIENT-CA ADDRESS
int main(int argc, char** argv) {
  if (argc != 7) return 2;
  auto tls = quoin::Tls::server(argv[1], argv[2]);
  if (!tls) return fail(tls.error());
  auto admin = quoin::Tls::server(argv[3], argv[4]);
  if (!admin) return fail(admin.error());
  if (auto set = admin->verify_clients(argv[5]); !set) return fail(set.error());
  if (auto added = tls->add_host(*admin); !added) return fail(added.error());

  quoin::Loop loop;
  Server server{loop, *tls};
  server.get("/", [](Request, Response response) {
    response.end("hello, everybody\n");
  });
  server.get("/admin", only_for("root.example", [](Request, Response response) {
               response.end("hello, root\n");
             }));
  const auto address = server.listen(argv[6]);
  if (!address) return fail(address.error());
  std::printf("listening on port %d\n", address->port());
  std::fflush(stdout);
  loop.run();
}
