// SPDX-License-Identifier: MIT
/// Which connections a client makes, how many, and how long it keeps them.
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"
#include "support/shorthand.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

/// A server on both families, and a resolver that knows it as a.example.
struct DualWorld : HttpWorld {
  explicit DualWorld(std::vector<std::string> addresses, ClientConfig config = {})
      : HttpWorld(
            {.seed = 1, .server = {}, .client = with(std::move(addresses), std::move(config))}) {
    network.add_address("10.0.0.1", "fd00::1");
    network.add_address("10.0.0.2", "fd00::2");
    REQUIRE(server->listen("[fd00::1]:4433").has_value());
    server->get("/", [](Request, Response response) { response.end("page"); });
  }

  static ClientConfig with(std::vector<std::string> addresses, ClientConfig config) {
    config.resolver = [addresses = std::move(addresses)](const std::string&, std::uint16_t,
                                                         ResolveDone done) {
      std::vector<Address> all;
      for (const std::string& one : addresses) all.push_back(address(one));
      done(std::move(all));
    };
    return config;
  }

  /// How long a page takes, and from where it came.
  std::pair<Duration, Address> race() {
    const Time begin = network.now();
    const Result<Reply> reply = fetch(get_of("https://a.example:4433/"));
    INFO((reply ? std::string{} : reply.error().message()));
    REQUIRE(reply.has_value());
    CHECK(reply->body == "page");
    const auto up = client->connections();
    REQUIRE(up.size() == 1);
    return {network.now() - begin, up[0].path.remote};
  }
};

const std::vector<std::string> both{"[fd00::1]:4433", "10.0.0.1:4433"};

/// Three servers that have a certificate for their address.
struct ManyWorld {
  explicit ManyWorld(ClientConfig config)
      : tls(Tls::self_signed(std::array<std::string, 3>{"10.0.0.1", "10.0.0.3", "10.0.0.4"})
                .value()) {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      servers[i].emplace(network.host(hosts[i]), tls);
      REQUIRE(servers[i]->listen(std::string{hosts[i]} + ":4433").has_value());
      servers[i]->get("/", [](Request, Response response) { response.end("page"); });
      servers[i]->get("/slow", [this](Request, Response response) {
        network.host("10.0.0.1").after(2s, [response]() mutable { response.end("slow"); });
      });
    }
    client.emplace(network.host("10.0.0.2"), Tls::client_from_pem(tls.certificate_pem()).value(),
                   std::move(config));
  }

  void get(std::size_t host, std::string_view target) {
    client->get("https://" + std::string{hosts[host]} + ":4433" + std::string{target},
                [this](Result<Reply> reply) { bodies.push_back(reply ? reply->body : "failed"); });
  }

  bool run_until_replies(std::size_t count) {
    return network.run_until([&] { return bodies.size() == count; }, 20s);
  }

  static constexpr std::array<std::string_view, 3> hosts{"10.0.0.1", "10.0.0.3", "10.0.0.4"};
  io::SimulatedNetwork network{1};
  Tls tls;
  std::array<std::optional<Server>, 3> servers;
  std::vector<std::string> bodies;
  std::optional<Client> client;
};

}  // namespace

TEST_CASE("with both families alive the preferred one is used, and the other not bothered") {
  DualWorld world{both};
  const auto [took, remote] = world.race();
  CHECK(remote == address("[fd00::1]:4433"));
  CHECK(took < 100ms);
  CHECK(world.client->stats().attempts_abandoned == 0);
}

// RFC 8305 §5.
TEST_CASE("a family that is a black hole costs one attempt delay") {
  DualWorld world{both};
  world.network.link_both("fd00::1", "fd00::2", {.down = true});
  const auto [took, remote] = world.race();
  CHECK(remote == address("10.0.0.1:4433"));
  CHECK(took > 250ms);
  CHECK(took < 350ms);
  CHECK(world.client->stats().attempts_abandoned == 1);
  CHECK(world.client->stats().connections_failed == 0);
}

// RFC 8305 §4.
TEST_CASE("a dead family costs one attempt delay however many addresses it has") {
  DualWorld world{{"[fd00::7]:4433", "[fd00::8]:4433", "[fd00::9]:4433", "10.0.0.1:4433"}};
  const auto [took, remote] = world.race();
  CHECK(remote == address("10.0.0.1:4433"));
  CHECK(took < 350ms);
}

TEST_CASE("an address that refuses is not waited for") {
  DualWorld world{{"[fd00::1]:5555", "10.0.0.1:4433"}};
  const auto [took, remote] = world.race();
  CHECK(remote == address("10.0.0.1:4433"));
  CHECK(took < 150ms);
  CHECK(world.client->stats().connections_failed == 1);
}

