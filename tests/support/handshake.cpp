// SPDX-License-Identifier: MIT
/// See handshake.hpp.

#include "support/handshake.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <utility>

#include <catch2/catch_test_macros.hpp>

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

/// Notes how the connection ends.
class Watcher final : public quic::Application {
 public:
  Watcher(bool& connected, Error& reason, TlsInfo& info)
      : connected_(connected), reason_(reason), info_(info) {}

  void on_connected(quic::Connection& connection) override {
    connected_ = true;
    info_ = connection.tls();
  }

  void on_stream_data(quic::Connection&, quic::StreamId, Bytes, bool) override {}

  void on_stream_acked(quic::StreamId, std::uint64_t) override {}

  void on_stream_reset(quic::Connection&, quic::StreamId, std::uint64_t) override {}

  void on_stop_sending(quic::Connection&, quic::StreamId, std::uint64_t) override {}

  void on_stream_closed(quic::Connection&, quic::StreamId, std::optional<std::uint64_t>) override {}

  void on_closed(quic::Connection&, const Error& reason) override { reason_ = reason; }

  quic::StreamWrite next_write() override { return {}; }

  void on_written(quic::StreamId, std::size_t, bool) override {}

  void on_blocked(quic::StreamId) override {}

  void on_unblocked(quic::StreamId) override {}

  void on_write_closed(quic::StreamId) override {}

 private:
  bool& connected_;
  Error& reason_;
  TlsInfo& info_;
};

quic::RandomSource random_source(std::uint64_t seed) {
  return [generator = std::mt19937_64{seed}](std::span<std::byte> out) mutable {
    for (std::byte& octet : out) {
      octet = static_cast<std::byte>(generator());
    }
  };
}

}  // namespace

struct Greeter::Impl {
  quic::Config config;
  std::optional<quic::Endpoint> server;
  HandshakeOutcome* outcome = nullptr;
  Time now{1s};
};

Greeter::Greeter(const Tls& tls, quic::Config config) : impl_(std::make_unique<Impl>()) {
  if (config.alpn.empty()) {
    config.alpn = {"test"};
  }
  impl_->config = config;
  auto made = quic::Endpoint::create(
      config, tls, random_source(1), [impl = impl_.get()](quic::Connection&) {
        return std::make_unique<Watcher>(impl->outcome->server_connected,
                                         impl->outcome->server_reason, impl->outcome->server);
      });
  REQUIRE(made);
  impl_->server.emplace(std::move(*made));
}

Greeter::~Greeter() = default;

quic::Endpoint& Greeter::endpoint() { return *impl_->server; }

HandshakeOutcome Greeter::greet(const Tls& client_tls, const std::string& name,
                                const HandshakeOptions& options) {
  HandshakeOutcome outcome;
  impl_->outcome = &outcome;
  quic::Endpoint& server = *impl_->server;
  quic::Config config;
  config.alpn = {"test"};
  static std::uint16_t port = 5000;
  ++port;
  // Clients at the same time must not make the same connection IDs.
  auto client = quic::Endpoint::create(config, client_tls, random_source(port));
  REQUIRE(client);
  const auto near = Address::parse("192.0.2.2:" + std::to_string(port)).value();
  const auto far = Address::parse("192.0.2.1:4433").value();
  const Time begun = impl_->now;
  Time& now = impl_->now;
  const auto connection = client->connect(
      {near, far}, name,
      [&outcome](quic::Connection&) {
        return std::make_unique<Watcher>(outcome.client_connected, outcome.client_reason,
                                         outcome.client);
      },
      now, options.connect);
  REQUIRE(connection);
  outcome.was_early = client->find(*connection)->is_early();
  std::vector<std::byte> buffer(65536);
  const auto carry = [&](quic::Endpoint& from, quic::Endpoint& to) {
    while (from.poll_ready()) {
    }
    while (auto sent = from.poll_transmit(buffer, 1, now)) {
      Datagram received = *sent;
      std::swap(received.path.local, received.path.remote);
      to.handle_datagram(received, now);
    }
  };
  constexpr auto step = 10ms;
  constexpr auto limit = 15s;
  constexpr auto aftermath = 500ms;
  for (auto rest = aftermath; now - begun < limit && rest > 0ms; now += step) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun);
    if (options.meanwhile) {
      options.meanwhile(since);
    }
    carry(*client, server);
    carry(server, *client);
    client->handle_timeout(now);
    server.handle_timeout(now);
    const bool over = outcome.client_reason != Error{} || outcome.server_reason != Error{};
    if (over || (outcome.client_connected && outcome.server_connected)) {
      outcome.took = rest == aftermath ? since : outcome.took;
      rest -= step;
    }
  }
  if (quic::Connection* const alive = client->find(*connection)) {
    outcome.resumption = alive->resumption();
    alive->close({});
    carry(*client, server);
  }
  return outcome;
}

HandshakeOutcome shake_hands(const Tls& server, const Tls& client, const std::string& name,
                             const HandshakeOptions& options) {
  quic::Config config;
  config.alpn = options.server_alpn;
  return Greeter{server, std::move(config)}.greet(client, name, options);
}

}  // namespace quoin::test
