// SPDX-License-Identifier: MIT
/// Servers whose certificates and keys are elsewhere, as their owner sees them.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/listener.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_answer.hpp>
#include <quoin/tls_request.hpp>

#include "support/certs.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

/// A server without certificates at 10.0.0.1, which a.example and b.example are.
struct World {
  World() {
    ServerConfig config;
    config.quic.early_data = true;
    server.emplace(network.host("10.0.0.1"), Tls::server_on_demand().value(), config);
    server->get("/", [](Request request, Response response) {
      response.end("this is " + std::string{request.authority()});
    });
    server->on_disconnected([this](const ConnectionInfo& info) { reasons.push_back(info.reason); });
    REQUIRE(server->listen("10.0.0.1:443").has_value());
    become_new_client();
  }

  void become_new_client() {
    ClientConfig config;
    config.early_safe_methods = true;
    client.emplace(network.host("10.0.0.2"), Tls::client_from_pem(issuer.certificate()).value(),
                   std::move(config));
    const Address address = Address::parse("10.0.0.1:443").value();
    for (const char* const name : {"a.example", "b.example"}) {
      REQUIRE(client->resolve(name, 443, address));
    }
  }

  [[nodiscard]] Identity identity_for(std::string_view name) const {
    return issuer.issue({.alternative_names = "DNS:" + std::string{name}});
  }

  [[nodiscard]] Tls tls_for(std::string_view name) const {
    const Identity identity = identity_for(name);
    return Tls::server_from_pem(identity.certificate, identity.key).value();
  }

  Result<Reply> get(std::string url, Headers headers = {}) {
    std::optional<Result<Reply>> outcome;
    client->request(
        {.method = "GET", .url = std::move(url), .headers = std::move(headers), .body = {}},
        [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
    REQUIRE(network.run_until([&] { return outcome.has_value(); }, 1min));
    return std::move(*outcome);
  }

  Issuer issuer{"root"};
  io::SimulatedNetwork network{1};
  std::vector<Error> reasons;
  std::optional<Server> server;
  std::optional<Client> client;
};

}  // namespace

TEST_CASE("A server answers for certificates and keys when it can") {
  enum class When : std::uint8_t { at_once, in_a_turn, between_turns };
  const When when = GENERATE(When::at_once, When::in_a_turn, When::between_turns);
  World world;
  Loop& loop = world.network.host("10.0.0.1");
  const Identity b = world.identity_for("b.example");
  std::vector<TlsRequest> asked;
  world.server->on_tls_request([&](TlsRequest request, TlsAnswer answer) {
    asked.push_back(request);
    const auto reply = [&, request = std::move(request), answer] {
      CHECK(answer);
      if (request.type == TlsRequest::Type::signature) {
        CHECK(answer.sign(sign(b.key, request.scheme, request.input)).has_value());
      } else if (request.server_name == "b.example") {
        CHECK(answer.use(Tls::server_without_key_from_pem(b.certificate).value()).has_value());
      } else {
        CHECK(answer.use(world.tls_for(request.server_name)).has_value());
      }
      CHECK_FALSE(answer);
    };
    if (when == When::at_once) reply();
    if (when == When::in_a_turn) loop.after(50ms, reply);
    if (when == When::between_turns) world.network.after(50ms, reply);
  });

  const Reply first = world.get("https://a.example/").value();
  CHECK(first.body == "this is a.example");
  // Two round trips and what the answer took.
  CHECK(first.timing.total / 10ms == (when == When::at_once ? 4 : 9));
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].server_name == "a.example");
  CHECK(asked[0].alpn == std::vector<std::string>{"h3"});
  CHECK(world.get("https://b.example/").value().body == "this is b.example");
  CHECK(asked.size() == 3);
  CHECK(world.server->stats().quic.tls_requests_made == 3);
}

TEST_CASE("A certificate that was given for one name serves no other one") {
  World world;
  const Identity both = world.issuer.issue({.alternative_names = "DNS:a.example,DNS:b.example"});
  world.server->on_tls_request([&](const TlsRequest&, TlsAnswer answer) {
    CHECK(answer.use(Tls::server_from_pem(both.certificate, both.key).value()).has_value());
  });

  constexpr int misdirected = 421;
  CHECK(world.get("https://a.example/", {{"host", "A.example:443"}})->status == 200);
  CHECK(world.get("https://a.example/", {{"host", "b.example"}})->status == misdirected);
  CHECK(world.get("https://b.example/")->body == "this is b.example");
}

