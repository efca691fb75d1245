// SPDX-License-Identifier: MIT
/// What becomes of datagrams (RFC 9221) on a link that is lossy, dead and alive again: one fate
/// for each, whatever else was in their packets.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/simulated.hpp>

#include "support/plain_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using quic::DatagramFate;
using quic::DatagramId;

constexpr const char* server_ip = "10.0.0.1";
constexpr const char* client_ip = "10.0.0.2";

quic::Config datagram_config() {
  quic::Config config = PlainWorld::settings();
  config.max_datagram_frame = 1200;
  config.datagram_queue = 16;
  config.datagram_policy = quic::DatagramPolicy::drop_oldest;
  return config;
}

/// A client that sends datagrams beside bytes of a stream, and what it is told of them.
struct Sender {
  explicit Sender(std::uint64_t seed = 1) : world(seed, datagram_config()) {
    world.listener.on_connection([this](Connection accepted) {
      server = accepted;
      accepted.on_stream(
          [](Stream opened) { opened.on_data([](Bytes chunk, bool) { return chunk.size(); }); });
      accepted.on_datagram([this](Bytes) { ++arrived; });
    });
    world.connect([this](Connection connection) {
      client = connection;
      stream = connection.open_stream(false).value();
      connection.on_datagram_fate([this](DatagramId id, DatagramFate fate) {
        CHECK_FALSE(closed);
        fates[id].push_back(fate);
      });
      connection.on_closed([this](const Error& reason) { closed = reason; });
    });
    REQUIRE(world.run_until([this] { return client && server; }, 5s));
  }

  /// Sends a datagram and some bytes, which share a packet, every 5 ms.
  void send_for(Duration span) {
    for (Duration at{}; at < span; at += 5ms) {
      send();
      (void)world.run_until([] { return false; }, 5ms);
    }
  }

  void send() {
    if (const auto id = client.send_datagram(as_bytes(std::string(100, 'd')))) sent.push_back(*id);
    (void)stream.write(as_bytes(std::string(50, 's')));
  }

  [[nodiscard]] std::uint64_t count(DatagramFate fate) const {
    std::uint64_t found = 0;
    for (const auto& [id, told] : fates) found += told.front() == fate ? 1U : 0U;
    return found;
  }

  void check_each_has_one_fate() const {
    CHECK(fates.size() == sent.size());
    for (const DatagramId id : sent) {
      INFO("datagram " << static_cast<std::uint64_t>(id));
      CHECK((fates.contains(id) && fates.at(id).size() == 1));
    }
  }

  PlainWorld world;
  Connection client;
  Connection server;
  Stream stream;
  std::uint64_t arrived = 0;
  std::vector<DatagramId> sent;
  std::map<DatagramId, std::vector<DatagramFate>> fates;
  std::optional<Error> closed;
};

}  // namespace

// RFC 9002 §6.2.4.
TEST_CASE("each datagram has one fate on a link that is lossy, then dead, then alive") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Sender sender{seed};
    io::SimulatedNetwork& network = sender.world.network;
    network.link_both(server_ip, client_ip, {.delay = 15ms, .loss = 0.1});
    sender.send_for(1s);
    network.link_both(server_ip, client_ip, {.delay = 15ms, .down = true});
    sender.send_for(50ms);
    (void)sender.world.run_until([] { return false; }, 1s);  // probe timeouts, one after another
    sender.send_for(50ms);
    network.link_both(server_ip, client_ip, {.delay = 15ms});
    sender.send_for(2s);
    REQUIRE(
        sender.world.run_until([&] { return sender.client.stats().datagrams_queued == 0; }, 5s));
    (void)sender.world.run_until([] { return false; }, 5s);
    CHECK(sender.client);
    sender.check_each_has_one_fate();
    CHECK(sender.count(DatagramFate::acknowledged) == sender.arrived);
    CHECK(sender.count(DatagramFate::lost) > 0);
    const quic::Stats stats = sender.client.stats();
    CHECK(stats.datagrams_acknowledged + stats.datagrams_lost == stats.datagrams_sent);
    CHECK(stats.datagrams_sent + stats.datagrams_dropped == sender.sent.size());
  }
}

TEST_CASE(
    "when a connection ends, datagrams under way count as lost and those that wait as dropped") {
  Sender sender;
  sender.send_for(200ms);
  (void)sender.world.run_until([] { return false; }, 1s);
  const std::uint64_t arrived = sender.arrived;
  sender.world.network.link(client_ip, server_ip).down = true;
  sender.send_for(300ms);  // through some probe timeouts
  SECTION("by this side") {
    sender.send();  // waits
    sender.client.close(1);
    REQUIRE(sender.world.run_until([&] { return sender.closed.has_value(); }, 1s));
  }
  SECTION("by the other side") {
    sender.server.close(1);
    REQUIRE(sender.world.run_until([&] { return sender.closed.has_value(); }, 1s));
  }
  SECTION("by silence") {
    REQUIRE(sender.world.run_until([&] { return sender.closed.has_value(); }, 2min));
  }
  sender.check_each_has_one_fate();
  CHECK(sender.count(DatagramFate::acknowledged) == arrived);
  CHECK(sender.count(DatagramFate::lost) > 0);
}

}  // namespace quoin::test
