// SPDX-License-Identifier: MIT
/// Every handler of Server, Request, Response, Client and Call, and jobs and timers of the loop:
/// each throws, destroys its owner and replaces itself in the middle of a scenario that calls all
/// of them, in two rounds.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/streaming.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_answer.hpp>
#include <quoin/tls_request.hpp>

#include "support/hooks.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

/// What the second request of /all needs of both sides to be complete.
struct Talk {
  Call call;
  int datagrams = 0;
};

struct Scenario {
  explicit Scenario(Hooks& all);

  /// Two clients, one after the other, each with all kinds of requests; then the server's end.
  void run();

  void set_up_connections();
  void set_up_routes();
  void answer_all(Request request, Response response);
  void set_up_client();
  void run_round();
  void fetch(const std::string& path, ClientRequest request, ClientCallbacks callbacks);
  void talk();

  Hooks& hooks;
  io::SimulatedNetwork network{1};
  Loop& server_loop = network.host("10.0.0.1");
  Loop& client_loop = network.host("10.0.0.2");
  Tls tls = Tls::self_signed(std::array<std::string, 1>{"a.example"}).value();
  std::optional<Server> server;
  std::optional<Client> client;
  Talk talking;
  std::vector<std::map<std::string, Result<Reply>>> outcomes;  // of each round, by path
  std::vector<Outcome> logged;
  ServerStats stats;
};

Scenario::Scenario(Hooks& all) : hooks(all) {
  hooks.listen(server_loop);
  hooks.listen(client_loop);
  hooks.owners["server"] = [this] { server.reset(); };
  hooks.owners["client"] = [this] { client.reset(); };
  ServerConfig config;
  config.h3.datagrams = true;
  server.emplace(server_loop, Tls::server_on_demand().value(), config);
  set_up_connections();
  set_up_routes();
  for (const char* const address : {"10.0.0.1:443", "10.0.0.1:444"}) {
    REQUIRE(server->listen(address).has_value());
  }
}

void Scenario::set_up_connections() {
  hooks.place("server on_tls_request", [this](const std::string& name) {
    server->on_tls_request([this, name](const TlsRequest&, const TlsAnswer& answer) {
      hooks(name);
      (void)answer.use(tls);
    });
  });
  hooks.place("server on_access", [this](const std::string& name) {
    server->on_access([this, name](const Access& access) {
      logged.push_back(access.outcome);
      hooks(name);
    });
  });
  hooks.place("server on_connected", [this](const std::string& name) {
    server->on_connected([this, name](const ConnectionInfo&) { hooks(name); });
  });
  hooks.place("server on_disconnected", [this](const std::string& name) {
    server->on_disconnected([this, name](const ConnectionInfo&) { hooks(name); });
  });
  hooks.place("server on_path", [this](const std::string& name) {
    server->on_path([this, name](const ConnectionInfo&, const quic::PathEvent&) { hooks(name); });
  });
}

void Scenario::set_up_routes() {
  server->get("/moved", [](Request, Response response) {
    response.status(302).header("location", "/plain").end();
  });
  hooks.place("server route", [this](const std::string& name) {
    server->get("/plain", [this, name](Request, Response response) {
      hooks(name);
      response.end("plain");
    });
  });
  hooks.place("server fallback", [this](const std::string& name) {
    server->fallback([this, name](Request, Response response) {
      hooks(name);
      response.end("fallback");
    });
  });
  server->post("/late", [this](Request request, Response response) {
    request.read_body(100, [this, response](const Result<std::string>&) mutable {
      hooks("server read_body");
      response.end("late");
    });
  });
  server->post("/all", [this](Request request, Response response) {
    response.inform(103);
    answer_all(request, response);
  });
}

// A response that ends when the whole body was read.
void Scenario::answer_all(Request request, Response response) {
  const auto over = std::make_shared<bool>(false);
  hooks.place("server on_body", [=, this](const std::string& name) mutable {
    request.on_body([=, this](Bytes chunk, bool last) mutable {
      hooks(name);
      *over = last;
      response.resume();
      return chunk.size();
    });
  });
  hooks.place("server on_datagram", [=, this](const std::string& name) mutable {
    request.on_datagram([=, this](Bytes data) mutable {
      hooks(name);
      (void)response.send_datagram(data);
    });
  });
  for (const char* const name : {"server on_closed", "server on_closed again"}) {
    response.on_closed([this, name](const Outcome&) { hooks(name); });
  }
  bool begun = false;
  response.stream([=, this](std::span<std::byte> room) mutable {
    hooks("server writer");
    room.front() = std::byte{'x'};
    const std::size_t bytes = !std::exchange(begun, true) || *over ? 1 : 0;
    return Filled{.bytes = bytes, .last = *over};
  });
}

