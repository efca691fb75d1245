// SPDX-License-Identifier: MIT
/// A file server and its clients on the link of the public interop runner, in virtual time.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "support/http_world.hpp"

namespace quoin::test {

/// 15 ms each way, 10 Mbit/s, a queue of 25 datagrams.
[[nodiscard]] inline io::Link interop_link() {
  return {.delay = std::chrono::milliseconds{15}, .bits_per_second = 10'000'000, .queue = 25};
}

/// What differs from the usual.
struct InteropOptions {
  std::uint64_t seed = 1;
  ServerConfig server;
  quic::Config client;
  Duration connect_timeout = std::chrono::seconds{10};
  std::string server_ip = "10.0.0.1";
  std::string client_ip = "10.0.0.2";
  io::Link link = interop_link();
  std::vector<std::string> more_names{};  ///< in the server's certificate
};

/// The server has a file for each number: `/N` is N bytes of pattern().
class InteropWorld {
 public:
  explicit InteropWorld(const InteropOptions& options = {})
      : network(options.seed),
        server_ip(options.server_ip),
        client_ip(options.client_ip),
        tls(Tls::self_signed(names(options)).value()),
        server(network.host(server_ip), tls, options.server),
        client_config(options.client),
        connect_timeout(options.connect_timeout) {
    network.link_both(server_ip, client_ip, options.link);
    server.get("/{size}", [](Request request, Response response) {
      response.end(file(request.parameter("size")));
    });
    server.on_connected([this](const ConnectionInfo& info) { connected.push_back(info); });
    server.on_disconnected([this](const ConnectionInfo& info) { disconnected.push_back(info); });
    REQUIRE(server.listen(origin()).has_value());
  }

  InteropWorld(const InteropWorld&) = delete;
  InteropWorld& operator=(const InteropWorld&) = delete;

  /// A test's observers are gone before the server's last messages.
  ~InteropWorld() {
    network.tap({});
    network.intercept({});
  }

  [[nodiscard]] std::string origin() const {
    return server_ip.contains(':') ? "[" + server_ip + "]:443" : server_ip + ":443";
  }

  [[nodiscard]] std::string url(std::string_view target) const {
    return "https://" + origin() + std::string{target};
  }

  [[nodiscard]] io::Link& to_client() { return network.link(server_ip, client_ip); }

  [[nodiscard]] io::Link& to_server() { return network.link(client_ip, server_ip); }

  /// `early`: its requests go into early data when it reconnects.
  [[nodiscard]] std::unique_ptr<Client> make_client(bool early = false) {
    ClientConfig config{.quic = client_config};
    config.early_safe_methods = early;
    config.connect_timeout = config.quic.handshake_timeout = connect_timeout;
    return std::make_unique<Client>(network.host(client_ip),
                                    Tls::client_from_pem(tls.certificate_pem()).value(),
                                    std::move(config));
  }

  /// Fetches the file on its own connection; the test fails if it is incomplete.
  Reply fetch(std::size_t size) {
    const std::unique_ptr<Client> client = make_client();
    return std::move(fetch_all(*client, {size}).front());
  }

  /// Fetches them all at once; the test fails if any is incomplete after `limit`.
  std::vector<Reply> fetch_all(Client& client, const std::vector<std::size_t>& sizes,
                               Duration limit = std::chrono::minutes{2}) {
    std::vector<std::optional<Result<Reply>>> outcomes(sizes.size());
    std::size_t missing = sizes.size();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      client.get(url("/" + std::to_string(sizes[i])),
                 [&outcomes, &missing, i](Result<Reply> reply) {
                   outcomes[i].emplace(std::move(reply));
                   --missing;
                 });
    }
    REQUIRE(network.run_until([&] { return missing == 0; }, limit));
    std::vector<Reply> replies;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      INFO((outcomes[i]->has_value() ? std::string{} : outcomes[i]->error().message()));
      REQUIRE(outcomes[i]->has_value());
      CHECK(((*outcomes[i])->body == file(std::to_string(sizes[i]))));
      replies.push_back(std::move(**outcomes[i]));
    }
    return replies;
  }

  /// What a client gets instead of a reply.
  Error failure(Client& client) {
    std::optional<Result<Reply>> outcome;
    client.get(url("/1"), [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
    REQUIRE(network.run_until([&] { return outcome.has_value(); }, std::chrono::minutes{2}));
    REQUIRE_FALSE(outcome->has_value());
    return outcome->error();
  }

  io::SimulatedNetwork network;
  std::string server_ip;
  std::string client_ip;
  Tls tls;
  Server server;
  quic::Config client_config;
  Duration connect_timeout;
  std::vector<ConnectionInfo> connected;     ///< as the server saw it, at that moment
  std::vector<ConnectionInfo> disconnected;  ///< as the server saw it, at that moment

 private:
  [[nodiscard]] static std::string file(std::string_view size) {
    std::size_t bytes = 0;
    std::from_chars(size.data(), size.data() + size.size(), bytes);
    return pattern(bytes);
  }

  [[nodiscard]] static std::vector<std::string> names(const InteropOptions& options) {
    std::vector<std::string> all{options.server_ip};
    all.insert(all.end(), options.more_names.begin(), options.more_names.end());
    return all;
  }
};

}  // namespace quoin::test
