// SPDX-License-Identifier: MIT
/// A server and a client on two hosts of a simulated network, for tests of the HTTP facade.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace quoin::test {

/// Settings of both sides.
struct HttpOptions {
  std::uint64_t seed = 1;
  ServerConfig server;
  ClientConfig client;
};

/// The server is 10.0.0.1:4433, the client 10.0.0.2; its certificate is for that address and for
/// a.example.
struct HttpWorld {
  explicit HttpWorld(HttpOptions options = {})
      : network(options.seed),
        tls(Tls::self_signed(std::array<std::string, 2>{"10.0.0.1", "a.example"}).value()) {
    server.emplace(network.host("10.0.0.1"), tls, std::move(options.server));
    REQUIRE(server->listen("10.0.0.1:4433").has_value());
    client.emplace(network.host("10.0.0.2"), Tls::client_from_pem(tls.certificate_pem()).value(),
                   std::move(options.client));
  }

  [[nodiscard]] static std::string url(std::string_view target) {
    return "https://10.0.0.1:4433" + std::string{target};
  }

  /// Runs until there is an outcome; the test fails if there is none for a minute.
  Result<Reply> fetch(ClientRequest request) {
    if (request.url.starts_with('/')) request.url = url(request.url);
    std::optional<Result<Reply>> outcome;
    client->request(std::move(request),
                    [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
    REQUIRE(network.run_until([&] { return outcome.has_value(); }, std::chrono::minutes{1}));
    return std::move(*outcome);
  }

  /// fetch() for a GET that must get a reply.
  Reply get(std::string_view target, Headers headers = {}) {
    Result<Reply> reply = fetch(
        {.method = "GET", .url = std::string{target}, .headers = std::move(headers), .body = {}});
    INFO((reply ? std::string{} : reply.error().message()));
    REQUIRE(reply.has_value());
    return std::move(*reply);
  }

  [[nodiscard]] static std::string header(const Reply& reply, std::string_view name) {
    return std::string{reply.headers.get(name).value_or("(none)")};
  }

  io::SimulatedNetwork network;
  Tls tls;
  std::optional<Server> server;
  std::optional<Client> client;
};

/// Bytes that vary with position.
[[nodiscard]] inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

/// A writer of `text`.
[[nodiscard]] inline Writer writer_of(std::string text) {
  return [text = std::move(text), sent = std::size_t{0}](std::span<std::byte> room) mutable {
    const Bytes part = as_bytes(text).subspan(sent, std::min(room.size(), text.size() - sent));
    std::ranges::copy(part, room.begin());
    sent += part.size();
    return Filled{.bytes = part.size(), .last = sent == text.size()};
  };
}

}  // namespace quoin::test
