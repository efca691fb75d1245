// SPDX-License-Identifier: MIT
/// A client that comes back, in virtual time. With 50 ms there and back the
/// first visit's reply takes two round trips and the second one's a single one.
/// The third one's request is not safe: the server answers 425, and the client
/// asks again by itself when the handshake is complete.

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>

using namespace std::chrono_literals;

int main() {
  quoin::io::SimulatedNetwork network{1};
  network.link_both("10.0.0.1", "10.0.0.2", {.delay = 25ms});

  const quoin::Tls identity = quoin::Tls::self_signed({{"10.0.0.1"}}).value();
  quoin::ServerConfig settings;
  settings.quic.early_data = true;
  quoin::Server server{network.host("10.0.0.1"), identity, settings};
  server.get("/price", [](quoin::Request request, quoin::Response response) {
    response.end(request.early() ? "42, and you may be a replay" : "42");
  });
  server.post("/price",
              [](auto, auto response) { response.end("bought, once"); });
  server.listen("10.0.0.1:443").value();

  const quoin::Tls trust =
      quoin::Tls::client_from_pem(identity.certificate_pem()).value();
  std::string saved;  // in a file, say, that only its owner can read
  for (const std::string method : {"GET", "GET", "POST"}) {
    quoin::Client client{network.host("10.0.0.2"), trust};
    if (!saved.empty()) client.load_sessions(quoin::as_bytes(saved)).value();
    std::optional<quoin::Result<quoin::Reply>> reply;
    client.request(
        {.method = method,
         .url = "https://10.0.0.1/price",
         .early = true},  // it does no harm if that is handled twice
        [&reply](quoin::Result<quoin::Reply> r) { reply = std::move(r); });
    if (!network.run_until([&reply] { return reply.has_value(); }, 5s) ||
        !*reply)
      return 1;
    const quoin::Timing& timing = (*reply)->timing;
    std::cout << method << ' ' << timing.total / 1ms << " ms"
              << (timing.early ? ", early: " : ": ") << (*reply)->body << '\n';
    network.run_for(100ms);
    saved = client.save_sessions();
  }
}
