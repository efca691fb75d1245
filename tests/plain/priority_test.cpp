// SPDX-License-Identifier: MIT
/// Plain streams of one connection on a slow link, and which of them comes first.
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "support/pair.hpp"
#include "support/plain_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t bulk = 250'000;

/// Four bulk streams of 2 s together on 4 Mbit/s; after half a second there is something urgent.
/// Returns how long that takes.
Duration send_urgent(bool is_prioritized) {
  PlainWorld world;
  world.network.link_both("10.0.0.1", "10.0.0.2",
                          {.delay = 20ms, .bits_per_second = 4'000'000, .queue = 50});
  std::map<quic::StreamId, std::size_t> received;
  std::vector<quic::StreamId> ended;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      stream.on_data([&, id = stream.id()](Bytes chunk, bool last) {
        received[id] += chunk.size();
        if (last) ended.push_back(id);
        return chunk.size();
      });
    });
  });
  Connection client;
  world.connect([&](Connection connection) {
    client = connection;
    for (int i = 0; i < 4; ++i) {
      const Stream stream = connection.open_stream(false).value();
      CHECK(stream.write_shared(SharedBytes{pattern(bulk)}, true));
    }
  });
  world.network.run_for(500ms);
  REQUIRE(received.size() == 4);
  const Stream urgent = client.open_stream(false).value();
  const quic::StreamId id = urgent.id();
  if (is_prioritized) CHECK(urgent.prioritize({.urgency = 0}).has_value());
  CHECK(urgent.write_shared(SharedBytes{pattern(20'000)}, true));
  const Time start = world.network.now();
  REQUIRE(world.run_until([&] { return !ended.empty() && received[id] == 20'000; }, 5s));
  const Duration taken = world.network.now() - start;
  CHECK(ended.front() == id);
  REQUIRE(world.run_until([&] { return ended.size() == 5; }, 10s));
  CHECK(urgent.prioritize({}).error() == Error{UsageError::stale_handle});
  return taken;
}

}  // namespace

TEST_CASE("an urgent stream overtakes bulk ones that have long begun, on a slow link") {
  const Duration in_turns = send_urgent(false);
  const Duration first = send_urgent(true);
  INFO("in turns " << in_turns / 1ms << " ms, urgent " << first / 1ms << " ms");
  CHECK(first < 300ms);  // 40 ms, and the link's queue before it
  CHECK(in_turns > first + 80ms);
}

}  // namespace quoin::test