void Scenario::set_up_client() {
  ClientConfig config;
  config.h3.datagrams = true;
  config.resolver = [this](const std::string&, std::uint16_t port, ResolveDone done) {
    hooks("client resolver");
    done(std::vector{Address::parse("10.0.0.1:" + std::to_string(port)).value()});
  };
  hooks.renew("client");
  client.emplace(client_loop, Tls::client_from_pem(tls.certificate_pem()).value(),
                 std::move(config));
  hooks.place("client on_connecting", [this](const std::string& name) {
    client->on_connecting([this, name](std::string_view, const Address&) { hooks(name); });
  });
  hooks.place("client on_connected", [this](const std::string& name) {
    client->on_connected([this, name](const ConnectionInfo&) { hooks(name); });
  });
  hooks.place("client on_disconnected", [this](const std::string& name) {
    client->on_disconnected([this, name](const ConnectionInfo&) { hooks(name); });
  });
  hooks.place("client on_path", [this](const std::string& name) {
    client->on_path([this, name](const ConnectionInfo&, const quic::PathEvent&) { hooks(name); });
  });
}

void Scenario::fetch(const std::string& path, ClientRequest request, ClientCallbacks callbacks) {
  if (!client) return;
  request.url = "https://a.example" + path;
  if (path == "/elsewhere") request.url = "https://a.example:444/plain";
  request.timeout = 5s;
  callbacks.done = [this, path](Result<Reply> reply) {
    outcomes.back().insert_or_assign(path, std::move(reply));
    hooks("client done");
  };
  talking.call = client->request(std::move(request), std::move(callbacks));
  network.run_for(6s);
}

// All callbacks of a request, and two datagrams there and back.
void Scenario::talk() {
  talking = {};
  ClientRequest request;
  request.method = "POST";
  bool begun = false;
  request.body = RequestBody{[this, begun](std::span<std::byte> room) mutable {
    hooks("client writer");
    room.front() = std::byte{'x'};
    const std::size_t bytes = std::exchange(begun, true) ? 0 : 1;
    return Filled{.bytes = bytes, .last = talking.datagrams == 2};
  }};
  ClientCallbacks callbacks;
  callbacks.on_informational = [this](int, const Headers&) { hooks("client on_informational"); };
  callbacks.on_headers = [this](int, const Headers&) {
    hooks("client on_headers");
    for (int i = 0; i < 2; ++i) (void)talking.call.send_datagram(as_bytes("there"));
  };
  callbacks.on_data = [this](Bytes chunk, bool) {
    hooks("client on_data");
    return chunk.size();
  };
  callbacks.on_datagram = [this](Bytes) {
    hooks("client on_datagram");
    ++talking.datagrams;
    talking.call.resume();
  };
  fetch("/all", std::move(request), std::move(callbacks));
}

void Scenario::run_round() {
  outcomes.emplace_back();
  set_up_client();
  ClientCallbacks moving;
  moving.on_redirect = [this](int, const Headers&, std::string_view) {
    hooks("client on_redirect");
  };
  ClientRequest moved;
  moved.max_redirects = 1;
  fetch("/moved", std::move(moved), std::move(moving));
  fetch("/plain", {}, {});
  talk();
  ClientRequest late;
  late.method = "POST";
  late.body = "late";
  fetch("/late", std::move(late), {});
  fetch("/nowhere", {}, {});
  fetch("/elsewhere", {}, {});
  client_loop.post([this] { hooks("loop post"); });
  client_loop.after(1s, [this] { hooks("loop after"); });
  if (client) client->shutdown(1s, [this] { hooks("client shutdown"); });
  network.run_for(3s);
  client.reset();
  network.run_for(1s);
}

void Scenario::run() {
  for (int round = 0; round < 2; ++round) run_round();
  if (!server) return;
  stats = server->stats();
  for (int i = 0; i < 2; ++i) server->shutdown(1s, [this] { hooks("server shutdown"); });
  network.run_for(3s);
}

/// A handler, and what it ends if it throws.
struct Row {
  const char* name;
  const char* where;             ///< for Loop::on_exception()
  const char* path = "";         ///< the request that ends for it; none
  std::optional<Error> error{};  ///< with what; none: with a 500
};

const Error internal{HttpError::internal_error};

// clang-format off
const std::array rows{
    Row{"server on_access", "Server::on_access"},
    Row{"server on_connected", "Server::on_connected"},
    Row{"server on_disconnected", "Server::on_disconnected"},
    Row{"server on_path", "Server::on_path"},
    Row{"server on_closed", "Response::on_closed"},
    Row{"server shutdown", "Server::shutdown"},
    Row{"server route", "Server::route", "/moved"},
    Row{"server fallback", "Server::fallback", "/nowhere"},
    Row{"server read_body", "Request::on_body", "/late"},
    Row{"server on_body", "Request::on_body", "/all", internal},
    Row{"server on_datagram", "Request::on_datagram", "/all", internal},
    Row{"server writer", "Response::stream", "/all", internal},
    Row{"server on_tls_request", "on_tls_request", "/moved", Error{Error::Domain::tls, 112}},
    Row{"client on_connecting", "Client::on_connecting"},
    Row{"client on_connected", "Client::on_connected"},
    Row{"client on_disconnected", "Client::on_disconnected"},
    Row{"client on_path", "Client::on_path"},
    Row{"client done", "ClientCallbacks::done"},
    Row{"client shutdown", "Client::shutdown"},
    Row{"client resolver", "ClientConfig::resolver", "/moved", Error{LocalError::name_resolution}},
    Row{"client on_redirect", "ClientCallbacks::on_redirect", "/moved", internal},
    Row{"client on_informational", "ClientCallbacks::on_informational", "/all", internal},
    Row{"client on_headers", "ClientCallbacks::on_headers", "/all", internal},
    Row{"client on_data", "ClientCallbacks::on_data", "/all", internal},
    Row{"client on_datagram", "ClientCallbacks::on_datagram", "/all", internal},
    Row{"client writer", "ClientRequest::body", "/all", internal},
    Row{"loop post", "Loop::post"},
    Row{"loop after", "Loop::after"},
};
// clang-format on

