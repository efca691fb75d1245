// SPDX-License-Identifier: MIT
/// Coming back to a server: sessions that are resumed, requests in early data (0-RTT), what may go
/// there, and what becomes of it (RFC 8446 §2.3, RFC 8470).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "support/http_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr int too_early = 425;
constexpr int ok = 200;
// The links take 10 ms: a reply to the first flight is there after one round trip.
constexpr Duration one_round_trip = 25ms;
constexpr Duration two_round_trips = 45ms;

ServerConfig early_server() {
  ServerConfig config;
  config.quic.early_data = true;
  return config;
}

/// What of the clients' settings differs from the defaults.
struct Habits {
  bool early_safe_methods = false;
  std::size_t max_sessions = 256;
  bool coalesce = true;

  /// All names are the server's.
  [[nodiscard]] ClientConfig config() const {
    ClientConfig made;
    made.early_safe_methods = early_safe_methods;
    made.max_sessions = max_sessions;
    made.coalesce = coalesce;
    made.resolver = [](const std::string&, std::uint16_t, ResolveDone done) {
      done(std::vector{Address::parse("10.0.0.1:4433").value()});
    };
    return made;
  }
};

/// A server that takes early data, and a client that comes again and again, each time as a new
/// object that knows what the one before has saved.
struct Visits : HttpWorld {
  explicit Visits(ServerConfig server_config = early_server(), Habits with = {})
      : HttpWorld({.seed = 1, .server = std::move(server_config), .client = with.config()}),
        habits(with) {
    serve();
    watch();
  }

  void serve() {
    server->get("/", [this](Request request, Response response) {
      early.push_back(request.early());
      response.end("here");
    });
    server->post("/", [this](Request request, Response response) {
      early.push_back(request.early());
      request.read_body(1000,
                        [response](Result<std::string> body) mutable { response.end(*body); });
    });
  }

  void restart(ServerConfig config) {
    server.emplace(network.host("10.0.0.1"), tls, std::move(config));
    serve();
    REQUIRE(server->listen("10.0.0.1:4433").has_value());
  }

  void watch() {
    client->on_connected(
        [this](const ConnectionInfo& info) { resumed.push_back(info.tls.resumed); });
  }

  /// Ends the visit and begins another.
  void come_back(std::optional<Tls> with = {}) {
    network.run_for(100ms);  // tickets come after the reply
    const std::string saved = client->save_sessions();
    client.emplace(network.host("10.0.0.2"),
                   with ? *with : Tls::client_from_pem(tls.certificate_pem()).value(),
                   habits.config());
    REQUIRE(client->load_sessions(as_bytes(saved)).has_value());
    watch();
    network.run_for(5s);
    early.clear();
    resumed.clear();
  }

  Reply post(std::string body, bool is_early) {
    Result<Reply> reply = fetch(
        {.method = "POST", .url = "/", .headers = {}, .body = std::move(body), .early = is_early});
    INFO((reply ? std::string{} : reply.error().message()));
    REQUIRE(reply.has_value());
    return std::move(*reply);
  }

  Reply get_early(const char* target = "/") {
    return fetch({.method = "GET", .url = target, .headers = {}, .body = {}, .early = true})
        .value();
  }

  Habits habits;
  std::vector<bool> early;    ///< of the requests that reached a handler in this visit
  std::vector<bool> resumed;  ///< of this visit's connections
};

}  // namespace

TEST_CASE("A client that comes back resumes its session, and sends nothing early unasked") {
  Visits world;
  CHECK(world.get("/").body == "here");
  world.come_back();
  const Reply reply = world.get("/");
  CHECK(reply.body == "here");
  CHECK(world.resumed == std::vector{true});
  CHECK(world.early == std::vector{false});
  CHECK_FALSE(reply.timing.early);
  CHECK(reply.timing.total > one_round_trip);
  CHECK(world.client->stats().early_requests == 0);
  CHECK(world.client->stats().resumed == 1);
}

