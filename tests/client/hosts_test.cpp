// SPDX-License-Identifier: MIT
/// Several hosts on one connection, and requests that have to go elsewhere.
#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>

#include "support/http_world.hpp"
#include "support/shorthand.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

/// Two servers with one certificate for a.example and all names under b.example; x.b.example and
/// c.example have the address of the first, far.b.example that of the second.
struct HostsWorld {
  explicit HostsWorld(ClientConfig config = {}, bool insecure = false)
      : tls(Tls::self_signed(std::array<std::string, 2>{"a.example", "*.b.example"}).value()) {
    constexpr std::array<std::string_view, 2> addresses{"10.0.0.1", "10.0.0.3"};
    for (std::size_t i = 0; i < servers.size(); ++i) {
      servers[i].emplace(network.host(addresses[i]), tls);
      REQUIRE(servers[i]->listen(std::string{addresses[i]} + ":4433").has_value());
      REQUIRE(servers[i]->listen(std::string{addresses[i]} + ":4434").has_value());
      servers[i]->get("/", [](Request request, Response response) {
        response.end(std::string{request.header(":authority")});
      });
      servers[i]->get("/picky", [](Request request, Response response) {
        const std::string_view asked = request.header(":authority");
        const bool is_own = asked.starts_with(request.tls().server_name);
        response.status(is_own ? 200 : 421).end(is_own ? "own" : "misdirected");
      });
    }
    config.resolver = [](const std::string& host, std::uint16_t port, ResolveDone done) {
      const std::map<std::string, std::vector<std::string>> known{
          {"far.b.example", {"10.0.0.3"}}, {"both.b.example", {"10.0.0.1", "10.0.0.3"}}};
      const auto found = known.find(host);
      std::vector<Address> all;
      for (const std::string& text :
           found == known.end() ? std::vector<std::string>{"10.0.0.1"} : found->second) {
        all.push_back(Address::parse_host(text, port).value());
      }
      done(std::move(all));
    };
    client.emplace(
        network.host("10.0.0.2"),
        insecure ? Tls::insecure_client() : Tls::client_from_pem(tls.certificate_pem()).value(),
        std::move(config));
  }

  Result<Reply> fetch(const std::string& host, std::string_view target = "/",
                      std::string_view port = ":4433") {
    std::optional<Result<Reply>> outcome;
    client->get("https://" + host + std::string{port} + std::string{target},
                [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
    REQUIRE(network.run_until([&] { return outcome.has_value(); }, 1min));
    return std::move(*outcome);
  }

  io::SimulatedNetwork network{1};
  Tls tls;
  std::array<std::optional<Server>, 2> servers;
  std::optional<Client> client;
};

}  // namespace

// RFC 9114 §3.3.
TEST_CASE("hosts with one address and one certificate share a connection") {
  HostsWorld world;
  CHECK(world.fetch("a.example").value().body == "a.example:4433");
  CHECK(world.fetch("x.b.example").value().body == "x.b.example:4433");
  CHECK(world.fetch("y.b.example").value().body == "y.b.example:4433");
  CHECK(world.client->stats().connections == 1);
  CHECK(world.client->stats().coalesced == 2);
}

// RFC 4291 §2.5.5.2.
TEST_CASE("an IPv4 address that is written as an IPv6 one is reached like any other") {
  HttpWorld world;
  world.server->get("/", [](Request, Response response) { response.end("here"); });
  REQUIRE(
      world.client->resolve("a.example", 4433, Address::parse("[::ffff:10.0.0.1]:4433").value()));
  CHECK(world.get("https://a.example:4433/").body == "here");
}

TEST_CASE("a connection is shared only where certificate and address agree") {
  HostsWorld world;
  CHECK(world.fetch("a.example").has_value());
  const auto other = world.fetch("c.example");
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error() == Error{LocalError::certificate_name});
  CHECK(world.fetch("far.b.example").value().body == "far.b.example:4433");
  CHECK(world.client->stats().connections == 2);
  CHECK(world.client->stats().coalesced == 0);
}

