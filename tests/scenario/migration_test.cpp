// SPDX-License-Identifier: MIT
/// Clients that change their address, in virtual time: what survives, what is told, and what is
/// refused.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/quic/path.hpp>
#include <quoin/streaming.hpp>

#include "support/plain_world.hpp"
#include "support/shorthand.hpp"
#include "support/upload_world.hpp"

using namespace quoin;
using namespace std::chrono_literals;
using quoin::test::address;
using quoin::test::PlainWorld;
using quoin::test::UploadWorld;
using Type = quic::PathEvent::Type;

// RFC 9000 §9.2.
TEST_CASE("50 MiB survive the way from Wi-Fi to 4G and back on one connection") {
  constexpr std::size_t size = 50UL * 1024 * 1024;
  UploadWorld upload(size);
  auto& network = upload.world.network;
  network.link_both("10.0.0.2", "10.0.0.1",
                    {.delay = 5ms, .loss = 0.001, .mtu = 1500, .bits_per_second = 100'000'000});
  network.link_both("10.0.0.3", "10.0.0.1",
                    {.delay = 35ms, .loss = 0.005, .mtu = 1400, .bits_per_second = 50'000'000});
  // A connection ID must not be seen on two paths.
  std::map<std::string, std::set<Address>> seen;
  network.tap([&](const io::Observation& observation) {
    const Bytes payload = observation.datagram.payload;
    const Path& path = observation.datagram.path;
    if (path.remote.host() != "10.0.0.1" || (std::to_integer<unsigned>(payload[0]) & 0x80U) != 0) {
      return;
    }
    seen[std::string{as_text(payload.subspan(1, 12))}].insert(path.local);
  });
  const auto run_to = [&](std::size_t bytes) {
    return upload.world.run_until([&] { return upload.received >= bytes; }, 5min);
  };
  REQUIRE(run_to(size / 5));
  REQUIRE(upload.client.migrate(address("10.0.0.3:0")));
  REQUIRE(run_to(size / 5 * 3));
  CHECK(upload.client.path().local.host() == "10.0.0.3");
  REQUIRE(upload.client.migrate(address("10.0.0.2:0")));
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 1min));
  CHECK(upload.same);
  CHECK(upload.received == upload.size);
  CHECK(upload.handshakes == 1);
  CHECK(upload.count(Type::changed) == 2);
  CHECK(upload.count(Type::failed) == 0);
  CHECK(upload.count(Type::mtu) >= 3);
  CHECK(upload.client.path().local.host() == "10.0.0.2");
  CHECK(upload.server.path().remote == upload.client.path().local);
  CHECK(seen.size() >= 3);
  for (const auto& [cid, locals] : seen) CHECK(locals.size() == 1);
}

// RFC 9000 §17.1, §A.3.
TEST_CASE("a slow path is found beside a fast one, whichever way the data go") {
  // While a probe is on its way by the slow path, hundreds of packets could overtake it.
  const bool download = GENERATE(false, true);
  const Duration delay = GENERATE(Duration{40ms}, Duration{120ms});
  CAPTURE(download, std::chrono::duration_cast<std::chrono::milliseconds>(delay).count());
  UploadWorld upload(0);
  auto& network = upload.world.network;
  network.link_both("10.0.0.2", "10.0.0.1",
                    {.delay = 2ms, .bits_per_second = 200'000'000, .queue = 16});
  network.link_both("10.0.0.3", "10.0.0.1", {.delay = delay, .bits_per_second = 50'000'000});
  REQUIRE(upload.world.run_until([&] { return static_cast<bool>(upload.server); }, 5s));
  std::size_t received = 0;
  const auto count = [&](Stream stream) {
    stream.on_data([&received](Bytes chunk, bool) {
      received += chunk.size();
      return chunk.size();
    });
  };
  upload.client.on_stream(count);
  upload.server.on_stream(count);
  const Stream stream = (download ? upload.server : upload.client).open_stream(false).value();
  stream.source([](std::span<std::byte> room) -> Filled { return {.bytes = room.size()}; });
  REQUIRE(upload.world.run_until([&] { return received > 2'000'000; }, 5s));

  REQUIRE(upload.client.migrate(address("10.0.0.3:0")));
  REQUIRE(upload.world.run_until([&] { return upload.count(Type::changed) == 1; }, 4s));

  CHECK(upload.count(Type::failed) == 0);
  CHECK(upload.client.path().local.host() == "10.0.0.3");
  const std::size_t at_first = received;
  CHECK(upload.world.run_until([&] { return received > at_first + 2'000'000; }, 10s));
}

