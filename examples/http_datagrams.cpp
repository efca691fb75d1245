// SPDX-License-Identifier: MIT
/// Datagrams that belong to a request (RFC 9297), begun by extended CONNECT
/// (RFC 9220). The server sends back what it gets.
/// Usage: http_datagrams [ADDRESS:PORT FILE], FILE being for the certificate
/// that clients elsewhere trust; without arguments there is a client here.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include <quoin/client.hpp>
#include <quoin/server.hpp>

// What does not fit is lost, as on the way. The streams only say when a side
// has had enough.
static void echo(quoin::Request request, quoin::Response response) {
  request.on_datagram([response](quoin::Bytes data) mutable {
    (void)response.send_datagram(data);
  });
  auto over = std::make_shared<bool>(false);
  request.on_body([=](quoin::Bytes chunk, bool last) mutable {
    *over = last;
    response.resume();
    return chunk.size();
  });
  response.stream([over](auto) { return quoin::Filled{0, *over}; });
}

int main(int argc, char** argv) {
  const auto tls = quoin::Tls::self_signed().value();
  if (argc > 2) std::ofstream{argv[2]} << tls.certificate_pem();
  quoin::Loop loop;
  quoin::ServerConfig server_config;
  server_config.h3.datagrams = server_config.h3.extended_connect = true;
  quoin::Server server{loop, tls, server_config};
  server.route("CONNECT", "/echo", echo);
  const auto address =
      server.listen(argc > 2 ? argv[1] : "127.0.0.1:0").value();
  std::cout << "listening on port " << address.port() << std::endl;
  if (argc > 2) loop.run();  // and never goes on
  quoin::ClientConfig config;
  config.h3.datagrams = true;
  const auto trust = quoin::Tls::client_from_pem(tls.certificate_pem()).value();
  quoin::Client client{loop, trust, std::move(config)};
  quoin::Call call;
  quoin::ClientCallbacks callbacks;
  int missing = 20;
  callbacks.on_headers = [&](int, const quoin::Headers&) {
    for (int i = 0; i < missing; ++i) {
      (void)call.send_datagram(quoin::as_bytes(std::to_string(i)));
    }
  };
  callbacks.on_datagram = [&](quoin::Bytes) {
    if (--missing == 0) call.resume();  // asks for the body again
  };
  callbacks.done = [&](const quoin::Result<quoin::Reply>&) { loop.stop(); };
  quoin::ClientRequest request;
  request.method = "CONNECT";
  request.protocol = "echo";
  request.url = "https://" + address.to_string() + "/echo";
  request.body = {[&](auto) { return quoin::Filled{0, missing == 0}; }};
  call = client.request(std::move(request), std::move(callbacks));
  loop.after(std::chrono::seconds{2}, [&] { loop.stop(); });  // for the lost
  loop.run();
  std::cout << missing << " of 20 did not come back\n";
  return missing < 20 ? EXIT_SUCCESS : EXIT_FAILURE;
}