/// Each request of a round came to a 200, but one.
void check_round(const Scenario& scenario, std::size_t round, const Row* broken) {
  for (const char* const path : {"/moved", "/plain", "/all", "/late", "/nowhere", "/elsewhere"}) {
    INFO("round " << round << ", " << path);
    const auto& outcome = scenario.outcomes.at(round).at(path);
    if (broken == nullptr || std::string_view{path} != broken->path) {
      INFO((outcome ? std::string{} : outcome.error().message()));
      REQUIRE(outcome.has_value());
      CHECK(outcome->status == 200);
    } else if (broken->error) {
      REQUIRE(!outcome.has_value());
      INFO(outcome.error().message());
      CHECK(outcome.error() == *broken->error);
    } else {
      REQUIRE(outcome.has_value());
      CHECK(outcome->status == 500);
    }
  }
}

}  // namespace

TEST_CASE("the scenario of all HTTP handlers calls them all, in both rounds") {
  const Scenario& scenario = peaceful<Scenario>();
  for (std::size_t round = 0; round < 2; ++round) check_round(scenario, round, nullptr);
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(scenario.hooks.counts[row.name] >= 2);
  }
  CHECK(scenario.hooks.reports.empty());
}

TEST_CASE("an HTTP handler that throws ends at most its request and is called again") {
  const Row& row = rows[GENERATE(Catch::Generators::range(std::size_t{0}, rows.size()))];
  const Deed deed = GENERATE(Deed::throw_error, Deed::throw_int);
  INFO(row.name);
  Hooks hooks{row.name, deed};
  Scenario scenario{hooks};
  scenario.run();
  CHECK(hooks.reports == std::vector<std::string>{row.where});
  CHECK(hooks.counts[row.name] >= 2);
  check_round(scenario, 0, &row);
  check_round(scenario, 1, nullptr);
  const ServerStats& stats = scenario.stats;
  CHECK(stats.open_requests == 0);
  CHECK(scenario.logged.size() == stats.requests);
  CHECK(stats.responses + stats.requests_failed == stats.requests);
  CHECK(hooks.counts["server on_closed"] == hooks.counts["server on_closed again"]);
  if (std::string_view{row.path}.empty()) {
    // As if it had returned.
    CHECK(hooks.counts == peaceful<Scenario>().hooks.counts);
    CHECK(stats.requests == peaceful<Scenario>().stats.requests);
    CHECK(stats.responses == peaceful<Scenario>().stats.responses);
    CHECK(stats.body_bytes_sent == peaceful<Scenario>().stats.body_bytes_sent);
    CHECK(stats.body_bytes_received == peaceful<Scenario>().stats.body_bytes_received);
  }
}

TEST_CASE("an HTTP handler may destroy its server or client, and throw then") {
  const Row& row = rows[GENERATE(Catch::Generators::range(std::size_t{0}, rows.size() - 2))];
  const Deed deed = GENERATE(Deed::destroy, Deed::destroy_and_throw);
  INFO(row.name);
  Hooks hooks{row.name, deed};
  Scenario scenario{hooks};
  scenario.run();
  CHECK(hooks.counts[row.name] >= 1);
  CHECK(hooks.late.empty());
  CHECK(hooks.reports.size() == (deed == Deed::destroy_and_throw ? 1 : 0));
}

TEST_CASE("an HTTP handler may replace itself") {
  const std::string name =
      GENERATE("server on_access", "server on_connected", "server on_disconnected",
               "server on_path", "server route", "server fallback", "server on_body",
               "server on_datagram", "server on_tls_request", "client on_connecting",
               "client on_connected", "client on_disconnected", "client on_path");
  INFO(name);
  Hooks hooks{name, Deed::replace};
  Scenario scenario{hooks};
  scenario.run();
  for (std::size_t round = 0; round < 2; ++round) check_round(scenario, round, nullptr);
  CHECK(hooks.counts[name] + hooks.counts[Hooks::replaced(name)] ==
        peaceful<Scenario>().hooks.counts[name]);
  CHECK(hooks.counts[Hooks::replaced(name)] >= 1);
}