TEST_CASE("a client can move in the first moments of a connection") {
  // While nothing more than 1200 bytes is known to get through, a probe of a path is as large as a
  // full packet; data that waits must not be sent behind it.
  const Duration after = GENERATE(0us, 300us, 1ms, 30ms);
  INFO(std::chrono::duration_cast<std::chrono::microseconds>(after).count() << " us");
  UploadWorld upload(1000);
  auto& network = upload.world.network;
  for (const char* client : {"10.0.0.2", "10.0.0.3"}) {
    network.link_both(client, "10.0.0.1", {.delay = 100us, .mtu = 1240});
  }
  bool only_probes = true;
  network.tap([&](const io::Observation& seen) {
    const bool is_new = seen.datagram.path.local.host() == "10.0.0.3";
    if (is_new && upload.count(Type::validated) == 0) {
      only_probes = only_probes && seen.datagram.payload.size() == 1200;
    }
  });
  std::move_only_function<void()> move = [&] {
    if (upload.client.migrate(address("10.0.0.3:0"))) {
      const Stream stream = upload.client.open_stream(false).value();
      CHECK(stream.write(as_bytes("more"), true) == 4);
    } else {
      upload.world.client.after(50us, [&] { move(); });
    }
  };
  upload.world.client.after(after, [&] { move(); });
  REQUIRE(upload.world.run_until([&] { return upload.count(Type::changed) == 1; }, 100ms));
  CHECK(only_probes);
  CHECK(upload.count(Type::failed) == 0);
  CHECK(upload.client.path().local.host() == "10.0.0.3");
}

// RFC 9000 §8.2.
TEST_CASE("a path on which nobody answers is not used, and said to have failed") {
  UploadWorld upload(2'000'000);
  upload.world.network.link_both("10.0.0.3", "10.0.0.1", {.down = true});
  upload.world.client.after(50ms, [&] { REQUIRE(upload.client.migrate(address("10.0.0.3:0"))); });
  REQUIRE(upload.world.run_until([&] { return upload.count(Type::failed) == 1; }, 10s));
  CHECK(upload.client.path().local.host() == "10.0.0.2");
  CHECK(upload.count(Type::changed) == 0);
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 30s));
  CHECK(upload.same);
  // It works again and can be used after all.
  upload.world.network.link_both("10.0.0.3", "10.0.0.1", {});
  REQUIRE(upload.client.migrate(address("10.0.0.3:0")).has_value());
  REQUIRE(upload.world.run_until([&] { return upload.count(Type::changed) == 1; }, 10s));
  CHECK(upload.client.path().local.host() == "10.0.0.3");
  CHECK_FALSE(upload.closed.has_value());
}

// RFC 9000 §9.3.
TEST_CASE("a NAT that forgets a client moves it without its knowing, and the server is told") {
  const bool address_too = GENERATE(false, true);
  UploadWorld upload(2'000'000);
  auto& network = upload.world.network;
  network.nat("10.0.0.2", "203.0.113.1");
  UploadWorld::Events at_server;
  upload.watch_server(at_server);
  const Address before = upload.server.path().remote;
  network.after(50ms, [&] {
    address_too ? network.rebind("10.0.0.2", "203.0.113.2") : network.rebind("10.0.0.2");
  });
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 10s));
  CHECK(upload.same);
  CHECK(upload.handshakes == 1);
  CHECK(upload.count(Type::changed) == 0);
  CHECK(UploadWorld::count(at_server, Type::changed) >= 1);
  CHECK(UploadWorld::count(at_server, Type::validated) >= 1);
  CHECK(upload.server.path().remote != before);
}