TEST_CASE("the first handshake wins and the slow one's connection is closed") {
  DualWorld world{both};
  world.network.link_both("fd00::1", "fd00::2", {.delay = 200ms});
  int announced = 0;
  int ended = 0;
  int given_up = 0;
  world.server->on_disconnected([&](const ConnectionInfo&) { ++given_up; });
  world.client->on_connected([&](const ConnectionInfo&) { ++announced; });
  world.client->on_disconnected([&](const ConnectionInfo&) { ++ended; });
  const auto [took, remote] = world.race();
  CHECK(remote == address("10.0.0.1:4433"));
  world.network.run_for(2s);
  CHECK(announced == 1);
  CHECK(ended == 0);
  CHECK(world.client->stats().open_connections == 1);
  CHECK(given_up == 1);  // the server was told
}

TEST_CASE("when no address answers the request fails once the time is up") {
  ClientConfig config;
  config.connect_timeout = 2s;
  DualWorld world{both, std::move(config)};
  world.network.link_both("fd00::1", "fd00::2", {.down = true});
  world.network.link_both("10.0.0.1", "10.0.0.2", {.down = true});
  const Time begin = world.network.now();
  const Result<Reply> reply = world.fetch(get_of("https://a.example:4433/"));
  REQUIRE_FALSE(reply.has_value());
  CHECK(reply.error() == Error{LocalError::no_answer});
  CHECK(world.network.now() - begin >= 2s);
  CHECK(world.network.now() - begin < 2100ms);
  CHECK(world.client->stats().connections_failed == 2);
}

TEST_CASE("a connection that nobody uses is closed after its time, and made anew when needed") {
  ClientConfig config;
  config.idle_connection_timeout = 5s;
  ManyWorld world{std::move(config)};
  world.get(0, "/");
  REQUIRE(world.run_until_replies(1));
  world.network.run_for(4s);
  CHECK(world.client->stats().open_connections == 1);
  world.network.run_for(2s);
  CHECK(world.client->stats().open_connections == 0);
  CHECK(world.client->stats().connections_idle == 1);
  world.get(0, "/");
  REQUIRE(world.run_until_replies(2));
  CHECK(world.bodies.back() == "page");
  CHECK(world.client->stats().connections == 2);
}

TEST_CASE("the connection that was idle longest makes room for another host's") {
  ClientConfig config;
  config.max_connections = 2;
  ManyWorld world{std::move(config)};
  for (const std::size_t host : {0U, 1U, 0U, 2U}) {
    world.get(host, "/");
    REQUIRE(world.run_until_replies(world.bodies.size() + 1));
    world.network.run_for(100ms);
  }
  const auto up = world.client->connections();
  REQUIRE(up.size() == 2);
  CHECK(up[0].host == "10.0.0.1:4433");
  CHECK(up[1].host == "10.0.0.4:4433");
  CHECK(world.client->stats().connections_idle == 1);
}

TEST_CASE("while all connections are busy, requests for other hosts wait for one to be free") {
  ClientConfig config;
  config.max_connections = 1;
  ManyWorld world{std::move(config)};
  world.get(0, "/slow");
  world.network.run_for(200ms);
  world.get(1, "/");
  world.get(2, "/");
  world.network.run_for(1s);
  CHECK(world.bodies.empty());
  CHECK(world.client->stats().connections == 1);
  REQUIRE(world.run_until_replies(3));
  CHECK(world.bodies == std::vector<std::string>{"slow", "page", "page"});
}

TEST_CASE("one request too many is refused and counted, the others go on") {
  ClientConfig config;
  config.max_requests = 2;
  ManyWorld world{std::move(config)};
  for (int i = 0; i < 3; ++i) world.get(0, "/");
  REQUIRE(world.run_until_replies(3));
  CHECK(world.bodies == std::vector<std::string>{"failed", "page", "page"});
  CHECK(world.client->stats().requests_refused == 1);
}

TEST_CASE("a reply has to begin in time but may then take longer") {
  ClientConfig config;
  config.first_byte_timeout = 1s;
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  world.server->get("/never", [](Request, Response) {});
  world.server->get("/hint", [&](Request, Response response) {
    response.inform(102);
    world.network.host("10.0.0.1").after(3s, [response]() mutable { response.end("late"); });
  });
  const Time begin = world.network.now();
  const auto never = world.fetch(get_of("/never"));
  REQUIRE_FALSE(never.has_value());
  CHECK(never.error() == Error{LocalError::request_timeout});
  CHECK(world.network.now() - begin < 1100ms);
  CHECK(world.fetch(get_of("/hint")).value().body == "late");
}
