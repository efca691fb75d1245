// SPDX-License-Identifier: MIT
/// One server on several threads: who gets which connection, moving clients, the end.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/cid.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/server.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/workers.hpp>

using namespace quoin;
using namespace std::chrono_literals;

namespace {

constexpr unsigned worker_count = 3;

// Three workers that answer with their number, and clients on a loop of the test's own.
struct Group {
  explicit Group(ServerConfig config = {}, std::string_view listen_on = "127.0.0.1:0",
                 Tls certificate = Tls::self_signed().value())
      : tls(std::move(certificate)),
        workers(worker_count, tls, std::move(config), [](const Workers::Worker& worker) {
          worker.server.get("/", [number = worker.number](Request, Response response) {
            response.end(std::to_string(number));
          });
        }) {
    const Result<Address> opened = workers.listen(listen_on);
    REQUIRE(opened.has_value());
    address = *opened;
    url = "https://" + address.to_string() + "/";
    workers.start();
  }

  std::unique_ptr<Client> make_client() {
    return std::make_unique<Client>(loop, Tls::client_from_pem(tls.certificate_pem()).value());
  }

  // The number of the worker that answers.
  std::string ask(Client& client) {
    std::optional<Result<Reply>> outcome;
    client.get(url, [&](Result<Reply> reply) {
      outcome.emplace(std::move(reply));
      loop.stop();
    });
    const TimerId limit = loop.after(20s, [&] { loop.stop(); });
    loop.run();
    loop.cancel(limit);
    REQUIRE(outcome.has_value());
    INFO((*outcome ? std::string{} : outcome->error().message()));
    REQUIRE(outcome->has_value());
    return (*outcome)->body;
  }

  Tls tls;
  Workers workers;
  Loop loop;
  Address address;
  std::string url;
};

}  // namespace

TEST_CASE("connections are spread over all workers, and each stays with its own") {
  ServerConfig config;
  SECTION("plainly") {}
  SECTION("after Retry") { config.quic.retry = quic::RetryPolicy::always; }
  Group group{std::move(config)};
  std::set<std::string> seen;
  std::vector<std::unique_ptr<Client>> clients;
  // That one of three is never met by 64 has a probability of about 1e-11.
  for (int i = 0; i < 64; ++i) {
    clients.push_back(group.make_client());
    const std::string worker = group.ask(*clients.back());
    CHECK(group.ask(*clients.back()) == worker);
    seen.insert(worker);
  }
  CHECK(seen == std::set<std::string>{"0", "1", "2"});
  const ServerStats stats = group.workers.stats();
  CHECK(stats.requests == 128);
  CHECK(stats.quic.connections_accepted == 64);
  CHECK(stats.quic.stateless_resets_sent == 0);
}

TEST_CASE("a client that moves to another address stays with its worker") {
  Group group;
  for (int i = 0; i < 12; ++i) {
    const auto client = group.make_client();
    const std::string worker = group.ask(*client);
    REQUIRE(client->migrate(Address::parse("127.0.0.2:0").value()).has_value());
    CHECK(group.ask(*client) == worker);
    REQUIRE(client->migrate(Address::parse("127.0.0.3:0").value()).has_value());
    CHECK(group.ask(*client) == worker);
  }
  const ServerStats stats = group.workers.stats();
  CHECK(stats.quic.connections_accepted == 12);
  CHECK(stats.quic.stateless_resets_sent == 0);
}

TEST_CASE("workers of two processes with token keys in common take each other's address tokens") {
  ServerConfig config;
  config.quic.retry = quic::RetryPolicy::always;
  Group first{config};
  Group second{config, "127.0.0.1:0", first.tls};
  const std::string ours(32, 'a');
  REQUIRE(first.workers.set_token_secrets({ours}).has_value());
  bool takes = false;
  SECTION("the same key") {
    REQUIRE(second.workers.set_token_secrets({ours}).has_value());
    takes = true;
  }
  SECTION("the next key, and this one too") {
    REQUIRE(second.workers.set_token_secrets({std::string(32, 'b'), ours}).has_value());
    takes = true;
  }
  SECTION("another key") {
    REQUIRE(second.workers.set_token_secrets({std::string(32, 'b')}).has_value());
  }
  // One name for both, as behind a balancer.
  const auto visit = [](Group& group, const std::string& kept) {
    ClientConfig with;
    with.resolver = [&group](const std::string&, std::uint16_t, ResolveDone done) {
      done(std::vector{group.address});
    };
    Client client{group.loop, Tls::client_from_pem(group.tls.certificate_pem()).value(),
                  std::move(with)};
    if (!kept.empty()) REQUIRE(client.load_sessions(as_bytes(kept)).has_value());
    group.url = "https://localhost/";
    (void)group.ask(client);
    return client.save_sessions();  // tickets and tokens come before the first reply
  };
  const std::string kept = visit(first, {});
  CHECK(first.workers.stats().quic.retries_sent == 1);
  (void)visit(second, kept);
  CHECK(second.workers.stats().quic.retries_sent == (takes ? 0 : 1));
}

TEST_CASE("workers let requests in progress finish when they are told to end") {
  Loop loop;
  const Tls tls = Tls::self_signed().value();
  std::atomic<bool> asked = false;
  Workers workers{2, tls, {}, [&asked](const Workers::Worker& worker) {
                    worker.server.get("/slow", [&asked](Request, Response response) {
                      response.stream([left = 50](std::span<std::byte> room) mutable {
                        room[0] = std::byte{'x'};
                        return Filled{.bytes = 1, .last = --left == 0};
                      });
                      asked = true;
                    });
                  }};
  const Result<Address> address = workers.listen("127.0.0.1:0");
  REQUIRE(address.has_value());
  workers.start();
  Client client{loop, Tls::client_from_pem(tls.certificate_pem()).value()};
  std::optional<Result<Reply>> outcome;
  client.get("https://" + address->to_string() + "/slow",
             [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
  while (!asked) {
    loop.turn();
    loop.wait();
  }
  workers.shutdown(10s);
  while (!outcome) {
    loop.turn();
    loop.wait();
  }
  workers.join();
  REQUIRE(outcome->has_value());
  CHECK((*outcome)->body == std::string(50, 'x'));
  CHECK(workers.stats().responses == 1);
}

TEST_CASE("workers say what is wrong with how they are made") {
  const Tls tls = Tls::self_signed().value();
  Workers many{129, tls, {}, {}};
  const auto refused = many.listen("127.0.0.1:0");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message().contains("count"));

  ServerConfig config;
  config.quic.connection_ids = quic::worker_cids(0, 1).value();
  Workers own{2, tls, std::move(config), {}};
  const auto also = own.listen("127.0.0.1:0");
  REQUIRE_FALSE(also.has_value());
  CHECK(also.error().message().contains("connection_ids"));

  Workers started{2, tls, {}, {}};
  CHECK(started.count() == 2);
  REQUIRE_FALSE(started.listen("nowhere").has_value());
  REQUIRE(started.listen("127.0.0.1:0").has_value());
  started.start();
  CHECK(started.listen("127.0.0.1:0").error() == Error{UsageError::closed});
  CHECK_FALSE(started.set_tls(Tls::insecure_client()).has_value());
  CHECK(started.set_tls(Tls::self_signed().value()).has_value());
}
