// SPDX-License-Identifier: MIT
/// How often the library asks for memory: never for a packet, a fixed few times for a request.
/// Those of ngtcp2, nghttp3 and BoringSSL count as well.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/streaming.hpp>

#include "allocation/counting.hpp"
#include "allocation/wire.hpp"

namespace quoin::test {
namespace {

constexpr std::string_view origin = "https://192.0.2.1:4433";
constexpr std::size_t mebibyte = 1024 * 1024;

/// A body of `size` bytes that counts what was asked of it.
Writer zeros(std::size_t size, std::size_t& given) {
  return [size, &given](std::span<std::byte> room) {
    const std::size_t bytes = std::min(room.size(), size - given);
    std::ranges::fill(room.first(bytes), std::byte{});
    given += bytes;
    return Filled{.bytes = bytes, .last = given == size};
  };
}

/// Both sides between `begin` and `end` bytes of `moved`, which some transfer counts.
struct Span {
  Usage server;
  Usage client;
};

Span measure(WireWorld& world, const std::size_t& moved, std::size_t begin, std::size_t end) {
  REQUIRE(world.run_until([&] { return moved >= begin; }));
  const Usage server = world.server_usage();
  const Usage client = world.client_usage();
  REQUIRE(world.run_until([&] { return moved >= end; }));
  return {.server = world.server_usage() - server, .client = world.client_usage() - client};
}

void require_none_for_packets(const Span& span) {
  CAPTURE(span.server.allocations, span.server.packets);
  CAPTURE(span.client.allocations, span.client.packets);
  REQUIRE(std::max(span.server.packets, span.client.packets) > 10'000);
  // Tables that grow with the path's window, and do so ever more seldom.
  constexpr std::uint64_t growth = 16;
  CHECK(span.server.allocations <= growth);
  CHECK(span.client.allocations <= growth);
}

/// What a request costs each side, when it is one of many on a connection that has had others.
struct PerRequest {
  double server;
  double client;
};

PerRequest ask_often(WireWorld& world, const std::string& target) {
  constexpr std::size_t requests = 256;
  std::size_t answered = 0;
  const auto ask = [&] {
    world.client->request({.method = "GET", .url = std::string{origin} + target}, [&](auto reply) {
      REQUIRE(reply.has_value());
      REQUIRE(reply->status == 200);
      ++answered;
    });
  };
  const auto ask_many = [&] {
    for (std::size_t i = 1; i <= requests; ++i) {
      ask();
      REQUIRE(world.run_until([&, wanted = answered + 1] { return answered == wanted; }));
    }
  };
  ask_many();
  const Usage server = world.server_usage();
  const Usage client = world.client_usage();
  ask_many();
  const auto each = [](const Usage& usage) {
    return static_cast<double>(usage.allocations) / static_cast<double>(requests);
  };
  return {.server = each(world.server_usage() - server),
          .client = each(world.client_usage() - client)};
}

}  // namespace

TEST_CASE("The counter sees C++ and C allocate", "[allocation]") {
  const std::uint64_t before = allocations();
  auto number = std::make_unique<int>(1);
  CHECK(allocations() == before + 1);
  void* const memory = std::malloc(sizeof *number);
  CHECK(allocations() == before + 2);
  std::free(memory);
}

TEST_CASE("A download allocates nothing for a packet on either side", "[allocation]") {
  WireWorld world;
  std::size_t given = 0;
  std::size_t taken = 0;
  world.server->get("/body", [&](const Request& /*request*/, Response response) {
    response.stream(zeros(32 * mebibyte, given));
  });
  REQUIRE(world.server->listen("192.0.2.1:4433").has_value());
  world.client->request({.method = "GET", .url = std::string{origin} + "/body"},
                        {.on_data = [&](Bytes chunk, bool) {
                          taken += chunk.size();
                          return chunk.size();
                        }});
  require_none_for_packets(measure(world, taken, 8 * mebibyte, 30 * mebibyte));
}

TEST_CASE("An upload allocates nothing for a packet on either side", "[allocation]") {
  WireWorld world;
  std::size_t given = 0;
  std::size_t taken = 0;
  world.server->put("/sink", [&](Request request, Response /*response*/) {
    request.on_body([&](Bytes chunk, bool) {
      taken += chunk.size();
      return chunk.size();
    });
  });
  REQUIRE(world.server->listen("192.0.2.1:4433").has_value());
  world.client->request(
      {.method = "PUT", .url = std::string{origin} + "/sink", .body = zeros(32 * mebibyte, given)},
      ClientCallbacks{});
  require_none_for_packets(measure(world, taken, 8 * mebibyte, 30 * mebibyte));
}

TEST_CASE("A request allocates a fixed few times", "[allocation]") {
  WireWorld world;
  const SharedBytes answer{std::string(1024, 'x')};
  world.server->get("/files/{name}", [&](const Request& /*request*/, Response response) {
    response.header("content-type", "text/plain").end(answer);
  });
  REQUIRE(world.server->listen("192.0.2.1:4433").has_value());
  const PerRequest cost = ask_often(world, "/files/report");
  CAPTURE(cost.server, cost.client);
  // The server: the exchange, its fields (2), a parameter; the rest is nghttp3's.
  CHECK(cost.server < 10);
  CHECK(cost.client < 18);
}

}  // namespace quoin::test
