// SPDX-License-Identifier: MIT
/// A page on a slow link, in virtual time: what is needed first comes first,
/// whenever it was asked for (RFC 9218).
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>

int main() {
  using namespace std::chrono_literals;
  quoin::io::SimulatedNetwork network{1};
  network.link_both(
      "10.0.0.1", "10.0.0.2",
      {.delay = 30ms, .bits_per_second = 2'000'000, .queue = 30'000});

  const std::string name = "10.0.0.1";
  const auto tls = quoin::Tls::self_signed({&name, 1}).value();
  quoin::Server server{network.host("10.0.0.1"), tls};
  server.get("/{what}", [](quoin::Request request, quoin::Response response) {
    const bool is_video = request.parameter("what") == "video";
    // Nobody waits for the log, whatever the client says.
    if (request.parameter("what") == "log") response.prioritize({.urgency = 7});
    response.end(std::string(is_video ? 1'000'000 : 50'000, 'x'));
  });
  if (!server.listen("10.0.0.1:443")) return EXIT_FAILURE;

  auto trust = quoin::Tls::client_from_pem(tls.certificate_pem()).value();
  quoin::Client client{network.host("10.0.0.2"), std::move(trust)};
  int open = 0;
  const auto ask = [&](const std::string& what, quoin::Priority priority) {
    ++open;
    quoin::ClientRequest request;
    request.url = "https://10.0.0.1/" + what;
    request.priority = priority;
    const auto begin = network.now();
    return client.request(
        std::move(request),
        [&, what, begin](quoin::Result<quoin::Reply> reply) {
          const auto took =
              std::chrono::duration_cast<std::chrono::milliseconds>(
                  network.now() - begin);
          std::cout << what << ": "
                    << (reply ? std::to_string(took.count()) + " ms" : "failed")
                    << '\n';
          --open;
        });
  };

  ask("log", {.urgency = 0});
  ask("video", {.urgency = 4});
  auto picture = ask("picture", {.urgency = 4, .incremental = true});
  network.run_for(500ms);
  ask("style.css", {.urgency = 0});
  picture.prioritize({.urgency = 2});  // it was scrolled into view
  return network.run_until([&] { return open == 0; }, 1min) ? EXIT_SUCCESS
                                                            : EXIT_FAILURE;
}
