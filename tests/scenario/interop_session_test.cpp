// SPDX-License-Identifier: MIT
/// The cases of the public interop runner that are about connections that go on, or are taken up
/// again, in virtual time, under the names they have there.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "support/interop_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t megabyte = 1'000'000;

/// Fetches a file on one connection and three on a second one, and returns the latter.
std::vector<Reply> visit_twice(InteropWorld& world, bool early) {
  std::string saved;
  {
    const std::unique_ptr<Client> first = world.make_client();
    (void)world.fetch_all(*first, {1000});
    world.network.run_for(200ms);  // tickets come after the reply
    saved = first->save_sessions();
  }
  world.network.run_for(5s);
  const std::unique_ptr<Client> second = world.make_client(early);
  REQUIRE(second->load_sessions(as_bytes(saved)).has_value());
  std::vector<Reply> replies = world.fetch_all(*second, {600, 10'000, 500});
  CHECK(second->stats().connections == 1);
  CHECK(second->stats().resumed == 1);
  return replies;
}

}  // namespace

TEST_CASE("interop resumption: a second connection resumes the first one's session") {
  InteropWorld world;
  std::size_t certificates = 0;  // the server's first flight has room for one, or has not
  world.network.tap([&](const io::Observation& seen) {
    const Datagram& datagram = seen.datagram;
    const bool is_long = (datagram.payload.front() & std::byte{0x80}) != std::byte{};
    const bool from_server = datagram.path.local.host() == world.server_ip;
    if (is_long && from_server) certificates += datagram.payload.size();
  });
  const std::vector<Reply> replies = visit_twice(world, false);
  CHECK(certificates > 0);
  REQUIRE(world.connected.size() == 2);
  CHECK_FALSE(world.connected[0].tls.resumed);
  CHECK(world.connected[1].tls.resumed);
  CHECK(std::ranges::none_of(replies, [](const Reply& reply) { return reply.timing.early; }));
  CHECK(replies.front().timing.total > 60ms);  // one round trip for the handshake all the same
}

TEST_CASE("interop zerortt: requests of a second connection go out with its first packets") {
  InteropWorld world{{.server = {.quic = {.early_data = true}}}};
  const std::vector<Reply> replies = visit_twice(world, true);
  CHECK(std::ranges::all_of(replies, [](const Reply& reply) { return reply.timing.early; }));
  // One round trip for what the server may send before it knows the address (RFC 9000 §8.1).
  CHECK(replies.front().timing.total < 60ms);
  REQUIRE(world.connected.size() == 2);
  CHECK(world.connected[1].tls.resumed);
}

TEST_CASE("interop keyupdate: keys change early in a transfer, and both sides follow") {
  InteropWorld world{{.client = {.key_update_after = 200'000}}};
  const std::unique_ptr<Client> client = world.make_client();
  (void)world.fetch_all(*client, {3 * megabyte});
  REQUIRE(client->connections().size() == 1);
  CHECK(client->connections().front().stats.key_updates >= 5);
  CHECK(world.connected.size() == 1);
  CHECK(world.disconnected.empty());
}

TEST_CASE("interop connectionmigration: a download goes on when the client moves to another port") {
  InteropWorld world;
  std::set<std::pair<std::uint16_t, std::string>> seen;  // a port of the client's, and whom it asks
  world.network.intercept([&](const Datagram& datagram) {
    const bool is_short = (datagram.payload.front() & std::byte{0x80}) == std::byte{};
    if (is_short && datagram.path.remote.host() == world.server_ip) {
      seen.emplace(datagram.path.local.port(), as_text(datagram.payload.subspan(1, 12)));
    }
    return true;
  });
  const std::unique_ptr<Client> client = world.make_client();
  world.network.after(1s, [&] {
    CHECK(client->migrate(Address::parse_host(world.client_ip, 0).value()).has_value());
  });
  (void)world.fetch_all(*client, {3 * megabyte});
  std::set<std::uint16_t> ports;
  std::set<std::string> ids;
  for (const auto& [port, id] : seen) {
    ports.insert(port);
    ids.insert(id);
  }
  CHECK(ports.size() == 2);
  CHECK(ids.size() == seen.size());  // no connection ID on two paths
  CHECK(world.connected.size() == 1);
  CHECK(world.disconnected.empty());
}

}  // namespace quoin::test
