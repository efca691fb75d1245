// SPDX-License-Identifier: MIT
/// Alternative services (RFC 7838): where requests go when an origin says that it is elsewhere too.
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/alt_svc.hpp>
#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view to_second = R"(h3="alt.example:8443"; ma=60)";

/// The origin a.example:4433 on 10.0.0.1 and its alternative, alt.example:8443 on 10.0.0.3; both
/// have a certificate for a.example only, unless the alternative is an impostor.
struct AlternativeWorld {
  explicit AlternativeWorld(bool impostor = false, bool follow = true, bool insecure = false)
      : tls(Tls::self_signed(std::array<std::string, 1>{"a.example"}).value()),
        other_tls(Tls::self_signed(std::array<std::string, 1>{"alt.example"}).value()) {
    serve(0, "10.0.0.1", 4433, tls);
    serve(1, "10.0.0.3", 8443, impostor ? other_tls : tls);
    ClientConfig config;
    config.alternatives = follow;
    config.resolver = [this](const std::string& host, std::uint16_t port, ResolveDone done) {
      looked_up.push_back(host);
      if (host == "lost.example") return done(std::vector<Address>{});
      const std::string_view address = host == "alt.example" ? "10.0.0.3" : "10.0.0.1";
      done(std::vector{Address::parse_host(address, port).value()});
    };
    client.emplace(
        network.host("10.0.0.2"),
        insecure
            ? Tls::insecure_client()
            : Tls::client_from_pem(tls.certificate_pem() + other_tls.certificate_pem()).value(),
        std::move(config));
  }

  void serve(std::size_t index, std::string_view host, std::uint16_t port, const Tls& identity) {
    Server& server = servers[index].emplace(network.host(host), identity);
    REQUIRE(server.listen(std::string{host} + ':' + std::to_string(port)).has_value());
    server.get("/", [this, index](Request request, Response response) {
      used = request.header("alt-used");
      authority = request.header(":authority");
      if (!said.empty()) response.header("alt-svc", said);
      if (!age.empty()) response.header("age", age);
      response.status(index == 1 && refuses ? 421 : 200).end(index == 0 ? "origin" : "alternative");
    });
  }

