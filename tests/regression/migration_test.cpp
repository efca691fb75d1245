// SPDX-License-Identifier: MIT
/// Faults of migration that random scenarios found, each on its own.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>

#include "support/plain_world.hpp"

namespace quoin::test {

using namespace std::chrono_literals;

// RFC 9002 §6.2.2.1.
TEST_CASE("a server whose packets to a new address are all lost goes on when that is over") {
  for (Duration outage = 100ms; outage <= 1500ms; outage += 100ms) {
    INFO("lost for " << std::chrono::duration_cast<std::chrono::milliseconds>(outage).count()
                     << " ms");
    constexpr std::size_t size = 1'000'000;
    quic::Config config = PlainWorld::settings();
    config.keep_alive = 200ms;
    PlainWorld world{1, config};
    world.network.add_address("10.0.0.2", "10.0.0.3");
    std::size_t received = 0;
    Connection client;
    world.listener.on_connection([&](Connection connection) {
      const Stream stream = connection.open_stream(false).value();
      stream.source([sent = std::size_t{0}](std::span<std::byte> room) mutable -> Filled {
        const std::size_t part = std::min(room.size(), size - sent);
        sent += part;
        return {.bytes = part, .last = sent == size};
      });
    });
    world.connect([&](Connection connection) {
      client = connection;
      connection.on_stream([&](Stream stream) {
        stream.on_data([&](Bytes chunk, bool) {
          received += chunk.size();
          return chunk.size();
        });
      });
    });
    REQUIRE(world.run_until([&] { return received > 200'000; }, 5s));
    // The server hears the client from its new address, and is not heard there.
    io::Link& back = world.network.link("10.0.0.1", "10.0.0.3");
    REQUIRE(client.migrate(Address::parse("10.0.0.3:0").value()).has_value());
    world.network.run_for(25ms);
    world.network.remove_address("10.0.0.2");
    back.down = true;
    world.network.run_for(outage);
    back.down = false;
    CHECK(world.run_until([&] { return received == size; }, 30s));
  }
}

}  // namespace quoin::test
