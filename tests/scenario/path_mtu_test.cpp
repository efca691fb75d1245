// SPDX-License-Identifier: MIT
/// The size of datagrams on paths of all kinds, and on paths that change, in virtual time.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/path.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

#include "support/upload_world.hpp"

using namespace quoin;
using namespace std::chrono_literals;
using quoin::test::UploadWorld;
using Type = quic::PathEvent::Type;

namespace {

io::Link wire(std::size_t mtu, double loss = 0) {
  return {.delay = 15ms, .loss = loss, .mtu = mtu, .bits_per_second = 20'000'000};
}

quic::Config jumbo() {
  quic::Config config = test::PlainWorld::settings();
  config.max_udp_payload = 8972;
  return config;
}

}  // namespace

// RFC 8899 §5.3.
TEST_CASE("datagrams grow to Ethernet's size, and to a jumbo frame's where that is wanted") {
  const auto [mtu, wants_jumbo, found] =
      GENERATE(table<std::size_t, bool, std::size_t>({{1280, false, 1232},
                                                      {1400, false, 1372},
                                                      {1420, false, 1392},
                                                      {1460, false, 1432},
                                                      {1480, false, 1452},
                                                      {1500, false, 1472},
                                                      {9000, false, 1472},
                                                      {9000, true, 8972},
                                                      {8896, true, 8848},
                                                      {4096, true, 4052},
                                                      {1500, true, 1472},
                                                      {1400, true, 1372}}));
  INFO("MTU " << mtu << (wants_jumbo ? ", jumbo wanted" : ""));
  UploadWorld upload(1'000'000, wants_jumbo ? jumbo() : test::PlainWorld::settings());
  upload.world.network.link_both("10.0.0.2", "10.0.0.1", {.delay = 5ms, .mtu = mtu});
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 30s));
  upload.world.network.run_for(2s);
  CHECK(upload.same);
  CHECK(upload.client.stats().udp_payload_size == found);
  REQUIRE(upload.count(Type::mtu) >= 1);
  CHECK(upload.events.back().udp_payload == found);
  CHECK(upload.client.stats().mtu_fallbacks == 0);
}

TEST_CASE("with IPv6 datagrams are as much smaller as its header is larger") {
  const auto [mtu, found] = GENERATE(table<std::size_t, std::size_t>(
      {{1280, 1232}, {1400, 1352}, {1420, 1372}, {1480, 1432}, {1500, 1452}}));
  INFO("MTU " << mtu);
  io::SimulatedNetwork network{1};
  const Tls tls = Tls::self_signed().value();
  Listener listener{network.host("2001:db8::1"), tls, test::PlainWorld::settings()};
  REQUIRE(listener.listen("[2001:db8::1]:4433").has_value());
  Dialer dialer{network.host("2001:db8::2"), Tls::client_from_pem(tls.certificate_pem()).value(),
                test::PlainWorld::settings()};
  network.link_both("2001:db8::2", "2001:db8::1", {.delay = 5ms, .mtu = mtu});
  std::optional<Connection> client;
  REQUIRE(dialer
              .connect("[2001:db8::1]:4433", "localhost",
                       [&](const Result<Connection>& connection) { client = connection.value(); })
              .has_value());
  network.run_for(5s);
  REQUIRE(client.has_value());
  CHECK(client->stats().udp_payload_size == found);
}

// RFC 8899 §4.3.
TEST_CASE("a path that stops carrying large datagrams costs less than a second") {
  const bool reports = GENERATE(false, true);
  INFO((reports ? "with" : "without") << " ICMP");
  UploadWorld upload(4'000'000);
  auto& network = upload.world.network;
  network.link_both("10.0.0.2", "10.0.0.1", wire(1500));
  Time changed{};
  Time resumed{};
  network.after(1s, [&] {
    io::Link link = wire(1300);
    link.reports_too_large = reports;
    network.link_both("10.0.0.2", "10.0.0.1", link);
    changed = network.now();
  });
  network.tap([&](const io::Observation& seen) {
    const bool is_data = seen.datagram.payload.size() >= 1200;
    if (changed != Time{} && resumed == Time{} && seen.sent > changed + 20ms && is_data &&
        seen.fate == io::Fate::delivered) {
      resumed = seen.time;
    }
  });
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 30s));
  CHECK(upload.same);
  CHECK(resumed - changed < 1s);
  CHECK(upload.client.stats().mtu_fallbacks == 1);
  CHECK(upload.client.stats().udp_payload_size == 1232);
  CHECK(upload.events.back().type == Type::mtu);
  CHECK(upload.events.back().udp_payload == 1232);
  CHECK_FALSE(upload.closed.has_value());
}