TEST_CASE("a client may migrate while its server looks into what its NAT has done") {
  UploadWorld upload(1'000'000);
  auto& network = upload.world.network;
  for (const char* client : {"10.0.0.2", "203.0.113.1", "10.0.0.3"}) {
    network.link_both(client, "10.0.0.1", {.delay = 50ms, .bits_per_second = 20'000'000});
  }
  network.nat("10.0.0.2", "203.0.113.1");
  network.after(200ms, [&] { network.rebind("10.0.0.2"); });
  upload.world.client.after(290ms, [&] { REQUIRE(upload.client.migrate(address("10.0.0.3:0"))); });
  REQUIRE(upload.world.run_until([&] { return upload.done || upload.closed; }, 30s));
  network.run_for(1s);
  CHECK_FALSE(upload.closed.has_value());
  CHECK(upload.same);
  CHECK(upload.count(Type::changed) == 1);
  CHECK(upload.client.path().local.host() == "10.0.0.3");
}

TEST_CASE("the sockets that migrations leave behind are closed") {
  UploadWorld upload(100'000);
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 5s));
  std::vector<Address> used;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(upload.client.migrate(address(i % 2 == 0 ? "10.0.0.3:0" : "10.0.0.2:0")));
    upload.world.network.run_for(2s);
    used.push_back(upload.client.path().local);
  }
  CHECK(upload.count(Type::changed) == 5);
  io::Backend& backend = upload.world.client.backend();
  // In use: the latest, and the one before until the next migration.
  for (std::size_t i = 0; i < used.size(); ++i) {
    CHECK(backend.open(used[i]).has_value() == (i + 2 < used.size()));
  }
}

TEST_CASE("a server that forbids migration is obeyed, with an error that says so") {
  quic::Config config = PlainWorld::settings();
  config.disable_active_migration = true;
  UploadWorld upload(100'000, config);
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 5s));
  const Result<> moved = upload.client.migrate(address("10.0.0.3:0"));
  REQUIRE_FALSE(moved.has_value());
  CHECK(moved.error() == Error{UsageError::unsupported});
  CHECK(moved.error().detail().contains("forbids"));
  CHECK_FALSE(upload.closed.has_value());
}

TEST_CASE("migration to where one is, or to another family, is refused by name") {
  UploadWorld upload(100'000);
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 5s));
  upload.world.network.add_address("10.0.0.2", "2001:db8::2");
  CHECK(upload.client.migrate(address("[2001:db8::2]:0")).error() ==
        Error{UsageError::invalid_argument});
}

TEST_CASE("when the network has changed a client goes on from the new address") {
  UploadWorld upload(3'000'000);
  upload.world.client.after(60ms, [&] { REQUIRE(upload.client.network_changed().has_value()); });
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 30s));
  CHECK(upload.same);
  CHECK(upload.count(Type::changed) == 1);
}

// RFC 9000 §9.6.
TEST_CASE("a client moves to the server's preferred address unless it was told not to") {
  const bool moves = GENERATE(true, false);
  quic::Config config = PlainWorld::settings();
  config.preferred_ipv4 = address("10.0.0.9:4434");
  config.use_preferred_address = moves;
  UploadWorld upload(0, config);
  upload.world.network.add_address("10.0.0.1", "10.0.0.9");
  REQUIRE(upload.world.listener.listen("10.0.0.9:4434").has_value());
  REQUIRE(upload.world.run_until([&] { return upload.done; }, 5s));
  upload.world.network.run_for(1s);
  CHECK(upload.client.path().remote == address(moves ? "10.0.0.9:4434" : "10.0.0.1:4433"));
  CHECK(upload.count(Type::changed) == (moves ? 1 : 0));
  CHECK_FALSE(upload.closed.has_value());
}

TEST_CASE("a preferred address of the wrong family is refused by name") {
  quic::Config config = PlainWorld::settings();
  config.preferred_ipv4 = address("[2001:db8::1]:443");
  const Result<> valid = config.validate();
  REQUIRE_FALSE(valid.has_value());
  CHECK(valid.error().detail().contains("preferred_ipv4"));
}
