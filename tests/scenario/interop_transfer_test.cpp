// SPDX-License-Identifier: MIT
/// The cases of the public interop runner that are about transfers, in virtual time, under the
/// names they have there.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "support/interop_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t megabyte = 1'000'000;

/// The addresses that the client was seen as.
std::set<std::string> clients_seen(const std::vector<Path>& paths) {
  std::set<std::string> seen;
  std::ranges::for_each(paths, [&](const Path& path) { seen.insert(path.local.to_string()); });
  return seen;
}

/// A download through a NAT that becomes another one in its midst, twice.
void check_rebinding(
    const std::function<void(io::SimulatedNetwork&, const std::string& ip)>& rebind,
    std::size_t addresses) {
  InteropWorld world{{.client = {.keep_alive = 1s}}};
  world.network.nat(world.client_ip, "203.0.113.1");
  std::vector<Path> paths;
  world.network.tap([&](const io::Observation& seen) {
    if (seen.datagram.path.remote.host() == world.server_ip) paths.push_back(seen.datagram.path);
  });
  for (const Duration when : {1s, 3s}) {
    world.network.after(when, [&] { rebind(world.network, world.client_ip); });
  }
  const std::unique_ptr<Client> client = world.make_client();
  (void)world.fetch_all(*client, {5 * megabyte});
  const std::set<std::string> seen = clients_seen(paths);
  CHECK(seen.size() == 3);
  std::set<std::string> hosts;
  for (const Path& path : paths) hosts.insert(path.local.host());
  CHECK(hosts.size() == addresses);
  CHECK(world.connected.size() == 1);
  CHECK(world.disconnected.empty());
}

}  // namespace

TEST_CASE("interop transfer: files beyond every flow control window arrive whole") {
  InteropWorld world;
  const std::unique_ptr<Client> client = world.make_client();
  const Time start = world.network.now();
  (void)world.fetch_all(*client, {megabyte, 2 * megabyte, 3 * megabyte});
  CHECK(world.network.now() - start < 6s);
  CHECK(world.connected.size() == 1);
}

TEST_CASE("interop http3: files asked for together share a connection") {
  InteropWorld world;
  const std::unique_ptr<Client> client = world.make_client();
  const std::vector<Reply> replies = world.fetch_all(*client, {5000, 10'000, 500});
  CHECK(std::ranges::all_of(replies, [](const Reply& reply) { return reply.connection == 1; }));
  CHECK(world.connected.size() == 1);
}

TEST_CASE("interop multiplexing: many small files come on one connection, in turns") {
  InteropWorld world;
  std::size_t most = 0;
  world.server.on_access(
      [&](const Access&) { most = std::max(most, world.server.stats().open_requests); });
  const std::unique_ptr<Client> client = world.make_client();
  (void)world.fetch_all(*client, std::vector<std::size_t>(1000, 32));
  CHECK(most > 20);
  CHECK(most <= 100);  // the default limit of streams
  CHECK(world.connected.size() == 1);
}

TEST_CASE("interop blackhole: a transfer goes on when two seconds of silence are over") {
  InteropWorld world;
  world.network.outage(world.server_ip, world.client_ip, 1s, 2s);
  const Time start = world.network.now();
  (void)world.fetch(3 * megabyte);
  CHECK(world.network.now() - start > 4500ms);
  CHECK(world.network.now() - start < 8s);
  CHECK(world.connected.size() == 1);
}

TEST_CASE("interop transferloss: a transfer survives the loss of 2 % of all datagrams") {
  InteropWorld world{{.seed = 5}};
  world.to_client().loss = 0.02;
  world.to_server().loss = 0.02;
  (void)world.fetch(2 * megabyte);
  CHECK(world.connected.size() == 1);
}

TEST_CASE("interop transfercorruption: a transfer survives damage to 2 % of all datagrams") {
  InteropWorld world{{.seed = 6}};
  world.to_client().corruption = 0.02;
  world.to_server().corruption = 0.02;
  (void)world.fetch(2 * megabyte);
  CHECK(world.connected.size() == 1);
}

TEST_CASE("interop ecn: both sides mark, and a mark of congestion slows the sender down") {
  const auto run = [](double ce) {
    std::set<std::pair<std::string, Ecn>> marks;  // outlives the world, which sends until it ends
    InteropWorld world;
    world.to_client() = {.delay = 15ms, .bits_per_second = 100'000'000, .ce = ce};
    world.network.intercept([&](const Datagram& datagram) {
      marks.emplace(datagram.path.local.host(), datagram.ecn);
      return true;
    });
    const Reply reply = world.fetch(megabyte);
    CHECK(marks.contains({world.server_ip, Ecn::ect0}));
    CHECK(marks.contains({world.client_ip, Ecn::ect0}));
    return reply.timing.total;
  };
  CHECK(run(0.05) > 3 * run(0));
}

TEST_CASE("interop ecn: on a path that bleaches the marks both sides do without") {
  Ecn last = Ecn::ect0;
  InteropWorld world;
  world.to_client().clears_ecn = true;
  world.to_server().clears_ecn = true;
  world.network.intercept([&](const Datagram& datagram) {
    last = datagram.ecn;
    return true;
  });
  (void)world.fetch(megabyte);
  CHECK(last == Ecn::not_ect);
}

TEST_CASE("interop rebind-port: a download goes on when the NAT changes the port") {
  check_rebinding([](auto& network, const std::string& ip) { network.rebind(ip); }, 1);
}

TEST_CASE("interop rebind-addr: a download goes on when the NAT changes the address") {
  check_rebinding(
      [number = 1](auto& network, const std::string& ip) mutable {
        network.rebind(ip, "203.0.113." + std::to_string(++number));
      },
      3);
}

TEST_CASE("interop goodput: a download fills nine tenths of the link") {
  InteropWorld world;
  const Time start = world.network.now();
  (void)world.fetch(10 * megabyte);
  const double seconds = std::chrono::duration<double>(world.network.now() - start).count();
  const double share = 10 * 8 / seconds / 10;
  INFO("goodput: " << share * 100 << " % of the link");
  CHECK(share > 0.9);
}

TEST_CASE("interop crosstraffic: a download gets its part of a link that another one fills") {
  InteropWorld world;
  const std::unique_ptr<Client> other = world.make_client();
  std::optional<Result<Reply>> other_reply;
  other->get(world.url("/20000000"), [&](Result<Reply> reply) { other_reply = std::move(reply); });
  world.network.run_for(2s);
  const Time start = world.network.now();
  (void)world.fetch(4 * megabyte);  // alone it takes 3.4 s
  CHECK(world.network.now() - start < 15s);
  CHECK_FALSE(other_reply.has_value());
}

}  // namespace quoin::test
