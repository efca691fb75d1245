// SPDX-License-Identifier: MIT
/// Compressed replies that a client makes plain.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
  }
  return bytes;
}

const std::string page = "a page that is a page, is a page";
const std::string gzip_page =
    from_hex("1f8b08000000000002034b5428484c4f5528c9482c51c82c5648047375104c00f271b5ba20000000");
const std::string br_page = from_hex("1b1f0000041c72a49fa7726869c9482dc894c055ee4a0d2c00");
/// 8 MiB of zeros.
const std::string br_bomb = from_hex("9bffff7f002400e2b14072efff00");

/// A server that sends `body` as `coding`, and a client that wants it plain.
struct DecodeWorld : HttpWorld {
  explicit DecodeWorld(ClientConfig config = {})
      : HttpWorld({.seed = 1, .server = {}, .client = wanting_plain(std::move(config))}) {
    server->get("/", [this](Request request, Response response) {
      accepted = request.header("accept-encoding");
      response.header("content-encoding", coding).end(body);
    });
  }

  static ClientConfig wanting_plain(ClientConfig config) {
    config.decompress = true;
    return config;
  }

  Result<Reply> send(std::string with, std::string bytes) {
    coding = std::move(with);
    body = std::move(bytes);
    return fetch({.method = "GET", .url = "/", .headers = {}, .body = {}});
  }

  std::string coding;
  std::string body;
  std::string accepted;
};

}  // namespace

// RFC 9110 §8.4.1.
TEST_CASE("a client that wants it gets compressed replies plain") {
  DecodeWorld world;
  for (const auto& [coding, bytes] :
       {std::pair{"gzip", gzip_page}, std::pair{"X-GZIP", gzip_page}, std::pair{"br", br_page}}) {
    INFO(coding);
    const auto reply = world.send(coding, bytes);
    REQUIRE(reply.has_value());
    CHECK(world.accepted == "gzip, br");
    CHECK(reply->body == page);
    CHECK(reply->decompressed);
    CHECK_FALSE(reply->headers.get("content-encoding"));
    CHECK_FALSE(reply->headers.get("content-length"));
  }
  CHECK(world.send("gzip", gzip_page + gzip_page).value().body == page + page);
}

TEST_CASE("codings that nobody asked for or knows are left alone") {
  DecodeWorld world;
  const auto strange = world.send("zstd", "bytes");
  REQUIRE(strange.has_value());
  CHECK(strange->body == "bytes");
  CHECK_FALSE(strange->decompressed);
  CHECK(HttpWorld::header(*strange, "content-encoding") == "zstd");
  world.coding = "gzip";
  world.body = gzip_page;
  ClientRequest request{.method = "GET", .url = "/", .headers = {}, .body = {}};
  request.decompress = false;
  const auto raw = world.fetch(std::move(request));
  CHECK(raw.value().body == gzip_page);
  CHECK(world.accepted.empty());
}

TEST_CASE("a compressed reply that is broken or cut off fails") {
  DecodeWorld world;
  std::string wrong_sum = gzip_page;
  wrong_sum[gzip_page.size() - 6] = 'x';
  for (const auto& [coding, bytes] :
       {std::pair{"gzip", wrong_sum}, std::pair{"gzip", gzip_page.substr(0, 30)},
        std::pair{"br", br_page + "more"}, std::pair{"br", br_page.substr(0, 10)},
        std::pair{"gzip", std::string{"plain"}}}) {
    INFO(coding << ' ' << bytes.size());
    const auto reply = world.send(coding, bytes);
    REQUIRE_FALSE(reply.has_value());
    CHECK(reply.error() == Error{HttpError::message_error});
  }
  CHECK(world.send("gzip", "").value().body.empty());
}

TEST_CASE("few bytes that stand for very many are stopped at the limit") {
  ClientConfig config;
  config.max_decompressed = 1'000'000;
  DecodeWorld world{std::move(config)};
  const auto bomb = world.send("br", br_bomb);
  REQUIRE_FALSE(bomb.has_value());
  CHECK(bomb.error() == Error{UsageError::too_large});
  CHECK(bomb.error().detail().contains("1000000 bytes"));
  CHECK(world.send("br", br_page).value().body == page);
}

TEST_CASE("a slow reader of a compressed reply gets it piece by piece") {
  DecodeWorld world;
  world.coding = "br";
  world.body = br_bomb;
  std::uint64_t taken = 0;
  std::size_t largest = 0;
  bool ended = false;
  std::optional<Result<Reply>> outcome;
  ClientCallbacks callbacks;
  callbacks.on_data = [&](Bytes chunk, bool last) {
    const std::size_t part = std::min<std::size_t>(chunk.size(), 5000);
    largest = std::max(largest, chunk.size());
    taken += part;
    ended = ended || last;
    return part;
  };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  Call call = world.client->request(
      {.method = "GET", .url = world.url("/"), .headers = {}, .body = {}}, std::move(callbacks));
  while (!outcome && world.network.now() < Time{} + 1min) {
    world.network.run_for(1ms);
    call.resume();
  }
  REQUIRE(outcome.has_value());
  CHECK(outcome->has_value());
  CHECK(taken == 8U << 20U);
  CHECK(ended);
  CHECK(largest <= 16 * 1024);
}