TEST_CASE("connections are not shared where nobody is verified, nor against the settings") {
  HostsWorld careless{{}, true};
  CHECK(careless.fetch("a.example").has_value());
  CHECK(careless.fetch("x.b.example").has_value());
  CHECK(careless.client->stats().connections == 2);
  ClientConfig config;
  config.coalesce = false;
  HostsWorld apart{std::move(config)};
  CHECK(apart.fetch("a.example").has_value());
  CHECK(apart.fetch("x.b.example").has_value());
  CHECK(apart.client->stats().connections == 2);
}

// RFC 9110 §15.5.20.
TEST_CASE("a misdirected request is sent again on a connection of its own, once") {
  HostsWorld world;
  CHECK(world.fetch("a.example").has_value());
  CHECK(world.fetch("x.b.example", "/picky").value().body == "own");
  CHECK(world.client->stats().retries == 1);
  CHECK(world.client->stats().connections == 2);
  CHECK(world.fetch("x.b.example", "/picky").value().body == "own");
  CHECK(world.client->stats().retries == 1);
  CHECK(world.client->stats().connections == 2);
}

TEST_CASE("a connection that several hosts share is the last to make room") {
  ClientConfig config;
  config.max_connections = 2;
  HostsWorld world{std::move(config)};
  for (const std::string host : {"a.example", "x.b.example", "far.b.example"}) {
    REQUIRE(world.fetch(host).has_value());
    world.network.run_for(100ms);
  }
  REQUIRE(world.fetch("far.b.example", "/", ":4434").has_value());
  CHECK(world.client->stats().connections == 3);
  CHECK(world.client->stats().connections_idle == 1);
  CHECK(world.fetch("x.b.example").has_value());
  CHECK(world.client->stats().connections == 3);
  CHECK(world.fetch("far.b.example").has_value());
  CHECK(world.client->stats().connections == 4);
}

TEST_CASE("all hosts of a connection that goes away get another one") {
  HostsWorld world;
  CHECK(world.fetch("a.example").has_value());
  CHECK(world.fetch("both.b.example").has_value());
  CHECK(world.client->stats().connections == 1);
  world.servers[0].reset();
  world.network.run_for(1s);
  CHECK(world.fetch("both.b.example").value().body == "both.b.example:4433");
  CHECK_FALSE(world.fetch("a.example").has_value());
}

TEST_CASE("a request at any moment of a server's shutdown gets its reply, here or elsewhere") {
  bool moved = false;
  for (auto wait = 0ms; wait <= 100ms; wait += 4ms) {
    INFO(wait.count() << " ms");
    HostsWorld world;
    REQUIRE(world.fetch("both.b.example").has_value());
    // Requests and GOAWAY cross on the way.
    world.servers[0]->shutdown(5s);
    world.network.run_for(wait);
    CHECK(world.fetch("both.b.example").value().body == "both.b.example:4433");
    moved = moved || world.client->connections().back().path.remote ==
                         Address::parse("10.0.0.3:4433").value();
  }
  CHECK(moved);
}

TEST_CASE("requests that a shutdown refused are sent again, or fail and say why") {
  bool lost = true;
  std::map<std::string, std::optional<Result<Reply>>> outcomes;
  HostsWorld world;
  world.servers[1]->post("/", [](Request, Response response) { response.end("posted"); });
  REQUIRE(world.fetch("both.b.example").has_value());
  world.network.intercept([&](const Datagram& datagram) {
    constexpr std::size_t longest_ack = 60;  // those get through
    return !lost || datagram.path.remote.host() != "10.0.0.1" ||
           datagram.payload.size() <= longest_ack;
  });
  const auto send = [&](const std::string& name, std::string method, RequestBody body) {
    world.client->request({.method = std::move(method),
                           .url = "https://both.b.example:4433/",
                           .headers = {},
                           .body = std::move(body)},
                          [&outcomes, name](Result<Reply> reply) { outcomes[name] = reply; });
  };
  send("get", "GET", {});
  send("post", "POST", "kept");
  send("stream", "POST", writer_of("gone when it was sent"));
  world.network.run_for(1ms);
  world.servers[0]->shutdown(5s);
  world.network.run_for(300ms);  // the server says both GOAWAYs, and has seen none of the requests
  lost = false;
  REQUIRE(world.network.run_until([&] { return outcomes.size() == 3; }, 10s));
  CHECK(outcomes["get"]->value().body == "both.b.example:4433");
  CHECK(outcomes["post"]->value().body == "posted");
  REQUIRE_FALSE(outcomes["stream"]->has_value());
  CHECK(outcomes["stream"]->error() == Error{HttpError::request_rejected});
  CHECK(outcomes["stream"]->error().detail() ==
        "https://both.b.example:4433/: both.b.example:4433 is shutting down");
  CHECK(world.client->stats().retries == 2);
  CHECK(world.client->connections().back().path.remote == Address::parse("10.0.0.3:4433").value());
}

