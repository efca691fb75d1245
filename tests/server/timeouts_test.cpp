// SPDX-License-Identifier: MIT
/// The timers of a server over a whole session.
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

#include "server/server_impl.hpp"
#include "support/walked_driver.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a server does by every timeout what it asked to be called for") {
  io::SimulatedNetwork network{1};
  const Tls tls = Tls::self_signed(std::array<std::string, 1>{"10.0.0.1"}).value();
  ServerConfig config;
  config.response_timeout = 2s;
  config.idle_connection_timeout = 4s;
  Walked<Server::Impl> server{network.host("10.0.0.1"), tls, config};
  std::vector<Response> kept;
  server.router.add("GET", "/", [](Request, Response response) { response.end("hello"); });
  server.router.add("GET", "/later", [&](Request, Response response) { kept.push_back(response); });
  server.router.add("GET", "/ever", [&](Request, Response response) {
    response.timeout(1h);
    kept.push_back(response);
  });
  REQUIRE(server.open(Address::parse("10.0.0.1:4433").value()).has_value());
  const auto keeps = [] {
    ClientConfig settings;
    settings.quic.keep_alive = 1s;
    return settings;
  };
  Client client{network.host("10.0.0.2"), Tls::client_from_pem(tls.certificate_pem()).value(),
                keeps()};
  std::vector<int> statuses;
  const auto get = [&](const std::string& target) {
    client.get("https://10.0.0.1:4433" + target,
               [&](const Result<Reply>& reply) { statuses.push_back(reply ? reply->status : 0); });
  };
  get("/");
  get("/later");
  REQUIRE(network.run_until([&] { return statuses.size() == 2; }, 5s));
  CHECK(statuses == std::vector{200, 503});
  CHECK(server.counted.timeouts == 1);
  network.run_for(10s);  // the connection is told to leave
  CHECK(server.counted.connections_idle == 1);
  get("/ever");
  Client other{network.host("10.0.0.3"), Tls::client_from_pem(tls.certificate_pem()).value(),
               keeps()};
  other.get("https://10.0.0.1:4433/", [](const Result<Reply>&) {});
  network.run_for(1s);
  CHECK(server.connections.size() == 2);
  // Longer than connections may be idle: that is not looked at any more, and not asked for either.
  bool done = false;
  server.shut_down(20s, [&] { done = true; });
  network.run_for(19s);
  CHECK_FALSE(done);
  REQUIRE(network.run_until([&] { return done; }, 2s));
  network.run_for(1min);
  CHECK(server.connections.empty());
  CHECK(server.served() > 0);
}

}  // namespace
}  // namespace quoin::test
