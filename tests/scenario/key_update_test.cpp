// SPDX-License-Identifier: MIT
/// Key updates by call: many of them, from both sides, and what a peer can still follow (RFC 9001
/// §6).
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>
#include <quoin/streaming.hpp>

#include "support/plain_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr const char* server_ip = "10.0.0.1";
constexpr const char* client_ip = "10.0.0.2";

std::byte expected(std::size_t offset) {
  return static_cast<std::byte>((offset * 31 + offset / 251) & 0xffU);
}

/// One connection; what one side sends, the other compares.
struct Exchange {
  struct End {
    Connection connection;
    std::size_t received = 0;
    std::uint64_t refused = 0;
    std::optional<Error> closed;
  };

  explicit Exchange(std::uint64_t seed = 1, const quic::Config& config = PlainWorld::settings())
      : world(seed, config) {
    world.listener.on_connection([this](Connection connection) { watch(server, connection); });
    world.connect([this](Connection connection) { watch(client, connection); });
    REQUIRE(world.run_until([this] { return server.connection && client.connection; }, 5s));
    run_for(500ms);  // the handshake is confirmed
  }

  void watch(End& end, Connection connection) {
    end.connection = connection;
    connection.on_closed([&end](const Error& reason) { end.closed = reason; });
    connection.on_stream([this, &end](Stream stream) {
      stream.on_data([this, &end, offset = std::size_t{0}](Bytes chunk, bool) mutable {
        for (const std::byte byte : chunk) is_same = is_same && byte == expected(offset++);
        end.received += chunk.size();
        return chunk.size();
      });
    });
  }

  static void send(const End& end, std::size_t size) {
    const Stream stream = end.connection.open_stream(false).value();
    stream.source([size, offset = std::size_t{0}](std::span<std::byte> room) mutable -> Filled {
      const std::size_t part = std::min(room.size(), size - offset);
      for (std::byte& byte : room.first(part)) byte = expected(offset++);
      return {.bytes = part, .last = offset == size};
    });
  }

  /// Updates the keys again and again while it works.
  void update_every(Duration period, End& end) {
    if (!is_updating) return;
    if (!end.connection.update_keys()) ++end.refused;
    world.network.after(period, [this, period, &end] { update_every(period, end); });
  }

  void run_for(Duration span) {
    (void)world.run_until([] { return false; }, span);
  }

  [[nodiscard]] bool run_until_received(const End& end, std::size_t size, Duration limit = 60s) {
    return world.run_until([&end, size] { return end.received >= size; }, limit);
  }

  PlainWorld world;
  End server;
  End client;
  bool is_same = true;
  bool is_updating = true;
};

}  // namespace

TEST_CASE("both sides update their keys many times while both send over a lossy path") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Exchange exchange{seed};
    exchange.world.network.link_both(
        server_ip, client_ip,
        {.delay = 10ms, .loss = 0.03, .reordering = 0.05, .bits_per_second = 10'000'000});
    Exchange::send(exchange.client, 4'000'000);
    Exchange::send(exchange.server, 4'000'000);
    exchange.update_every(7ms, exchange.client);
    exchange.update_every(11ms, exchange.server);
    CHECK(exchange.run_until_received(exchange.client, 4'000'000));
    CHECK(exchange.run_until_received(exchange.server, 4'000'000));
    CHECK(exchange.client.connection.stats().key_updates >= 5);
    CHECK(exchange.server.connection.stats().key_updates >= 5);
    CHECK(exchange.client.refused > 0);  // not before the last one is confirmed
    exchange.is_updating = false;
    exchange.run_for(1s);
    Exchange::send(exchange.client, 10'000);
    Exchange::send(exchange.server, 10'000);
    CHECK(exchange.run_until_received(exchange.client, 4'010'000));
    CHECK(exchange.run_until_received(exchange.server, 4'010'000));
    CHECK(exchange.is_same);
    CHECK_FALSE(exchange.client.closed);
    CHECK_FALSE(exchange.server.closed);
  }
}

TEST_CASE("who only receives can follow the peer's next key update after both began one") {
  Exchange exchange;
  // A stream without an end, within its window: the client has nothing to say but
  // acknowledgements, which nobody acknowledges.
  const Stream stream = exchange.server.connection.open_stream(false).value();
  std::size_t sent = 0;
  const auto send_more = [&] {
    std::vector<std::byte> part(10'000);
    for (std::byte& byte : part) byte = expected(sent++);
    REQUIRE(stream.write(part) == part.size());
    return exchange.run_until_received(exchange.client, sent, 5s);
  };
  REQUIRE(send_more());
  exchange.run_for(1s);
  REQUIRE(exchange.client.connection.update_keys().has_value());
  REQUIRE(exchange.server.connection.update_keys().has_value());
  REQUIRE(send_more());
  for (int update = 0; update < 5; ++update) {
    exchange.run_for(1s);
    REQUIRE(exchange.server.connection.update_keys().has_value());
    REQUIRE(send_more());
  }
  CHECK(exchange.is_same);
  CHECK(exchange.server.connection.stats().key_updates == 6);
  CHECK_FALSE(exchange.client.closed);
}

TEST_CASE("keys are not updated again before the peer is known to have the last ones") {
  Exchange exchange;
  REQUIRE(exchange.client.connection.update_keys().has_value());
  // The server gets the new keys and uses them, but nothing of that arrives.
  io::Link& back = exchange.world.network.link(server_ip, client_ip);
  back.down = true;
  Exchange::send(exchange.client, 1'000);
  REQUIRE(exchange.run_until_received(exchange.server, 1'000));
  Exchange::send(exchange.server, 20'000);
  exchange.run_for(3s);
  const auto refused = exchange.server.connection.update_keys();
  CHECK((!refused && refused.error() == Error{UsageError::limit_reached}));
  back.down = false;
  REQUIRE(exchange.run_until_received(exchange.client, 20'000));
  exchange.run_for(1s);
  CHECK(exchange.server.connection.update_keys().has_value());
  Exchange::send(exchange.server, 20'000);
  CHECK(exchange.run_until_received(exchange.client, 40'000));
  CHECK(exchange.is_same);
}

TEST_CASE("keys that both sides update after little volume never end a lossy exchange") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    quic::Config config = PlainWorld::settings();
    config.key_update_after = 100'000;
    Exchange exchange{seed, config};
    exchange.world.network.link_both(server_ip, client_ip,
                                     {.delay = 5ms, .loss = 0.1, .bits_per_second = 20'000'000});
    exchange.world.network.outage(server_ip, client_ip, 300ms, 700ms);
    Exchange::send(exchange.server, 2'000'000);
    CHECK(exchange.run_until_received(exchange.client, 2'000'000, 120s));
    CHECK(exchange.is_same);
    CHECK(exchange.client.connection.stats().key_updates +
              exchange.server.connection.stats().key_updates >
          3);
  }
}

TEST_CASE("keys of a connection that is gone or ending cannot be updated") {
  CHECK(Connection{}.update_keys().error() == Error{UsageError::stale_handle});
  Exchange exchange;
  const Connection connection = exchange.client.connection;
  std::optional<Error> error;
  connection.on_closed([connection, &error](const Error&) {
    if (const auto late = connection.update_keys(); !late) error = late.error();
  });
  connection.close(1);
  exchange.run_for(10s);
  CHECK(error == Error{UsageError::closed});
  CHECK(connection.update_keys().error() == Error{UsageError::stale_handle});
}

}  // namespace quoin::test
