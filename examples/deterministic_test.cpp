// SPDX-License-Identifier: MIT
/// A server and a client on a bad network, in virtual time: the same run for
/// the same seed. Ends with 0 if the transfer came through, as a test of yours
/// would.

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 7;
  quoin::io::SimulatedNetwork network{seed};
  network.link_both("10.0.0.1", "10.0.0.2",
                    {.delay = 20ms, .loss = 0.02, .mtu = 1400});

  const quoin::Tls identity = quoin::Tls::self_signed({{"10.0.0.1"}}).value();
  quoin::Server server{network.host("10.0.0.1"), identity};
  const std::string page(1'000'000, 'q');
  server.get("/", [&page](quoin::Request, quoin::Response response) {
    response.end(page);
  });
  server.listen("10.0.0.1:4433").value();

  quoin::Client client{
      network.host("10.0.0.2"),
      quoin::Tls::client_from_pem(identity.certificate_pem()).value()};
  std::optional<quoin::Result<quoin::Reply>> reply;
  client.get("https://10.0.0.1:4433/",
             [&reply](quoin::Result<quoin::Reply> r) { reply = r; });

  const bool in_time =
      network.run_until([&reply] { return reply.has_value(); }, 30s);
  if (!in_time || !reply->has_value() || (*reply)->body != page) {
    std::cerr << "seed " << seed << ": "
              << (in_time ? reply->error().message()
                          : "nothing after 30 s of virtual time")
              << '\n';
    return 1;
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      (*reply)->timing.total);
  std::cout << "seed " << seed << ": " << page.size() << " bytes in "
            << took.count() << " ms of virtual time\n";
}