TEST_CASE("a body that waited in vain for the server's word is sent when the time is up") {
  ClientConfig config;
  config.continue_timeout = 700ms;
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  world.server->put("/silent", [&](Request request, Response response) {
    world.network.host("10.0.0.1").after(3s, [request, response]() mutable {
      request.read_body(
          1000, [response](Result<std::string> body) mutable { response.end(body.value_or("?")); });
    });
  });
  REQUIRE_FALSE(world.fetch(get_of("/other")).value().status == 200);  // the connection is up
  std::optional<Time> sent;
  ClientRequest request{.method = "PUT", .url = "/silent", .headers = {}, .body = {}};
  request.headers.add("expect", "100-continue");
  request.body = RequestBody{[&, text = writer_of("text")](std::span<std::byte> room) mutable {
                               sent = sent.value_or(world.network.now());
                               return text(room);
                             },
                             4};
  const Time begin = world.network.now();
  const Result<Reply> reply = world.fetch(std::move(request));
  CHECK(reply.value().body == "text");
  REQUIRE(sent.has_value());
  CHECK(*sent - begin >= 700ms);
  CHECK(*sent - begin < 750ms);
}

// RFC 9110 §10.1.1.
TEST_CASE("a body that waits is sent when the server asks for it, or refused") {
  HttpWorld world;
  int bodies = 0;
  world.server->put("/asks", [&](Request request, Response response) {
    request.read_body(1000, [&bodies, response](Result<std::string> body) mutable {
      ++bodies;
      response.end(body.value_or("?"));
    });
  });
  world.server->put("/refuses", [](Request, Response response) { response.status(403).end("no"); });
  world.server->put("/fails", [](Request request, Response response) {
    response.status(request.header("expect").empty() ? 200 : 417).end("without");
  });
  const auto put = [&](std::string_view target) {
    int hints = 0;
    ClientRequest request{.method = "PUT", .url = world.url(target), .headers = {}, .body = "text"};
    request.headers.add("expect", "100-Continue");
    ClientCallbacks callbacks;
    callbacks.on_informational = [&](int status, const Headers&) { hints += status; };
    std::optional<Result<Reply>> outcome;
    callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
    const Time begin = world.network.now();
    world.client->request(std::move(request), std::move(callbacks));
    REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 1min));
    CHECK(world.network.now() - begin < 500ms);
    return std::pair{hints, std::move(outcome->value().body)};
  };
  CHECK(put("/asks") == std::pair{100, std::string{"text"}});
  CHECK(bodies == 1);
  CHECK(put("/refuses").second == "no");
  CHECK(put("/fails").second == "without");
}

TEST_CASE("a request can be given up, or have its time up, at any moment") {
  for (auto wait = 1ms; wait <= 101ms; wait += 5ms) {
    for (const bool by_hand : {true, false}) {
      INFO(wait.count() << " ms, " << (by_hand ? "cancelled" : "out of time"));
      HostsWorld world;
      const Error expected =
          by_hand ? Error{HttpError::request_cancelled} : Error{LocalError::request_timeout};
      std::vector<bool> as_expected;
      ClientRequest request{.method = "GET",
                            .url = "https://both.b.example:4433/",
                            .headers = {},
                            .body = {},
                            .timeout = by_hand ? 0ms : wait};
      Call call = world.client->request(std::move(request), [&](Result<Reply> reply) {
        as_expected.push_back(reply.has_value() || reply.error() == expected);
      });
      world.network.run_for(wait);
      if (by_hand) call.cancel();
      world.network.run_for(1s);
      CHECK(as_expected == std::vector{true});
      CHECK(world.client->stats().open_requests == 0);
      CHECK(world.fetch("a.example").has_value());
    }
  }
}
