// SPDX-License-Identifier: MIT
/// Datagrams that are sent: the queue they wait in, and what becomes of each (RFC 9221).
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using quic::Connection;
using quic::DatagramFate;
using quic::DatagramId;
using quic::DatagramPolicy;

quic::Config datagram_config(DatagramPolicy policy, std::size_t queue = 64) {
  quic::Config config = test_config();
  config.max_datagram_frame = 1200;
  config.datagram_queue = queue;
  config.datagram_policy = policy;
  return config;
}

std::vector<std::uint64_t> told(const Side& side, DatagramFate fate) {
  std::vector<std::uint64_t> ids;
  for (const quic::StreamEvent& event : side.events) {
    if (event.type == quic::StreamEvent::Type::datagram_fate && event.fate == fate) {
      ids.push_back(static_cast<std::uint64_t>(event.datagram_id));
    }
  }
  return ids;
}

/// Queues "0" to "4" at once in a queue of three and lets what is left arrive.
std::vector<Result<DatagramId>> send_five(Pair& pair) {
  pair.establish();
  std::vector<Result<DatagramId>> results;
  for (int i = 0; i < 5; ++i) {
    results.push_back(pair.client.live().send_datagram(as_bytes(std::to_string(i))));
  }
  CHECK(told(pair.client, DatagramFate::dropped).empty());  // not from within a call
  pair.run_for(200ms);
  return results;
}

using Texts = std::vector<std::string>;
using Ids = std::vector<std::uint64_t>;

}  // namespace

// RFC 9221 §5.2.
TEST_CASE("each datagram has an ID by which its arrival is told") {
  const auto config = datagram_config(DatagramPolicy::refuse);
  Pair pair{{.client = config, .server = config}};
  const auto results = send_five(pair);
  for (std::uint64_t i = 0; i < 5; ++i) CHECK(results.at(i) == DatagramId{i});
  CHECK(pair.server.datagrams.size() == 5);
  CHECK(told(pair.client, DatagramFate::acknowledged) == Ids{0, 1, 2, 3, 4});
  CHECK(told(pair.client, DatagramFate::lost).empty());
  const quic::Stats stats = pair.client.live().stats();
  CHECK(stats.datagrams_sent == 5);
  CHECK(stats.datagrams_acknowledged == 5);
  CHECK(stats.datagrams_lost == 0);
  CHECK(stats.datagrams_queued == 0);
}

TEST_CASE("datagrams that are lost are told by their IDs and not sent again") {
  const auto config = datagram_config(DatagramPolicy::refuse);
  Pair pair{{.client = config, .server = config}};
  pair.establish();
  pair.run_for(1s);
  std::size_t large = 0;
  pair.filter = [&](const Side& from, const Packet& packet) {
    const bool carries = &from == &pair.client && packet.payload.size() > 1000;
    return !carries || ++large % 3 != 0;
  };
  for (int i = 0; i < 12; ++i) {
    REQUIRE(pair.client.live().send_datagram(as_bytes(pattern(1000, static_cast<unsigned>(i)))));
  }
  pair.run_for(5s);
  CHECK(told(pair.client, DatagramFate::lost) == Ids{2, 5, 8, 11});
  CHECK(told(pair.client, DatagramFate::acknowledged) == Ids{0, 1, 3, 4, 6, 7, 9, 10});
  CHECK(pair.server.datagrams.size() == 8);
  CHECK(pair.client.live().stats().datagrams_lost == 4);
}

TEST_CASE("a full queue refuses, drops the oldest or drops the newest, as it was told to") {
  SECTION("refuse") {
    const auto config = datagram_config(DatagramPolicy::refuse, 3);
    Pair pair{{.client = config, .server = config}};
    const auto results = send_five(pair);
    CHECK(results.at(2).has_value());
    CHECK(results.at(3).error() == Error{UsageError::limit_reached});
    CHECK(pair.server.datagrams == Texts{"0", "1", "2"});
    CHECK(pair.client.live().stats().datagrams_refused == 2);
    CHECK(pair.client.live().stats().datagrams_dropped == 0);
    CHECK(pair.client.live().send_datagram(as_bytes("5")) == DatagramId{3});
  }
  SECTION("drop the oldest") {
    const auto config = datagram_config(DatagramPolicy::drop_oldest, 3);
    Pair pair{{.client = config, .server = config}};
    const auto results = send_five(pair);
    CHECK(results.at(4) == DatagramId{4});
    CHECK(pair.server.datagrams == Texts{"2", "3", "4"});
    CHECK(told(pair.client, DatagramFate::dropped) == Ids{0, 1});
    CHECK(told(pair.client, DatagramFate::acknowledged) == Ids{2, 3, 4});
    CHECK(pair.client.live().stats().datagrams_dropped == 2);
    CHECK(pair.client.live().stats().datagrams_refused == 0);
  }
  SECTION("drop the newest") {
    const auto config = datagram_config(DatagramPolicy::drop_newest, 3);
    Pair pair{{.client = config, .server = config}};
    const auto results = send_five(pair);
    CHECK(results.at(4) == DatagramId{4});
    CHECK(pair.server.datagrams == Texts{"0", "1", "2"});
    CHECK(told(pair.client, DatagramFate::dropped) == Ids{3, 4});
    CHECK(pair.client.live().stats().datagrams_dropped == 2);
  }
}

TEST_CASE("however many datagrams a full queue drops, what is kept of them is bounded") {
  const auto config = datagram_config(DatagramPolicy::drop_oldest, 2);
  Pair pair{{.client = config, .server = config, .streams = {.datagram_fates = 4}}};
  pair.establish();
  constexpr std::uint64_t flood = 100'000;
  Connection& connection = pair.client.live();
  std::uint64_t taken = 0;
  for (std::uint64_t i = 0; i < flood; ++i) {
    taken += connection.send_datagram(as_bytes(std::to_string(i))).has_value() ? 1U : 0U;
  }
  CHECK(taken == flood);
  CHECK(pair.client.live().stats().datagrams_queued == 2);
  pair.run_for(200ms);
  CHECK(pair.server.datagrams == Texts{"99998", "99999"});
  CHECK(pair.client.live().stats().datagrams_dropped == flood - 2);
  CHECK(told(pair.client, DatagramFate::dropped) == Ids{99994, 99995, 99996, 99997});
  CHECK(pair.client.streams().datagram_fates_dropped() == flood - 6);
}

TEST_CASE("a datagram that its path does not carry any more is told as dropped") {
  const auto config = datagram_config(DatagramPolicy::refuse);
  Pair pair{{.client = config, .server = config}};
  pair.establish();
  pair.run_for(2s);  // the path's size is found
  const std::size_t before = pair.client.live().max_datagram_size();
  // Nothing is acknowledged, so the window fills, and large packets do not arrive any more.
  pair.filter = [](const Side&, const Packet& packet) { return packet.payload.size() <= 1200; };
  const quic::StreamId bulk = pair.client.streams().open(false).value();
  (void)pair.client.streams().write(bulk, as_bytes(pattern(200'000)), true);
  pair.run_for(10ms);
  REQUIRE(pair.client.live().send_datagram(as_bytes(std::string(before, 'x'))).has_value());
  pair.run_for(20s);
  CHECK(pair.client.live().max_datagram_size() < before);
  const auto count = [&](DatagramFate fate) { return told(pair.client, fate).size(); };
  CHECK(count(DatagramFate::dropped) + count(DatagramFate::lost) == 1);
  CHECK(pair.server.datagrams.empty());
}

}  // namespace quoin::test
