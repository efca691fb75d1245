// SPDX-License-Identifier: MIT
/// Who clients are and which host they talk to, as a server's handlers see it; certificates that
/// are replaced while connections are up.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

#include "support/certs.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

/// One issuer for servers, another for clients; a.example and b.example are both 10.0.0.1.
struct World {
  World() { REQUIRE(start(tls_for("DNS:a.example")).has_value()); }

  [[nodiscard]] Tls tls_for(const std::string& names) const {
    const Identity identity = servers.issue({.alternative_names = names});
    return Tls::server_from_pem(identity.certificate, identity.key).value();
  }

  Result<> start(const Tls& tls) {
    server.emplace(network.host("10.0.0.1"), tls);
    server->get("/", [](Request request, Response response) {
      std::string who = "nobody";
      for (const std::string& name : request.tls().certificate_names) who = name;
      response.end(std::string{request.authority()} + " to " + who);
    });
    const Result<Address> address = server->listen("10.0.0.1:443");
    return address ? Result<>{} : std::unexpected(address.error());
  }

  [[nodiscard]] Tls client_tls() const {
    return Tls::client_from_pem(servers.certificate()).value();
  }

  /// Each client resolves both names.
  void become(const Tls& tls) {
    client.emplace(network.host("10.0.0.2"), tls);
    const Address address = Address::parse("10.0.0.1:443").value();
    REQUIRE(client->resolve("a.example", 443, address));
    REQUIRE(client->resolve("b.example", 443, address));
  }

  Result<Reply> get(std::string url, Headers headers = {}) {
    std::optional<Result<Reply>> outcome;
    client->request(
        {.method = "GET", .url = std::move(url), .headers = std::move(headers), .body = {}},
        [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
    REQUIRE(network.run_until([&] { return outcome.has_value(); }, 1min));
    return std::move(*outcome);
  }

  Issuer servers{"servers"};
  Issuer clients{"clients"};
  io::SimulatedNetwork network{1};
  std::optional<Server> server;
  std::optional<Client> client;
};

}  // namespace

TEST_CASE("a handler sees the names in the client's certificate") {
  World world;
  Tls tls = world.tls_for("DNS:a.example");
  REQUIRE(tls.verify_clients_from_pem(world.clients.certificate(), ClientAuth::request));
  REQUIRE(world.server->set_tls(tls));
  const Identity identity = world.clients.issue(
      {.alternative_names = "DNS:device-7.example", .extended_usage = "clientAuth"});

  world.become(world.client_tls());
  CHECK(world.get("https://a.example/")->body == "a.example to nobody");

  Tls named = world.client_tls();
  REQUIRE(named.client_certificate_from_pem(identity.certificate, identity.key));
  world.become(named);
  CHECK(world.get("https://a.example/")->body == "a.example to DNS:device-7.example");
}

TEST_CASE("a client without the certificate that a host requires is refused with the reason") {
  World world;
  Tls tls = world.tls_for("DNS:a.example");
  REQUIRE(tls.verify_clients_from_pem(world.clients.certificate()));
  REQUIRE(world.server->set_tls(tls));
  bool handled = false;
  world.server->get("/", [&](Request, Response) { handled = true; });

  world.become(world.client_tls());
  const Result<Reply> reply = world.get("https://a.example/");

  REQUIRE_FALSE(reply);
  CHECK(reply.error() == Error{Error::Domain::tls, 116});
  CHECK_FALSE(handled);
}

// RFC 9110 §15.5.20.
TEST_CASE("a request for one host on a connection made for another one is a 421") {
  World world;
  Tls tls = world.tls_for("DNS:a.example,DNS:also-a.example");
  Tls closed = world.tls_for("DNS:b.example");
  REQUIRE(closed.verify_clients_from_pem(world.clients.certificate()));
  REQUIRE(tls.add_host(closed));
  REQUIRE(world.server->set_tls(tls));
  bool handled = false;
  world.server->get("/", [&](Request request, Response response) {
    handled = handled || request.authority().starts_with("b.example");
    response.end("fine");
  });
  world.become(world.client_tls());

  CHECK(world.get("https://a.example/")->status == 200);
  for (const std::string_view other : {"b.example", "B.EXAMPLE:443", "b.example."}) {
    CAPTURE(other);
    CHECK(world.get("https://a.example/", {{"host", std::string{other}}})->status == 421);
  }
  CHECK_FALSE(handled);
  CHECK(world.get("https://a.example/", {{"host", "also-a.example"}})->status == 200);
  CHECK(world.get("https://a.example/", {{"host", "10.0.0.1"}})->status == 200);
}

TEST_CASE("new certificates are for new connections, those there are go on") {
  World world;
  std::optional<Response> waiting;
  world.server->get("/slow", [&](Request, Response response) { waiting = response; });
  world.become(world.client_tls());
  std::optional<Result<Reply>> slow;
  world.client->get("https://a.example/slow",
                    [&](Result<Reply> reply) { slow = std::move(reply); });
  REQUIRE(world.network.run_until([&] { return waiting.has_value(); }, 5s));

  REQUIRE(world.server->set_tls(world.tls_for("DNS:b.example")));
  waiting->end("done");
  REQUIRE(world.network.run_until([&] { return slow.has_value(); }, 5s));

  CHECK(slow->value().body == "done");
  CHECK(world.get("https://b.example/").has_value());
  CHECK(world.get("https://a.example/").has_value());  // the connection of before
  world.become(world.client_tls());
  CHECK(world.get("https://a.example/").error() == Error{LocalError::certificate_name});
  CHECK(world.server->set_tls(world.client_tls()).error() == Error{UsageError::invalid_argument});
  CHECK(world.get("https://b.example/").has_value());
}

TEST_CASE("a route for one host answers for that host, whatever the port") {
  World world;
  REQUIRE(world.server->set_tls(world.tls_for("DNS:a.example,DNS:b.example")));
  world.server->get("b.example/", [](Request, Response response) { response.end("b's page"); });
  world.become(world.client_tls());

  CHECK(world.get("https://a.example/")->body == "a.example to nobody");
  CHECK(world.get("https://b.example/")->body == "b's page");
  CHECK(world.get("https://a.example/", {{"host", "b.example:443"}})->body == "b's page");
}