TEST_CASE("a black hole is found at the first suspicion, however much is in flight") {
  const auto delay = GENERATE(2ms, 15ms, 60ms);
  const auto [mtu, found] =
      GENERATE(table<std::size_t, std::size_t>({{1300, 1232}, {1400, 1372}, {1480, 1452}}));
  INFO("MTU " << mtu << ", one-way delay " << delay / 1ms << " ms");
  UploadWorld upload(20'000'000);
  auto& network = upload.world.network;
  const io::Link wide{.delay = delay, .mtu = 1500, .bits_per_second = 50'000'000};
  network.link_both("10.0.0.2", "10.0.0.1", wide);
  network.run_for(1s);
  REQUIRE(upload.client.stats().udp_payload_size == 1472);
  upload.events.clear();
  network.link("10.0.0.2", "10.0.0.1").mtu = mtu;
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 60s));
  std::vector<std::size_t> sizes;
  for (const auto& event : upload.events) sizes.push_back(event.udp_payload);
  CHECK(sizes == std::vector<std::size_t>{1200, found});
  CHECK(upload.client.stats().mtu_fallbacks == 1);
  CHECK(upload.same);
}

// RFC 8899 §5.1.1.
TEST_CASE("a path that carries large datagrams again is used so after a minute") {
  UploadWorld upload(150'000'000);
  auto& network = upload.world.network;
  const io::Link narrow{.delay = 15ms, .mtu = 1300, .bits_per_second = 400'000, .queue = 10};
  io::Link wide = narrow;
  wide.mtu = 1500;
  network.link_both("10.0.0.2", "10.0.0.1", wide);
  network.run_for(5s);
  CHECK(upload.client.stats().udp_payload_size == 1472);
  network.link_both("10.0.0.2", "10.0.0.1", narrow);
  network.run_for(10s);
  CHECK(upload.client.stats().udp_payload_size == 1232);
  network.link_both("10.0.0.2", "10.0.0.1", wide);
  network.run_for(75s);
  CHECK(upload.client.stats().udp_payload_size == 1472);
  CHECK(upload.client.stats().mtu_fallbacks == 1);
  CHECK(upload.same);
}

TEST_CASE("plain heavy loss is not taken for a black hole") {
  const double loss = GENERATE(0.05, 0.1, 0.2, 0.3);
  std::uint64_t fallbacks = 0;
  constexpr std::uint64_t seeds = 10;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    UploadWorld upload(300'000, test::PlainWorld::settings(), seed);
    upload.world.network.link_both("10.0.0.2", "10.0.0.1", wire(1500, loss));
    REQUIRE(upload.world.run_until([&] { return upload.done; }, 300s));
    CHECK(upload.same);
    fallbacks += upload.client.stats().mtu_fallbacks;
  }
  std::cout << "black holes: " << fallbacks << " false positives in " << seeds
            << " transfers at a loss of " << 100 * loss << " %\n";
  CHECK(fallbacks <= (loss < 0.25 ? 0 : 1));
}

TEST_CASE("an outage of the path is not taken for a black hole") {
  UploadWorld upload(3'000'000);
  auto& network = upload.world.network;
  network.link_both("10.0.0.2", "10.0.0.1", wire(1500));
  network.outage("10.0.0.2", "10.0.0.1", 500ms, 2s);
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 60s));
  network.run_for(1s);
  CHECK(upload.client.stats().mtu_fallbacks == 0);
  CHECK(upload.client.stats().udp_payload_size == 1472);
}

TEST_CASE("a backend that may fragment keeps datagrams small") {
  quic::Config config = test::PlainWorld::settings();
  config.probe_path_mtu = false;
  UploadWorld upload(500'000, config);
  std::size_t largest = 0;
  upload.world.network.tap([&](const io::Observation& seen) {
    largest = std::max(largest, seen.datagram.payload.size());
  });
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 10s));
  CHECK(largest == 1200);
  CHECK(upload.count(Type::mtu) == 0);
}