  std::string fetch() {
    std::optional<Result<Reply>> outcome;
    client->get("https://a.example:4433/",
                [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
    const Time begin = network.now();
    REQUIRE(network.run_until([&] { return outcome.has_value(); }, 1min));
    took = network.now() - begin;
    return *outcome ? (*outcome)->body : outcome->error().message();
  }

  [[nodiscard]] std::size_t open() const { return client->stats().open_connections; }

  io::SimulatedNetwork network{1};
  Tls tls;
  Tls other_tls;
  std::string said{to_second};
  std::string age;
  std::string used;
  std::string authority;
  bool refuses = false;
  Duration took{};
  std::vector<std::string> looked_up;
  std::array<std::optional<Server>, 2> servers;
  std::optional<Client> client;
};

}  // namespace

TEST_CASE("after a reply that names an alternative requests go there, for the same authority") {
  AlternativeWorld world;
  CHECK(world.fetch() == "origin");
  CHECK(world.used.empty());
  CHECK(world.fetch() == "alternative");
  CHECK(world.used == "alt.example:8443");
  CHECK(world.authority == "a.example:4433");
  CHECK(world.fetch() == "alternative");
  world.network.run_for(1s);
  CHECK(world.open() == 1);
  CHECK(world.client->stats().connections == 2);
  CHECK(world.client->stats().alternatives == 1);
  CHECK(world.looked_up == std::vector<std::string>{"a.example", "alt.example"});
}

TEST_CASE("an alternative with an IPv6 address is named in brackets") {
  AlternativeWorld world;
  world.network.add_address("10.0.0.2", "2001:db8::2");
  world.network.add_address("10.0.0.3", "2001:db8::3");
  REQUIRE(world.servers[1]->listen("[2001:db8::3]:8443").has_value());
  world.said = R"(h3="[2001:db8::3]:8443")";
  CHECK(world.fetch() == "origin");
  CHECK(world.fetch() == "alternative");
  CHECK(world.used == "[2001:db8::3]:8443");
}

TEST_CASE("alternatives are followed only by clients that want that and know who speaks") {
  AlternativeWorld plain{false, false};
  AlternativeWorld careless{false, true, true};
  for (AlternativeWorld* const world : {&plain, &careless}) {
    CHECK(world->fetch() == "origin");
    CHECK(world->fetch() == "origin");
    CHECK(world->client->alternatives().size() == 0);
    CHECK(world->client->stats().connections == 1);
  }
}

TEST_CASE("a reply by another protocol may have named the alternative, and it may be cleared") {
  AlternativeWorld world;
  AltSvcCache& known = world.client->alternatives();
  REQUIRE(known.handle_header("a.example", 4433, to_second, world.network.now()).has_value());
  CHECK(world.fetch() == "alternative");
  world.said = "clear";
  CHECK(world.fetch() == "alternative");
  CHECK(known.size() == 0);
  CHECK(world.fetch() == "origin");
  CHECK(world.fetch() == "origin");
  CHECK(world.client->stats().connections == 2);
}

// RFC 7838 §2.2.
TEST_CASE("an alternative is used as long as it is true, and while the network stays the same") {
  AlternativeWorld aged;
  aged.age = "60";
  CHECK(aged.fetch() == "origin");
  CHECK(aged.fetch() == "origin");
  AlternativeWorld moved;
  CHECK(moved.fetch() == "origin");
  CHECK(moved.client->alternatives().size() == 1);
  REQUIRE(moved.client->network_changed().has_value());
  CHECK(moved.client->alternatives().size() == 0);
  CHECK(moved.fetch() == "origin");
}

TEST_CASE("an origin that names itself keeps its connection") {
  AlternativeWorld world;
  world.said = R"(h3=":4433", h3="alt.example:8443")";
  for (int i = 0; i < 3; ++i) CHECK(world.fetch() == "origin");
  CHECK(world.client->stats().connections == 1);
}

// RFC 7838 §2.1.
TEST_CASE("an alternative without a certificate for the origin is not used") {
  AlternativeWorld world{true};
  CHECK(world.fetch() == "origin");
  CHECK(world.fetch() == "origin");
  CHECK(world.took < 400ms);
  CHECK(world.client->stats().alternatives == 0);
  CHECK(world.client->stats().alternatives_failed == 1);
  CHECK(world.fetch() == "origin");
  CHECK(world.client->stats().connections == 2);
  CHECK(world.client->stats().alternatives_failed == 1);
}

TEST_CASE("an alternative that is silent, closed or unknown costs one attempt delay, once") {
  for (const std::string_view said :
       {R"(h3="alt.example:8443")", R"(h3=":9")", R"(h3="lost.example:1")"}) {
    INFO(said);
    AlternativeWorld world;
    world.said = said;
    world.network.link_both("10.0.0.2", "10.0.0.3", {.down = true});
    CHECK(world.fetch() == "origin");
    CHECK(world.fetch() == "origin");
    CHECK(world.took < 400ms);
    CHECK(world.fetch() == "origin");
    CHECK(world.client->stats().alternatives_failed == 1);
    world.network.run_for(1s);
    CHECK(world.open() == 1);
    world.network.link_both("10.0.0.2", "10.0.0.3", {});
    world.network.run_for(6min);  // the connection was idle for too long, and the pause is over
    CHECK(world.fetch() == (said == to_second.substr(0, said.size()) ? "alternative" : "origin"));
  }
}

TEST_CASE("when neither the alternative nor the origin answers the origin's failure is told") {
  AlternativeWorld world;
  REQUIRE(world.client->alternatives()
              .handle_header("a.example", 4433, to_second, world.network.now())
              .has_value());
  world.network.link_both("10.0.0.2", "10.0.0.3", {.down = true});
  world.servers[0].reset();
  CHECK(world.fetch().contains("10.0.0.1:4433"));
  CHECK(world.took < 11s);
}

// RFC 7838 §6.
TEST_CASE("a request that the alternative calls misdirected goes to the origin, once") {
  AlternativeWorld world;
  world.refuses = true;
  CHECK(world.fetch() == "origin");
  CHECK(world.fetch() == "origin");
  CHECK(world.client->stats().retries == 1);
  CHECK(world.client->stats().alternatives_failed == 1);
  CHECK(world.fetch() == "origin");
  CHECK(world.client->stats().retries == 1);
}
