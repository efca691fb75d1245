// SPDX-License-Identifier: MIT
/// How a server keeps its connections apart: those that are over, and those that come after them.
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

#include "server/server_impl.hpp"
#include "support/http_world.hpp"
#include "support/walked_driver.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("news of a connection that is over do not look like a new connection") {
  io::SimulatedNetwork network{1};
  const Tls tls = Tls::self_signed(std::array<std::string, 1>{"10.0.0.1"}).value();
  Walked<Server::Impl> server{network.host("10.0.0.1"), tls, ServerConfig{}};
  server.router.add("GET", "/", [](Request, Response response) { response.end("hello"); });
  std::vector<std::uint64_t> connected;
  std::vector<std::uint64_t> disconnected;
  server.on_connected = [&](const ConnectionInfo& info) { connected.push_back(info.number); };
  server.on_disconnected = [&](const ConnectionInfo& info) {
    disconnected.push_back(info.number);
    // What an application does that has something to be polled.
    server.endpoint->for_each([](quic::Connection& connection) { connection.want_poll(); });
  };
  REQUIRE(server.open(Address::parse("10.0.0.1:4433").value()).has_value());
  const Tls trust = Tls::client_from_pem(tls.certificate_pem()).value();
  for (std::uint64_t round = 1; round <= 2; ++round) {
    Client client{network.host("10.0.0.2"), trust, {}};
    int status = 0;
    client.get("https://10.0.0.1:4433/",
               [&](const Result<Reply>& reply) { status = reply ? reply->status : 0; });
    REQUIRE(network.run_until([&] { return status != 0; }, 5s));
    CHECK(status == 200);
    bool done = false;
    client.shutdown(1s, [&] { done = true; });
    REQUIRE(network.run_until([&] { return done && disconnected.size() == round; }, 5s));
    network.run_for(100ms);
    CHECK(server.connections.empty());
  }
  CHECK(connected == std::vector<std::uint64_t>{1, 2});
  CHECK(disconnected == connected);
}

TEST_CASE("a connection in the place of one that is gone gets a number of its own") {
  HttpWorld world;
  world.server->get("/", [](Request, Response response) { response.end("hello"); });
  std::vector<std::uint64_t> numbers;
  world.server->on_access([&](const Access& access) { numbers.push_back(access.connection); });
  CHECK(world.get("/").body == "hello");
  // The idle timeout ends it, and nothing of it is left for long.
  world.network.run_for(5min);
  CHECK(world.server->stats().quic.connections == 0);
  CHECK(world.get("/").body == "hello");
  REQUIRE(world.network.run_until([&] { return numbers.size() == 2; }, 5s));
  CHECK(numbers == std::vector<std::uint64_t>{1, 2});
}

}  // namespace
}  // namespace quoin::test