TEST_CASE("A request that is marked goes with the first flight and is answered in one round trip") {
  Visits world;
  CHECK_FALSE(world.get_early().timing.early);  // nothing to resume yet
  world.come_back();
  const Reply reply = world.get_early();
  CHECK(reply.body == "here");
  CHECK(reply.timing.early);
  CHECK(reply.timing.total < one_round_trip);
  CHECK(world.early == std::vector{true});
  CHECK(world.client->stats().early_requests == 1);
  CHECK(world.client->stats().early_refused == 0);
  CHECK_FALSE(world.get_early().timing.early);  // the handshake is over
}

// RFC 9110 §9.2.1.
TEST_CASE("With early_safe_methods GET goes early by itself, and POST waits") {
  Visits world{early_server(), {.early_safe_methods = true}};
  (void)world.get("/");
  world.come_back();
  std::optional<Reply> posted;
  world.client->request({.method = "POST", .url = HttpWorld::url("/"), .headers = {}, .body = "x"},
                        [&](Result<Reply> reply) { posted = std::move(reply).value(); });
  CHECK(world.get("/").timing.early);
  REQUIRE(world.network.run_until([&] { return posted.has_value(); }, 1s));
  CHECK_FALSE(posted->timing.early);
  CHECK(world.early == std::vector{true, false});
}

TEST_CASE("A server that allows no early data gets none") {
  Visits world{{}};
  (void)world.get("/");
  world.come_back();
  CHECK_FALSE(world.get_early().timing.early);
  CHECK(world.resumed == std::vector{true});
  CHECK(world.client->stats().early_requests == 0);
}

// RFC 8470 §5.2.
TEST_CASE("A server answers 425 to unsafe early requests, and the client asks again in time") {
  Visits world;
  (void)world.get("/");
  world.come_back();
  const Reply reply = world.post("buy one", true);
  CHECK(reply.status == ok);
  CHECK(reply.body == "buy one");
  CHECK_FALSE(reply.timing.early);
  CHECK(reply.timing.total < two_round_trips);
  CHECK(world.early == std::vector{false});  // the handler ran once
  CHECK(world.server->stats().too_early == 1);
  CHECK(world.client->stats().early_refused == 1);
}

TEST_CASE("A server that says so takes unsafe requests early") {
  ServerConfig config = early_server();
  config.early_unsafe = true;
  Visits world{std::move(config)};
  (void)world.get("/");
  world.come_back();
  const Reply reply = world.post("note this", true);
  CHECK(reply.body == "note this");
  CHECK(reply.timing.early);
  CHECK(world.early == std::vector{true});
}

TEST_CASE("A handler may answer 425 itself; only an early request is repeated for it") {
  Visits world;
  int runs = 0;
  world.server->get("/once", [&](Request request, Response response) {
    ++runs;
    response.status(request.early() ? too_early : ok).end("done");
  });
  world.server->get("/never",
                    [&](Request, Response response) { response.status(too_early).end(); });
  (void)world.get("/");
  world.come_back();
  CHECK(world.get_early("/once").body == "done");
  CHECK(runs == 2);
  CHECK(world.get("/never").status == too_early);
}

TEST_CASE("Early requests that a server refuses are sent again on new streams") {
  Visits world;
  (void)world.get("/");
  world.network.run_for(100ms);
  ServerConfig other = early_server();
  other.quic.secret = std::string(32, 'x');  // its tickets are of other keys
  world.come_back();
  world.restart(std::move(other));
  std::vector<Reply> replies;
  for (const std::string body : {"first", "second"}) {
    world.client->request(
        {.method = "POST", .url = HttpWorld::url("/"), .headers = {}, .body = body, .early = true},
        [&](Result<Reply> reply) { replies.push_back(std::move(reply).value()); });
  }
  const Reply third = world.get_early();
  REQUIRE(world.network.run_until([&] { return replies.size() == 2; }, 1s));
  CHECK(replies[0].body == "first");
  CHECK(replies[1].body == "second");
  CHECK(third.body == "here");
  CHECK_FALSE(third.timing.early);
  CHECK(world.resumed == std::vector{false});
  CHECK(world.early == std::vector{false, false, false});
  CHECK(world.client->stats().early_requests == 3);
  CHECK(world.client->stats().early_refused == 3);
}

