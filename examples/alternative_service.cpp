// SPDX-License-Identifier: MIT
/// An origin that says it is elsewhere too, and a client that goes there: on a
/// simulated network, in which the other place goes away in the end.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>

int main() {
  using namespace std::chrono_literals;
  quoin::io::SimulatedNetwork network{1};
  // One identity, two places.
  const quoin::Tls identity =
      quoin::Tls::self_signed({{"shop.example"}}).value();
  quoin::Server far{network.host("10.0.0.1"), identity};
  quoin::Server near{network.host("10.0.0.3"), identity};
  far.listen("10.0.0.1:443").value();
  near.listen("10.0.0.3:8443").value();
  far.get("/", [](quoin::Request, quoin::Response response) {
    response.header("alt-svc", R"(h3="near.example:8443"; ma=3600)").end("far");
  });
  near.get("/", [](quoin::Request request, quoin::Response response) {
    response.end("near, for " + std::string{request.header(":authority")});
  });

  quoin::ClientConfig config;
  config.alternatives = true;
  config.resolver = [](const std::string& host, std::uint16_t port,
                       quoin::ResolveDone done) {
    const char* const address =
        host == "near.example" ? "10.0.0.3" : "10.0.0.1";
    done(std::vector{quoin::Address::parse_host(address, port).value()});
  };
  quoin::Client client{
      network.host("10.0.0.2"),
      quoin::Tls::client_from_pem(identity.certificate_pem()).value(),
      std::move(config)};
  const auto show = [&] {
    std::optional<std::string> answer;
    client.get("https://shop.example/",
               [&answer](quoin::Result<quoin::Reply> reply) {
                 answer = reply ? reply->body : reply.error().message();
               });
    if (!network.run_until([&answer] { return answer.has_value(); }, 20s)) {
      std::exit(EXIT_FAILURE);
    }
    std::cout << *answer << '\n';
  };
  show();
  show();
  near.shutdown(0s);
  network.run_for(1s);
  network.link_both("10.0.0.2", "10.0.0.3", {.down = true});
  show();
}
