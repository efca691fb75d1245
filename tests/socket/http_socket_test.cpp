// SPDX-License-Identifier: MIT
/// The HTTP facade on real sockets of the loopback interface, names looked up by the system.
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/server.hpp>

using namespace quoin;
using namespace std::chrono_literals;

namespace {

// Runs the loop until there is an outcome; the test fails if there is none for 20 seconds.
Result<Reply> fetch(Loop& loop, Client& client, std::string_view url) {
  std::optional<Result<Reply>> outcome;
  client.get(url, [&](Result<Reply> reply) {
    outcome.emplace(std::move(reply));
    loop.stop();
  });
  const TimerId limit = loop.after(20s, [&] { loop.stop(); });
  loop.run();
  loop.cancel(limit);
  REQUIRE(outcome.has_value());
  return std::move(*outcome);
}

}  // namespace

TEST_CASE("a server and a client talk over both families of the loopback interface") {
  Loop loop;
  const Tls tls = Tls::self_signed().value();
  Server server{loop, tls};
  const std::string page(3'000'000, 'x');
  server.get("/", [&](Request, Response response) { response.end(page); });
  const auto v4 = server.listen("127.0.0.1:0");
  REQUIRE(v4.has_value());
  Client client{loop, Tls::client_from_pem(tls.certificate_pem()).value()};
  const auto named = fetch(loop, client, "https://localhost:" + std::to_string(v4->port()) + '/');
  INFO((named ? std::string{} : named.error().message()));
  REQUIRE(named.has_value());
  CHECK(named->body == page);
  if (const auto v6 = server.listen("[::1]:0")) {  // not every machine has IPv6
    const auto reply = fetch(loop, client, "https://[::1]:" + std::to_string(v6->port()) + '/');
    REQUIRE(reply.has_value());
    CHECK(reply->body == page);
  }
}

TEST_CASE("a port of this machine with nobody behind is refused at once") {
  Loop loop;
  Client client{loop, Tls::insecure_client()};
  const Time begin = loop.now();
  const auto reply = fetch(loop, client, "https://127.0.0.1:1/");
  REQUIRE_FALSE(reply.has_value());
  CHECK(reply.error() == Error{Error::Domain::system, ECONNREFUSED});
  CHECK(loop.now() - begin < 2s);
}

TEST_CASE("a client may go while its names are being looked up") {
  Loop loop;
  bool called = false;
  for (int round = 0; round < 20; ++round) {
    auto client = std::make_unique<Client>(loop, Tls::insecure_client());
    for (int i = 0; i < 20; ++i) {
      client->get("https://host" + std::to_string(i) + ".invalid/",
                  [&](const Result<Reply>&) { called = true; });
    }
    loop.turn();
  }
  loop.turn();
  CHECK_FALSE(called);
}
