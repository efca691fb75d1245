// SPDX-License-Identifier: MIT
/// A fleet of servers with token keys in common, set while they run: one takes what another signed.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

using Keys = std::vector<std::string>;

constexpr std::string_view first_ip = "10.0.0.1";
constexpr std::string_view second_ip = "10.0.0.3";
constexpr std::string_view client_ip = "10.0.0.2";

constexpr std::size_t key_size = 32;

std::string key(char letter) {
  std::string made;
  made.assign(key_size, letter);
  return made;
}

std::string authority(std::string_view ip) { return std::string{ip} + ":443"; }

quic::Config strict_config() {
  quic::Config config;
  config.retry = quic::RetryPolicy::always;
  return config;
}

/// The first server signs with `a`. What the second one is told, and whether it takes that.
std::pair<Keys, bool> second_keys() {
  const auto [letters, takes] = GENERATE(
      table<std::string_view, bool>({{"a", true}, {"ba", true}, {"b", false}, {"", false}}));
  Keys keys;
  for (const char letter : letters) keys.push_back(key(letter));
  return {std::move(keys), takes};
}

}  // namespace

TEST_CASE(
    "servers with a token key in common spare each other's clients the Retry, others do not") {
  const auto [keys, takes] = second_keys();
  INFO(keys.size() << " keys");
  io::SimulatedNetwork network{1};
  const Tls tls = Tls::self_signed().value();
  Server first{network.host(first_ip), tls, {.quic = strict_config()}};
  Server second{network.host(second_ip), tls, {.quic = strict_config()}};
  for (auto [server, ip] : {std::pair{&first, first_ip}, std::pair{&second, second_ip}}) {
    server->get("/", [](Request, Response response) { response.end("here"); });
    REQUIRE(server->listen(authority(ip)).has_value());
  }
  REQUIRE(first.set_token_secrets({key('a')}).has_value());
  if (!keys.empty()) REQUIRE(second.set_token_secrets(keys).has_value());

  std::string kept;
  const auto visit = [&](std::string_view ip) {
    Client client{network.host(client_ip), Tls::client_from_pem(tls.certificate_pem()).value()};
    REQUIRE(client.resolve("localhost", 443, Address::parse(authority(ip)).value()));
    if (!kept.empty()) REQUIRE(client.load_sessions(as_bytes(kept)).has_value());
    std::optional<Result<Reply>> outcome;
    client.get("https://localhost/", [&](Result<Reply> reply) { outcome = std::move(reply); });
    REQUIRE(network.run_until([&] { return outcome.has_value(); }, 10s));
    INFO((*outcome ? std::string{} : outcome->error().message()));
    REQUIRE(outcome->has_value());
    network.run_for(200ms);  // tokens come after the reply
    kept = client.save_sessions();
  };
  visit(first_ip);
  CHECK(first.stats().quic.retries_sent == 1);
  visit(second_ip);
  CHECK(second.stats().quic.retries_sent == (takes ? 0 : 1));
  CHECK(second.stats().quic.handshakes_completed == 1);
}

TEST_CASE("listeners with a token key in common take each other's Retry tokens, others do not") {
  const auto [keys, takes] = second_keys();
  INFO(keys.size() << " keys");
  io::SimulatedNetwork network{1};
  const Tls tls = Tls::self_signed().value();
  quic::Config config = strict_config();
  config.alpn = {"echo"};
  Listener first{network.host(first_ip), tls, config};
  Listener second{network.host(second_ip), tls, config};
  REQUIRE(first.listen(authority(first_ip)).has_value());
  REQUIRE(second.listen(authority(second_ip)).has_value());
  REQUIRE(first.set_token_secrets({key('a')}).has_value());
  if (!keys.empty()) REQUIRE(second.set_token_secrets(keys).has_value());

  // The balancer in front of them sends the client's second datagram to the other machine.
  bool is_diverted = false;
  network.intercept([&](const Datagram& datagram) {
    if (datagram.path.local.host() != client_ip || first.stats().retries_sent == 0) return true;
    Datagram diverted = datagram;
    diverted.path.remote = Address::parse(authority(second_ip)).value();
    if (!std::exchange(is_diverted, true)) network.inject(diverted);
    return false;
  });
  Dialer dialer{network.host(client_ip), Tls::client_from_pem(tls.certificate_pem()).value(),
                config};
  REQUIRE(dialer.connect(authority(first_ip), "localhost", [](const Result<Connection>&) {})
              .has_value());
  REQUIRE(network.run_until([&] { return is_diverted; }, 2s));
  network.run_for(100ms);
  CHECK(second.stats().connections_accepted == (takes ? 1 : 0));
  CHECK(second.stats().retries_sent == (takes ? 0 : 1));  // as if there were no token
}

TEST_CASE("token keys that cannot be used are refused by servers and listeners, before and after") {
  io::SimulatedNetwork network{1};
  const Tls tls = Tls::self_signed().value();
  const Error wrong{UsageError::invalid_argument};
  const Keys short_one{std::string(31, 'x')};
  Server server{network.host(first_ip), tls};
  quic::Config config;
  config.alpn = {"echo"};
  Listener listener{network.host(second_ip), tls, config};
  const bool before = GENERATE(true, false);
  CAPTURE(before);
  if (!before) {
    REQUIRE(server.listen(authority(first_ip)).has_value());
    REQUIRE(listener.listen(authority(second_ip)).has_value());
  }
  for (const Keys& unusable : {short_one, Keys{}, Keys(5, key('a'))}) {
    const Result<> of_server = server.set_token_secrets(unusable);
    const Result<> of_listener = listener.set_token_secrets(unusable);
    REQUIRE((!of_server && !of_listener));
    CHECK(of_server.error() == wrong);
    CHECK(of_listener.error() == wrong);
  }
  if (before) {  // nothing has changed
    CHECK(server.listen(authority(first_ip)).has_value());
    CHECK(listener.listen(authority(second_ip)).has_value());
  }
}

}  // namespace quoin::test
