// SPDX-License-Identifier: MIT
/// The timers of plain QUIC over whole sessions.
#include <chrono>
#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

#include "plain/driver.hpp"
#include "support/walked_driver.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a plain server does by every timeout what it asked to be called for") {
  io::SimulatedNetwork network{1};
  quic::Config config;
  config.alpn = {"echo"};
  config.max_idle_timeout = 20s;
  const Tls tls = Tls::self_signed().value();
  Walked<PlainDriver> server{network.host("10.0.0.1"), EndpointDriver::Role::server, tls, config,
                             quic::StreamsConfig{}};
  REQUIRE(server.open(Address::parse("10.0.0.1:4433").value()).has_value());
  std::size_t over = 0;
  server.on_connection = [&](const Connection& connection) {
    connection.on_stream([](Stream stream) {
      stream.on_data([stream](Bytes chunk, bool last) { return stream.write(chunk, last); });
    });
    connection.on_closed([&](const Error&) { ++over; });
  };
  Dialer dialer{network.host("10.0.0.2"), Tls::client_from_pem(tls.certificate_pem()).value(),
                config};
  std::size_t connected = 0;
  const auto connect = [&](bool leaves_open) {
    REQUIRE(dialer
                .connect("10.0.0.1:4433", "localhost",
                         [&, leaves_open](Result<Connection> connection) {
                           REQUIRE(connection.has_value());
                           ++connected;
                           const Stream stream = connection->open_stream().value();
                           (void)stream.write(as_bytes("hello"), !leaves_open);
                         })
                .has_value());
  };
  connect(false);
  REQUIRE(network.run_until([&] { return connected == 1; }, 5s));
  network.run_for(25s);  // until it was idle for too long
  CHECK(over == 1);
  connect(false);
  connect(true);
  REQUIRE(network.run_until([&] { return connected == 3; }, 5s));
  network.run_for(1s);
  bool done = false;
  server.shut_down(5s, [&] { done = true; });
  network.run_for(4s);
  CHECK(over == 2);
  CHECK_FALSE(done);
  REQUIRE(network.run_until([&] { return done; }, 1100ms));
  CHECK(over == 3);
  network.run_for(1min);
  CHECK(server.served() > 0);
}

TEST_CASE("a plain client does by every timeout what it asked to be called for") {
  io::SimulatedNetwork network{1};
  quic::Config config;
  config.alpn = {"echo"};
  config.handshake_timeout = 3s;
  const Tls tls = Tls::self_signed().value();
  Walked<PlainDriver> client{network.host("10.0.0.2"), EndpointDriver::Role::client,
                             Tls::client_from_pem(tls.certificate_pem()).value(), config,
                             quic::StreamsConfig{}};
  const Address socket = client.open(Address::parse("10.0.0.2:0").value()).value();
  (void)network.host("10.0.0.1");  // nobody listens there
  std::optional<Error> failure;
  const auto connect = [&] {
    REQUIRE(client
                .connect({.local = socket, .remote = Address::parse("10.0.0.1:4433").value()},
                         "localhost",
                         [&](const Result<Connection>& made) {
                           REQUIRE_FALSE(made.has_value());
                           failure = made.error();
                         })
                .has_value());
  };
  connect();
  REQUIRE(network.run_until([&] { return failure.has_value(); }, 10s));
  failure.reset();
  connect();
  bool done = false;
  client.shut_down(5s, [&] { done = true; });
  REQUIRE(network.run_until([&] { return done; }, 100ms));
  CHECK(failure == Error{UsageError::closed});
  network.run_for(1min);
  CHECK(client.served() > 0);
}

}  // namespace
}  // namespace quoin::test