// RFC 9001 §9.2.
TEST_CASE("A replayed first flight runs no handler that does something") {
  Visits world;
  (void)world.get("/");
  world.come_back();
  std::vector<std::vector<std::byte>> flight;
  bool records = true;
  Path path;
  world.network.tap([&](const io::Observation& seen) {
    if (!records || seen.datagram.path.local.host() != "10.0.0.2") return;
    if (seen.fate != io::Fate::delivered) return;
    path = seen.datagram.path;
    flight.emplace_back(seen.datagram.payload.begin(), seen.datagram.payload.end());
    records = false;
  });
  const std::uint64_t accepted = world.server->stats().quic.connections_accepted;
  CHECK(world.post("pay", true).body == "pay");
  const std::uint64_t refused = world.server->stats().too_early;
  world.client.reset();
  world.network.run_for(5s);  // the server has forgotten the connection, not the ticket's keys
  world.early.clear();
  path.local = Address::parse("10.6.6.6:666").value().with_port(6666);
  for (const auto& datagram : flight) world.network.inject({.path = path, .payload = datagram});
  world.network.run_for(1s);
  CHECK(world.server->stats().quic.connections_accepted == accepted + 2);
  CHECK(world.server->stats().too_early == refused + 1);
  CHECK(world.early.empty());
}

TEST_CASE("Sessions are not used with another trust or for another host") {
  Visits world;
  (void)world.get("/");
  world.come_back(Tls::insecure_client());
  CHECK_FALSE(world.get_early().timing.early);
  CHECK(world.resumed == std::vector{false});
  world.come_back();  // knows only what somebody who trusts everybody was given
  CHECK_FALSE(world.get_early().timing.early);
  CHECK(world.resumed == std::vector{false});
  world.come_back();
  const auto other = world.fetch({.method = "GET",
                                  .url = "https://a.example:4433/",
                                  .headers = {},
                                  .body = {},
                                  .early = true});
  CHECK_FALSE(other.value().timing.early);
  CHECK(world.resumed == std::vector{false});
}

// RFC 8446 §C.4.
TEST_CASE("A session is shown once, and as many are kept as the client may") {
  Visits world{early_server(), {.max_sessions = 1, .coalesce = false}};
  (void)world.get("/");
  world.network.run_for(100ms);
  CHECK(world.client->stats().sessions == 1);
  CHECK(world.fetch({.method = "GET", .url = "https://a.example:4433/", .headers = {}, .body = {}})
            .has_value());
  world.network.run_for(100ms);
  CHECK(world.client->stats().sessions == 1);
  world.come_back();
  (void)world.get("/");  // its session had to go
  CHECK(world.resumed == std::vector{false});

  Visits again{early_server(), {.max_sessions = 0}};
  (void)again.get("/");
  again.come_back();
  (void)again.get("/");
  CHECK(again.resumed == std::vector{false});
}

TEST_CASE("What is not a list of saved sessions is refused as a whole") {
  Visits world;
  (void)world.get("/");
  world.network.run_for(100ms);
  const std::string saved = world.client->save_sessions();
  Client other{world.network.host("10.0.0.2"), Tls::insecure_client()};
  for (const std::string& bad : {std::string{}, std::string{"sessions"}, saved.substr(1),
                                 saved.substr(0, saved.size() - 1), saved + "x"}) {
    const Result<> loaded = other.load_sessions(as_bytes(bad));
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error() == Error{UsageError::invalid_argument});
    CHECK(other.stats().sessions == 0);
  }
  CHECK(other.load_sessions(as_bytes(saved)).has_value());
  CHECK(other.stats().sessions == 1);
}

}  // namespace quoin::test
