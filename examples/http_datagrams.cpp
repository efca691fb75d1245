// SPDX-License-Identifier: MIT
/// Datagrams that belong to a request (RFC 9297): a protocol of its own, begun by extended CONNECT
/// (RFC 9220). The server sends back what it gets. Usage: http_datagrams [COUNT]
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <quoin/client.hpp>
#include <quoin/server.hpp>

int main(int argc, char** argv) {
  const int wanted = argc > 1 ? std::atoi(argv[1]) : 20;
  const auto tls = quoin::Tls::self_signed().value();
  quoin::Loop loop;
  quoin::ServerConfig server_config;
  server_config.h3.datagrams = server_config.h3.extended_connect = true;
  quoin::Server server{loop, tls, server_config};
  server.route("CONNECT", "/echo", [](quoin::Request request, quoin::Response response) {
    request.on_datagram([response](quoin::Bytes data) mutable {
      (void)response.send_datagram(data);  // what does not fit is lost, as on the way
    });
    // The streams carry nothing here; they say when either side has had enough.
    auto over = std::make_shared<bool>(false);
    request.on_body([=](quoin::Bytes chunk, bool last) mutable {
      *over = last;
      response.resume();
      return chunk.size();
    });
    response.stream([over](auto) { return quoin::Filled{.bytes = 0, .last = *over}; });
  });
  const auto address = server.listen("127.0.0.1:0");
  if (!address) return EXIT_FAILURE;

  quoin::ClientConfig client_config;
  client_config.h3.datagrams = true;
  quoin::Client client{loop, quoin::Tls::client_from_pem(tls.certificate_pem()).value(),
                       std::move(client_config)};
  quoin::Call call;
  int returned = 0;
  quoin::ClientCallbacks callbacks;
  callbacks.on_headers = [&](int, const quoin::h3::Headers&) {
    for (int i = 0; i < wanted; ++i) (void)call.send_datagram(quoin::as_bytes(std::to_string(i)));
  };
  callbacks.on_datagram = [&](quoin::Bytes) {
    if (++returned == wanted) call.resume();  // asks for the body again
  };
  callbacks.done = [&](const quoin::Result<quoin::Reply>&) { loop.stop(); };
  quoin::ClientRequest request{.method = "CONNECT",
                               .url = "https://" + address->to_string() + "/echo"};
  request.protocol = "echo";
  request.body = {[&](auto) { return quoin::Filled{.bytes = 0, .last = returned == wanted}; }};
  call = client.request(std::move(request), std::move(callbacks));
  loop.after(std::chrono::seconds{2}, [&] { loop.stop(); });  // some may be lost: do not wait
  loop.run();
  std::cout << returned << " of " << wanted << " came back\n";
  return returned > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
