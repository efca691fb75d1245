// SPDX-License-Identifier: MIT
/// One whole HTTP/3 request over loopback, client and server in this process, on nothing but
/// quoin's public API. Shared by the consumer programs; not a test of HTTP/3 itself.
#pragma once

#include <cstdio>
#include <string>

#include <quoin/client.hpp>
#include <quoin/loop.hpp>
#include <quoin/server.hpp>

/// Whether the request came back as it should; says on standard error what went wrong.
inline bool exchange() {
  auto tls = quoin::Tls::self_signed();
  if (!tls) {
    std::fprintf(stderr, "self_signed: %s\n", tls.error().message().c_str());
    return false;
  }
  auto trust = quoin::Tls::client_from_pem(tls->certificate_pem());
  if (!trust) {
    std::fprintf(stderr, "client_from_pem: %s\n", trust.error().message().c_str());
    return false;
  }

  quoin::Loop loop;
  quoin::Server server{loop, *tls};
  server.get("/hello/{name}", [](quoin::Request request, quoin::Response response) {
    response.end("hello " + std::string{request.parameter("name")});
  });
  const auto address = server.listen("127.0.0.1:0");
  if (!address) {
    std::fprintf(stderr, "listen: %s\n", address.error().message().c_str());
    return false;
  }

  quoin::Client client{loop, *trust};
  bool good = false;
  client.get("https://" + address->to_string() + "/hello/consumer",
             [&](quoin::Result<quoin::Reply> reply) {
               if (reply) {
                 good = reply->status == 200 && reply->body == "hello consumer";
                 std::fprintf(stderr, "HTTP/3 reply: %d %s\n", reply->status, reply->body.c_str());
               } else {
                 std::fprintf(stderr, "HTTP/3: %s\n", reply.error().message().c_str());
               }
               loop.stop();
             });
  loop.run();
  return good;
}
