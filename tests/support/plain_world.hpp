// SPDX-License-Identifier: MIT
/// A listener and a dialer on two hosts of a simulated network, for tests of the plain QUIC facade.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

namespace quoin::test {

/// The server listens on 10.0.0.1:4433; the client is 10.0.0.2.
struct PlainWorld {
  explicit PlainWorld(std::uint64_t seed = 1, const quic::Config& config = settings())
      : network(seed),
        server(network.host("10.0.0.1")),
        client(network.host("10.0.0.2")),
        tls(Tls::self_signed().value()),
        listener(server, tls, config),
        dialer(client, Tls::client_from_pem(tls.certificate_pem()).value(), config) {
    REQUIRE(listener.listen("10.0.0.1:4433").has_value());
  }

  [[nodiscard]] static quic::Config settings() {
    quic::Config config;
    config.alpn = {"echo"};
    return config;
  }

  /// Connects; the test fails if that fails.
  void connect(std::move_only_function<void(Connection)> then) {
    const auto begun =
        dialer.connect("10.0.0.1:4433", "localhost",
                       [then = std::move(then)](Result<Connection> connection) mutable {
                         REQUIRE(connection.has_value());
                         then(*connection);
                       });
    REQUIRE(begun.has_value());
  }

  [[nodiscard]] bool run_until(std::move_only_function<bool()> done, Duration limit) {
    return network.run_until(std::move(done), limit);
  }

  io::SimulatedNetwork network;
  Loop& server;
  Loop& client;
  Tls tls;
  Listener listener;
  Dialer dialer;
};

}  // namespace quoin::test
