// SPDX-License-Identifier: MIT
/// What the simulated network promises to whoever tests on it: a seed repeats a run, and time that
/// nothing happens in costs nothing.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "support/certs.hpp"
#include "support/http_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using io::SimulatedNetwork;

/// All of a datagram but what is encrypted, whose keys are TLS's own and differ.
using Line =
    std::tuple<Time, Time, std::uint64_t, std::string, std::string, std::size_t, Ecn, io::Fate>;

/// A transfer each way on a path where everything goes wrong, and all that was seen of it.
std::vector<Line> run(std::uint64_t seed, const Identity& identity) {
  SimulatedNetwork network{seed};
  std::vector<Line> trace;
  network.tap([&](const io::Observation& seen) {
    const Path& path = seen.datagram.path;
    trace.emplace_back(seen.time, seen.sent, seen.number, path.local.to_string(),
                       path.remote.to_string(), seen.datagram.payload.size(), seen.datagram.ecn,
                       seen.fate);
  });
  network.link_both("10.0.0.1", "10.0.0.2",
                    {.delay = 15ms,
                     .loss = 0.01,
                     .burst = {.begin = 0.003, .end = 0.3, .loss = 0.8},
                     .corruption = 0.01,
                     .duplication = 0.01,
                     .reordering = 0.02,
                     .jitter = 2ms,
                     .bits_per_second = 20'000'000,
                     .queue = 50,
                     .ce = 0.01});
  network.nat("10.0.0.2", "203.0.113.1");
  network.after(200ms, [&] { network.rebind("10.0.0.2"); });
  network.outage("10.0.0.1", "10.0.0.2", 400ms, 100ms);

  Server server{network.host("10.0.0.1"),
                Tls::server_from_pem(identity.certificate, identity.key).value()};
  const std::string page = pattern(700'000);
  server.get("/", [&](Request, Response response) { response.end(page); });
  server.post("/", [](Request request, Response response) {
    request.read_body(1'000'000, [response](Result<std::string> body) mutable {
      response.end(std::to_string(body ? body->size() : 0));
    });
  });
  REQUIRE(server.listen("10.0.0.1:4433").has_value());
  Client client{network.host("10.0.0.2"), Tls::client_from_pem(identity.certificate).value()};
  std::vector<std::string> bodies;
  const auto note = [&](Result<Reply> reply) {
    bodies.push_back(reply ? reply->body : reply.error().message());
  };
  client.get("https://10.0.0.1:4433/", note);
  client.request({.method = "POST", .url = "https://10.0.0.1:4433/", .headers = {}, .body = page},
                 note);
  REQUIRE(network.run_until([&] { return bodies.size() == 2; }, 60s));
  std::ranges::sort(bodies, {}, &std::string::size);
  CHECK(bodies[0] == "700000");
  CHECK(bodies[1] == page);
  return trace;
}

}  // namespace

TEST_CASE("a seed repeats a run of two transfers on a bad path, to the nanosecond and the byte") {
  const Identity identity = self_signed({.alternative_names = "IP:10.0.0.1", .is_rsa = true});
  const std::vector<Line> first = run(42, identity);
  const std::vector<Line> second = run(42, identity);
  REQUIRE(first.size() == second.size());
  const auto [a, b] = std::ranges::mismatch(first, second);
  CHECK(a - first.begin() == static_cast<std::ptrdiff_t>(first.size()));
  CHECK(b == second.end());
  CHECK(first != run(43, identity));
}

TEST_CASE("a minute of an idle connection costs milliseconds") {
  HttpWorld world{{.server = {.quic = {.max_idle_timeout = 2min}},
                   .client = {.quic = {.max_idle_timeout = 2min, .keep_alive = 10s}}}};
  world.server->get("/", [](Request, Response response) { response.end("here"); });
  CHECK(world.get("/").body == "here");
  int datagrams = 0;
  world.network.tap([&](const io::Observation&) { ++datagrams; });
  const Time start = world.network.now();
  const std::clock_t clock = std::clock();  // of the processor: other programs do not count
  world.network.run_for(1min);
  const auto cost = static_cast<double>(std::clock() - clock) / CLOCKS_PER_SEC;
  CHECK(world.network.now() - start == 1min);
  CHECK(datagrams > 5);
  CHECK(datagrams < 50);
  CHECK(cost < 0.1);
  CHECK(world.get("/").timing.reused);
}

}  // namespace quoin::test
