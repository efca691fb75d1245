// SPDX-License-Identifier: MIT
/// One server on several threads: who gets which connection, moving clients, the end.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
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

// What a group does beside answering with the worker's number.
struct GroupOptions {
  ServerConfig config;
  Tls tls = Tls::self_signed().value();
  std::string listen_on = "127.0.0.1:0";
  std::function<void(Server&, Workers&)> routes;
  std::function<void(Workers&)> before_listen;
};

// Three workers that answer with their number, and clients on a loop of the test's own.
struct Group {
  explicit Group(GroupOptions options = {})
      : tls(options.tls),
        workers(worker_count, tls, std::move(options.config),
                [this, routes = std::move(options.routes)](const Workers::Worker& worker) {
                  worker.server.get("/", [number = worker.number](Request, Response response) {
                    response.end(std::to_string(number));
                  });
                  if (routes) routes(worker.server, workers);
                }) {
    if (options.before_listen) options.before_listen(workers);
    const Result<Address> opened = workers.listen(options.listen_on);
    REQUIRE(opened.has_value());
    address = *opened;
    origin = "https://" + address.to_string();
    workers.start();
  }

  std::unique_ptr<Client> make_client() { return make_client(tls); }

  std::unique_ptr<Client> make_client(const Tls& trusted) {
    return std::make_unique<Client>(loop, Tls::client_from_pem(trusted.certificate_pem()).value());
  }

  void run_until(const std::function<bool()>& condition) {
    bool late = false;
    const TimerId limit = loop.after(20s, [&] { late = true; });
    while (!condition() && !late) {
      const TimerId tick = loop.after(1ms, [] {});  // conditions of other threads wake nobody
      loop.wait();
      loop.turn();
      loop.cancel(tick);
    }
    loop.cancel(limit);
    REQUIRE_FALSE(late);
  }

  // Begins a request; the body of the reply, or what went wrong, is in what is returned.
  std::shared_ptr<std::optional<std::string>> begin(Client& client, const std::string& path) {
    ++asked;
    auto outcome = std::make_shared<std::optional<std::string>>();
    client.get(origin + path, [outcome](Result<Reply> reply) {
      outcome->emplace(reply ? reply->body : reply.error().message());
    });
    return outcome;
  }

  // By default the number of the worker that answers.
  std::string ask(Client& client, const std::string& path = "/") {
    const auto outcome = begin(client, path);
    run_until([&] { return outcome->has_value(); });
    return **outcome;
  }

  // Clients of so many different workers.
  std::vector<std::unique_ptr<Client>> make_clients(std::size_t count) {
    std::vector<std::unique_ptr<Client>> clients;
    std::set<std::string> seen;
    while (clients.size() < count) {
      auto client = make_client();
      const std::string worker = ask(*client);
      REQUIRE(worker.size() == 1);  // a number, and no message about what is wrong
      if (seen.insert(worker).second) clients.push_back(std::move(client));
    }
    return clients;
  }

  Tls tls;
  Workers workers;
  Loop loop;
  Address address;
  std::string origin;
  std::uint64_t asked = 0;
};

}  // namespace

TEST_CASE("connections are spread over all workers, and each stays with its own") {
  ServerConfig config;
  SECTION("plainly") {}
  SECTION("after Retry") { config.quic.retry = quic::RetryPolicy::always; }
  Group group{{.config = std::move(config)}};
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
  const std::string ours(32, 'a');
  // Before listen() or after it makes no difference.
  Group first{{.config = config, .before_listen = [&](Workers& workers) {
                 REQUIRE(workers.set_token_secrets({ours}).has_value());
               }}};
  Group second{{.config = config, .tls = first.tls}};
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
    group.origin = "https://localhost";
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
}

TEST_CASE("workers refuse settings that are no good, before and after they listen") {
  ServerConfig config;
  config.quic.retry = quic::RetryPolicy::always;
  const auto refuses = [](Workers& workers) {
    const Error wrong{UsageError::invalid_argument};
    CHECK(workers.set_tls(Tls::insecure_client()).error() == wrong);
    CHECK(workers.set_token_secrets({}).error() == wrong);
    CHECK(workers.set_token_secrets({std::string(32, 'a'), "short"}).error() == wrong);
    CHECK(workers.set_token_secrets(std::vector(5, std::string(32, 'a'))).error() == wrong);
  };
  Group group{{.config = std::move(config), .before_listen = refuses}};
  refuses(group.workers);
  CHECK(group.make_clients(worker_count).size() == worker_count);  // as if nothing had been said
}

