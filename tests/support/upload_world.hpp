// SPDX-License-Identifier: MIT
/// One upload over plain QUIC in a simulated network, with what happened to its path.
#pragma once

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
#include <quoin/quic/path.hpp>
#include <quoin/streaming.hpp>

#include "support/plain_world.hpp"

namespace quoin::test {

/// A server that takes one stream and a client that sends `size` bytes of a known pattern on it.
struct UploadWorld {
  explicit UploadWorld(std::size_t bytes, const quic::Config& config = PlainWorld::settings(),
                       std::uint64_t seed = 1)
      : size(bytes), world(seed, config) {
    world.network.add_address("10.0.0.2", "10.0.0.3");
    world.listener.on_connection([this](Connection connection) {
      ++handshakes;
      server = connection;
      connection.on_stream([this](Stream stream) {
        stream.on_data([this](Bytes chunk, bool last) {
          for (const std::byte byte : chunk) same = same && byte == expected(received++);
          done = last;
          return chunk.size();
        });
      });
    });
    world.connect([this](Connection connection) {
      client = connection;
      connection.on_path([this](const quic::PathEvent& event) { events.push_back(event); });
      connection.on_closed([this](const Error& reason) { closed = reason; });
      const Stream stream = connection.open_stream(false).value();
      stream.source([this, offset = std::size_t{0}](std::span<std::byte> room) mutable -> Filled {
        const std::size_t part = std::min(room.size(), size - offset);
        for (std::byte& byte : room.first(part)) byte = expected(offset++);
        return {.bytes = part, .last = offset == size};
      });
    });
    REQUIRE(world.run_until([this] { return static_cast<bool>(client); }, std::chrono::seconds{5}));
  }

  static std::byte expected(std::size_t offset) {
    return static_cast<std::byte>((offset * 31 + offset / 251) & 0xffU);
  }

  using Events = std::vector<quic::PathEvent>;

  [[nodiscard]] static std::size_t count(const Events& events, quic::PathEvent::Type type) {
    return static_cast<std::size_t>(std::ranges::count(events, type, &quic::PathEvent::type));
  }

  [[nodiscard]] std::size_t count(quic::PathEvent::Type type) const { return count(events, type); }

  void watch_server(Events& out) {
    REQUIRE(world.run_until([this] { return static_cast<bool>(server); }, std::chrono::seconds{5}));
    server.on_path([&out](const quic::PathEvent& event) { out.push_back(event); });
  }

  std::size_t size;
  PlainWorld world;
  Connection client;
  Connection server;
  Events events;
  std::optional<Error> closed;
  std::size_t received = 0;
  int handshakes = 0;
  bool same = true;
  bool done = false;
};

}  // namespace quoin::test