TEST_CASE("A client is answered at once when its certificate comes soon, and acknowledged else") {
  const Duration took = GENERATE(Duration{20ms}, Duration{200ms});
  World world;
  Loop& loop = world.network.host("10.0.0.1");
  Time asked_at{};
  world.server->on_tls_request([&](const TlsRequest&, TlsAnswer answer) {
    asked_at = loop.now();
    loop.after(took, [&, answer] { CHECK(answer.use(world.tls_for("a.example")).has_value()); });
  });
  std::optional<Duration> first_sent;
  world.network.tap([&](const io::Observation& seen) {
    if (seen.datagram.path.local.port() == 443 && !first_sent) {
      first_sent = seen.sent - asked_at;
    }
  });

  REQUIRE(world.get("https://a.example/").has_value());

  // What is acknowledged before that makes the client expect the rest as soon, and probe for it.
  REQUIRE(first_sent);
  CHECK(*first_sent == std::min(took, Duration{25ms}));
}

TEST_CASE("Early data survive that their certificate comes later") {
  World world;
  Loop& loop = world.network.host("10.0.0.1");
  const Tls tls = world.tls_for("a.example");
  int asked = 0;
  world.server->on_tls_request([&](const TlsRequest&, TlsAnswer answer) {
    ++asked;
    loop.after(50ms, [&tls, answer] { CHECK(answer.use(tls).has_value()); });
  });
  REQUIRE(world.get("https://a.example/").has_value());
  world.network.run_for(100ms);
  const std::string saved = world.client->save_sessions();
  world.become_new_client();
  REQUIRE(world.client->load_sessions(as_bytes(saved)).has_value());

  const auto reply = world.get("https://a.example/");

  REQUIRE(reply.has_value());
  CHECK(reply->timing.early);
  CHECK(reply->timing.total >= 50ms);
  CHECK(reply->timing.total < 150ms);  // what came before the certificate is sent again
  CHECK(asked == 2);
}

TEST_CASE("A server that refuses a certificate says so to the client and in its log") {
  const bool has_handler = GENERATE(true, false);
  World world;
  if (has_handler) {
    world.server->on_tls_request([&](const TlsRequest&, TlsAnswer answer) {
      // Between the turns: the answer must bring the next one about.
      world.network.after(1ms,
                          [answer] { CHECK(answer.refuse("no customer of ours").has_value()); });
    });
  }

  const Time begun = world.network.now();
  const auto reply = world.get("https://a.example/");

  CHECK(world.network.now() - begun < 40ms);
  REQUIRE_FALSE(reply.has_value());
  constexpr std::uint64_t unrecognized_name = 112;
  CHECK(reply.error() == Error{Error::Domain::tls, unrecognized_name});
  CHECK(reply.error().message().find("customer") == std::string::npos);  // is for our log
  REQUIRE(world.network.run_until([&] { return !world.reasons.empty(); }, 5s));
  CHECK(
      world.reasons[0].detail() ==
      (has_handler ? "no customer of ours" : "nobody was set to answer for certificates and keys"));
}

TEST_CASE("An answer for a client that has given up is stale, and one for a server that is gone") {
  const bool server_goes = GENERATE(false, true);
  World world;
  std::optional<TlsAnswer> kept;
  world.server->on_tls_request([&](const TlsRequest&, TlsAnswer answer) {
    kept = answer;
    if (server_goes) world.server.reset();
  });

  CHECK_FALSE(world.get("https://a.example/").has_value());

  REQUIRE(kept);
  if (!server_goes) {
    // The client's farewell has to arrive.
    REQUIRE(world.network.run_until([&] { return !world.reasons.empty(); }, 1s));
  }
  CHECK_FALSE(*kept);
  const Error stale{UsageError::stale_handle};
  CHECK(kept->use(world.tls_for("a.example")).error() == stale);
  CHECK(kept->sign(as_bytes("signature")).error() == stale);
  CHECK(kept->refuse("late").error() == stale);
  CHECK_FALSE(TlsAnswer{});
  CHECK(TlsAnswer{}.refuse("nothing").error() == stale);
}

TEST_CASE("A listener is given certificates, too, and may go while it is asked") {
  const bool listener_goes = GENERATE(false, true);
  const Issuer issuer{"root"};
  io::SimulatedNetwork network{1};
  quic::Config config;
  config.alpn = {"test"};
  std::optional<Listener> listener;
  listener.emplace(network.host("10.0.0.1"), Tls::server_on_demand().value(), config);
  const Identity identity = issuer.issue({.alternative_names = "DNS:a.example"});
  listener->on_tls_request([&](const TlsRequest&, TlsAnswer answer) {
    if (listener_goes) listener.reset();
    const auto tls = Tls::server_from_pem(identity.certificate, identity.key).value();
    CHECK(answer.use(tls).has_value() == !listener_goes);
  });
  REQUIRE(listener->listen("10.0.0.1:4433").has_value());
  Dialer dialer{network.host("10.0.0.2"), Tls::client_from_pem(issuer.certificate()).value(),
                config};
  std::optional<Result<Connection>> outcome;
  REQUIRE(
      dialer
          .connect("10.0.0.1:4433", "a.example",
                   [&](Result<Connection> connection) { outcome.emplace(std::move(connection)); })
          .has_value());

  REQUIRE(network.run_until([&] { return outcome.has_value(); }, 1min));

  CHECK(outcome->has_value() == !listener_goes);
}