TEST_CASE("a certificate that workers get before they listen is shown by all of them") {
  const Tls renewed = Tls::self_signed().value();
  Group group{
      {.before_listen = [&](Workers& workers) { REQUIRE(workers.set_tls(renewed).has_value()); }}};
  group.tls = renewed;
  CHECK(group.make_clients(worker_count).size() == worker_count);
}

TEST_CASE("figures are to be had in a handler while another worker is stuck in one") {
  std::promise<void> release;
  std::atomic<bool> is_stuck = false;
  Group group{
      {.routes = [&, released = release.get_future().share()](Server& server, Workers& workers) {
        server.get("/stuck", [&, released](Request, Response response) {
          is_stuck = true;
          (void)released.wait_for(20s);
          response.end("free");
        });
        server.get("/requests", [&workers](Request, Response response) {
          response.end(std::to_string(workers.stats().requests));
        });
      }}};
  const auto clients = group.make_clients(2);
  const std::string before = std::to_string(group.asked + 1);
  const auto stuck = group.begin(*clients[0], "/stuck");
  group.run_until([&] { return is_stuck.load(); });
  // The request that asks is counted; the one that is stuck is not until its handlers have run.
  CHECK(group.ask(*clients[1], "/requests") == before);
  CHECK(std::to_string(group.workers.stats().requests) == before);
  release.set_value();
  group.run_until([&] { return stuck->has_value(); });
  CHECK(**stuck == "free");
  CHECK(group.workers.stats().requests == group.asked);  // whatever a client has seen is counted
}

TEST_CASE("handlers of two workers change settings at the same time, and all workers get them") {
  const Tls renewed = Tls::self_signed().value();
  std::latch both{2};
  Group group{{.routes = [&](Server& server, Workers& workers) {
    server.get("/renew", [&](Request, Response response) {
      both.arrive_and_wait();
      const bool good = workers.set_tls(renewed).has_value() &&
                        workers.set_token_secrets({std::string(32, 'a')}).has_value();
      response.end(good ? "renewed" : "refused");
    });
    server.get("/join", [&](Request, Response response) {
      workers.join();
      response.end("still here");
    });
  }}};
  const auto clients = group.make_clients(2);
  const auto first = group.begin(*clients[0], "/renew");
  const auto second = group.begin(*clients[1], "/renew");
  group.run_until([&] { return first->has_value() && second->has_value(); });
  CHECK(**first == "renewed");
  CHECK(**second == "renewed");
  // Changes are made in one order, and this one is waited for.
  REQUIRE(group.workers.set_token_secrets({std::string(32, 'b')}).has_value());
  group.tls = renewed;
  CHECK(group.make_clients(worker_count).size() == worker_count);
  CHECK(group.ask(*clients[0], "/join") == "still here");
}

TEST_CASE("other threads ask for figures and change settings during the whole life of workers") {
  const Tls tls = Tls::self_signed().value();
  std::atomic<bool> went_back = false;
  std::atomic<bool> was_refused = false;
  std::optional<Group> group;
  std::vector<std::jthread> others;
  const auto begin_others = [&](Workers& workers) {
    for (int i = 0; i < 2; ++i) {
      others.emplace_back([&](const std::stop_token& stop) {
        for (std::uint64_t seen = 0; !stop.stop_requested();) {
          const std::uint64_t now = workers.stats().requests;
          if (now < seen) went_back = true;
          seen = now;
        }
      });
    }
    others.emplace_back([&](const std::stop_token& stop) {
      for (char letter = 'a'; !stop.stop_requested();
           letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1)) {
        if (!workers.set_token_secrets({std::string(32, letter)}) || !workers.set_tls(tls)) {
          was_refused = true;
        }
      }
    });
  };
  group.emplace(GroupOptions{.tls = tls, .before_listen = begin_others});
  (void)group->make_clients(worker_count);
  group->workers.shutdown(0s);
  group->workers.join();
  others.clear();
  CHECK_FALSE(went_back);
  CHECK_FALSE(was_refused);
  CHECK(group->workers.stats().requests == group->asked);
  CHECK(group->workers.stats().quic.connections == 0);
}
