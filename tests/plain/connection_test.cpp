// SPDX-License-Identifier: MIT
/// Listener and Dialer over the simulated network: how connections begin, move and end, and what
/// handlers may destroy.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
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

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/peer.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>

#include "support/pair.hpp"
#include "support/plain_world.hpp"

namespace {

using namespace std::chrono_literals;
namespace quic = quoin::quic;
using quoin::Bytes;
using quoin::Error;
using quoin::Listener;
using quoin::LocalError;
using quoin::Peer;
using quoin::Result;
using quoin::Stream;
using quoin::Tls;
using quoin::UsageError;
using quoin::test::pattern;
using quoin::test::RawWorld;

/// Notes its own destruction, as what a handler has captured.
struct Witness {
  explicit Witness(int& counter) : alive(&counter) { ++counter; }

  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  ~Witness() { --*alive; }

  int* alive;
};

TEST_CASE("code and reason of close() reach the other side, streams first") {
  RawWorld world;
  std::string order;
  std::optional<Error> reason;
  world.listener.on_connection([&](Peer peer) {
    peer.on_stream([&](Stream stream) {
      stream.on_data([](Bytes chunk, bool) { return chunk.size(); });
      stream.on_close([&](const Error&) { order += "stream "; });
    });
    peer.on_closed([&](const Error& why) {
      order += "connection";
      reason = why;
    });
  });
  Peer client;
  std::optional<Error> own;
  world.connect([&](Peer peer) {
    client = peer;
    peer.on_closed([&](const Error& why) { own = why; });
    (void)peer.open_stream().value().write(quoin::as_bytes("x"));
    world.client.after(100ms, [peer] { peer.close(7, "enough"); });
  });
  REQUIRE(world.run_until([&] { return reason && own; }, 5s));
  CHECK(*reason == Error{Error::Domain::application, 7});
  CHECK(reason->detail() == "enough");
  CHECK(*own == *reason);
  CHECK(order == "stream connection");
  CHECK_FALSE(client);
}

TEST_CASE("handles of what is gone are found out") {
  RawWorld world;
  world.listener.on_connection([](Peer) {});
  Peer peer;
  Stream stream;
  world.connect([&](Peer connected) {
    peer = connected;
    stream = connected.open_stream().value();
    CHECK(stream.peer() == connected);
    CHECK(static_cast<std::int64_t>(stream.id()) == 0);
    connected.close(0);
  });
  REQUIRE(world.run_until([&] { return stream.handle() != quoin::Handle{} && !stream; }, 5s));
  CHECK_FALSE(peer);
  CHECK(stream.id() == quoin::quic::no_stream);
  CHECK(stream.write(quoin::as_bytes("x"), true) == 0);
  CHECK_FALSE(stream.write_shared(quoin::SharedBytes{std::string{"x"}}));
  CHECK(stream.room() == 0);
  CHECK_FALSE(stream.peer());
  stream.on_data([](Bytes, bool) -> std::size_t { return 0; });
  stream.source([](std::span<std::byte>) { return quoin::Filled{}; });
  stream.resume();
  stream.reset(1);
  stream.stop_sending(1);
  CHECK(peer.open_stream().error() == Error{UsageError::stale_handle});
  CHECK(peer.send_datagram({}).error() == Error{UsageError::stale_handle});
  CHECK(peer.migrate({}).error() == Error{UsageError::stale_handle});
  CHECK(peer.path() == quoin::Path{});
  CHECK(peer.max_datagram_size() == 0);
  peer.close(1);
}

TEST_CASE("handlers are destroyed with their stream and their connection") {
  int alive = 0;
  RawWorld world;
  bool closed = false;
  world.listener.on_connection([&](Peer peer) {
    peer.on_stream([&](Stream stream) {
      auto witness = std::make_shared<Witness>(alive);
      stream.on_data(
          [stream, witness](Bytes chunk, bool last) { return stream.write(chunk, last); });
      stream.on_close([&, witness](const Error&) { closed = true; });
    });
    peer.on_datagram([witness = std::make_shared<Witness>(alive)](Bytes) {});
  });
  Peer client;
  world.connect([&](Peer peer) {
    client = peer;
    const Stream stream = peer.open_stream().value();
    stream.on_data([](Bytes chunk, bool) { return chunk.size(); });
    (void)stream.write(quoin::as_bytes("x"), true);
  });
  REQUIRE(world.run_until([&] { return closed; }, 5s));
  CHECK(alive == 1);
  client.close(0);
  CHECK(world.run_until([&] { return alive == 0; }, 5s));
}

TEST_CASE("a handler may destroy the server it was called by") {
  RawWorld world;
  auto doomed = std::make_unique<Listener>(world.server, world.tls, RawWorld::settings());
  REQUIRE(doomed->listen("10.0.0.1:5000").has_value());
  std::string heard;
  const std::string_view where = GENERATE("connection", "stream", "data", "writer", "close");
  CAPTURE(where);
  const auto destroy_at = [&](std::string_view place) {
    if (where == place) doomed.reset();
  };
  doomed->on_connection([&](Peer peer) {
    peer.on_stream([&](Stream stream) {
      stream.on_close([&](const Error&) { destroy_at("close"); });
      stream.source([&](std::span<std::byte> room) -> quoin::Filled {
        destroy_at("writer");
        std::ranges::fill(room, std::byte{'w'});  // still there
        return {.bytes = room.size(), .last = true};
      });
      stream.on_data([&, stream](Bytes chunk, bool) {
        destroy_at("data");
        heard += quoin::as_text(chunk);  // still there
        stream.resume();
        return chunk.size();
      });
      destroy_at("stream");
    });
    destroy_at("connection");
  });
  std::optional<Error> reason;
  REQUIRE(world.dialer
              .connect("10.0.0.1:5000", "localhost",
                       [&](Result<Peer> peer) {
                         REQUIRE(peer.has_value());
                         peer->on_closed([&](const Error& why) { reason = why; });
                         const Stream stream = peer->open_stream().value();
                         stream.on_data([](Bytes chunk, bool) { return chunk.size(); });
                         (void)stream.write(quoin::as_bytes("hello"), true);
                       })
              .has_value());
  REQUIRE(world.run_until([&] { return reason.has_value(); }, 10s));
  CHECK(doomed == nullptr);
  CHECK(*reason == Error{Error::Domain::application, 0});
  if (where == "data") CHECK(heard == "hello");
}

TEST_CASE("a handler may destroy the client it was called by") {
  RawWorld world;
  std::optional<Error> reason;
  world.listener.on_connection([&](Peer peer) {
    peer.on_closed([&](const Error& why) { reason = why; });
    (void)peer.open_stream().value().write(quoin::as_bytes("x"));
  });
  auto doomed = std::make_unique<quoin::Dialer>(
      world.client, Tls::client_from_pem(world.tls.certificate_pem()).value(),
      RawWorld::settings());
  REQUIRE(doomed
              ->connect("10.0.0.1:4433", "localhost",
                        [&](Result<Peer> peer) {
                          peer.value().on_stream([&](Stream) { doomed.reset(); });
                        })
              .has_value());
  REQUIRE(world.run_until([&] { return reason.has_value(); }, 5s));
  CHECK(doomed == nullptr);
  CHECK(*reason == Error{Error::Domain::application, 0});
}

TEST_CASE("a handler may connect again when its connection ends") {
  RawWorld world;
  world.listener.on_connection([](Peer peer) { peer.close(1); });
  int ended = 0;
  std::function<void()> again = [&] {
    world.connect([&](Peer peer) {
      peer.on_closed([&](const Error&) {
        if (++ended < 5) again();
      });
    });
  };
  again();
  CHECK(world.run_until([&] { return ended == 5; }, 10s));
}

TEST_CASE("a server that goes says good-bye") {
  RawWorld world;
  std::optional<Error> reason;
  auto other = std::make_unique<Listener>(world.server, world.tls, RawWorld::settings());
  REQUIRE(other->listen("10.0.0.1:5000").has_value());
  bool connected = false;
  REQUIRE(world.dialer
              .connect("10.0.0.1:5000", "localhost",
                       [&](Result<Peer> peer) {
                         connected = true;
                         peer.value().on_closed([&](const Error& why) { reason = why; });
                       })
              .has_value());
  REQUIRE(world.run_until([&] { return connected; }, 5s));
  other.reset();
  REQUIRE(world.run_until([&] { return reason.has_value(); }, 1s));
  CHECK(*reason == Error{Error::Domain::application, 0});
}

TEST_CASE("datagrams go both ways") {
  auto config = RawWorld::settings();
  config.max_datagram_frame = 1200;
  RawWorld world{1, config};
  world.listener.on_connection(
      [](Peer peer) { peer.on_datagram([peer](Bytes data) { (void)peer.send_datagram(data); }); });
  std::string answer;
  world.connect([&](Peer peer) {
    CHECK(peer.max_datagram_size() > 1000);
    peer.on_datagram([&](Bytes data) { answer = quoin::as_text(data); });
    CHECK(peer.send_datagram(quoin::as_bytes("ping")).has_value());
    CHECK(peer.send_datagram(quoin::as_bytes(std::string(3000, 'x'))).error() ==
          Error{UsageError::too_large});
  });
  CHECK(world.run_until([&] { return answer == "ping"; }, 5s));
}

TEST_CASE("a sender is told which datagrams arrived, which were lost and which never left") {
  auto config = RawWorld::settings();
  config.max_datagram_frame = 1200;
  config.datagram_queue = 4;
  config.datagram_policy = quic::DatagramPolicy::drop_oldest;
  RawWorld world{1, config};
  std::vector<std::string> arrived;
  world.listener.on_connection([&](Peer peer) {
    peer.on_datagram([&](Bytes data) { arrived.emplace_back(quoin::as_text(data)); });
  });
  std::map<quic::DatagramFate, std::vector<quic::DatagramId>> fates;
  bool is_inside = false;
  Peer sender;
  world.connect([&](Peer peer) {
    sender = peer;
    peer.on_datagram_fate([&](quic::DatagramId id, quic::DatagramFate fate) {
      CHECK_FALSE(is_inside);
      fates[fate].push_back(id);
    });
    is_inside = true;
    for (const char* text : {"a", "b", "c", "d", "e", "f"}) {
      CHECK(peer.send_datagram(quoin::as_bytes(text)).has_value());
    }
    is_inside = false;
  });
  using enum quic::DatagramFate;
  REQUIRE(world.run_until([&] { return fates[acknowledged].size() == 4; }, 5s));
  CHECK(arrived == std::vector<std::string>{"c", "d", "e", "f"});
  CHECK(fates[dropped] == std::vector{quic::DatagramId{0}, quic::DatagramId{1}});
  CHECK(fates[lost].empty());
  CHECK(sender.stats().datagrams_dropped == 2);
  CHECK(sender.stats().datagrams_sent == 4);
}

TEST_CASE("a transfer goes on while the client moves to another address") {
  RawWorld world;
  world.network.add_address("10.0.0.2", "10.0.0.3");
  std::string heard;
  bool is_last = false;
  Peer server;
  world.listener.on_connection([&](Peer peer) {
    server = peer;
    peer.on_stream([&](Stream stream) {
      stream.on_data([&](Bytes chunk, bool last) {
        heard += quoin::as_text(chunk);
        is_last = last;
        return chunk.size();
      });
    });
  });
  const std::string text = pattern(2'000'000);
  world.connect([&](Peer peer) {
    const Stream stream = peer.open_stream(false).value();
    stream.source([&, offset = std::size_t{0}](std::span<std::byte> room) mutable -> quoin::Filled {
      const std::size_t size = std::min(room.size(), text.size() - offset);
      std::ranges::copy(quoin::as_bytes(text).subspan(offset, size), room.begin());
      offset += size;
      return {.bytes = size, .last = offset == text.size()};
    });
    world.client.after(100ms, [peer] {
      const auto moved = peer.migrate(quoin::Address::parse("10.0.0.3:0").value());
      CHECK(moved.has_value());
    });
  });
  REQUIRE(world.run_until([&] { return is_last; }, 30s));
  CHECK(heard == text);
  CHECK(server.path().remote.host() == "10.0.0.3");
}

TEST_CASE("only a client can migrate") {
  RawWorld world;
  std::optional<Error> refused;
  world.listener.on_connection([&](Peer peer) {
    refused = peer.migrate(quoin::Address::parse("10.0.0.1:9").value()).error();
  });
  world.connect([](Peer) {});
  REQUIRE(world.run_until([&] { return refused.has_value(); }, 5s));
  CHECK(*refused == Error{UsageError::unsupported});
}

TEST_CASE("a connection that cannot be made says why") {
  RawWorld world;
  const auto fail = [&](std::string_view address, std::string_view name) {
    std::optional<Error> reason;
    const auto begun = world.dialer.connect(address, name, [&](Result<Peer> peer) {
      REQUIRE_FALSE(peer.has_value());
      reason = peer.error();
    });
    REQUIRE(begun.has_value());
    REQUIRE(world.run_until([&] { return reason.has_value(); }, 20s));
    return *reason;
  };
  CHECK(fail("10.0.0.1:4433", "elsewhere.example") == Error{LocalError::certificate_name});
  CHECK(fail("10.0.0.1:4433", "") == Error{LocalError::certificate_name});
  CHECK(fail("10.0.0.1:4434", "localhost").domain() == Error::Domain::system);
  world.network.link("10.0.0.2", "10.0.0.1").down = true;
  CHECK(fail("10.0.0.1:4433", "localhost") == Error{LocalError::no_answer});
}

TEST_CASE("wrong addresses and settings are refused by name before anything is sent") {
  RawWorld world;
  const auto unused = [](Result<Peer>) { FAIL("called although connect() has failed"); };
  CHECK(world.dialer.connect("nowhere", "", unused).error().detail().contains("nowhere"));
  CHECK(world.listener.listen("10.0.0.1").error() == Error{UsageError::invalid_argument});
  CHECK(world.listener.listen("10.9.9.9:1").error().domain() == Error::Domain::system);
  CHECK(world.listener.listen("10.0.0.1:4433").error().domain() == Error::Domain::system);
  Listener mute{world.server, world.tls, {}};
  CHECK(mute.listen("10.0.0.1:6000").error().detail().contains("alpn"));
  Listener client_tls{world.server, Tls::insecure_client(), RawWorld::settings()};
  CHECK(client_tls.listen("10.0.0.1:6000").error() == Error{UsageError::invalid_argument});
}

TEST_CASE("a listener that stopped accepting refuses strangers and keeps its connections") {
  RawWorld world;
  std::string heard;
  world.listener.on_connection([&](Peer peer) {
    peer.on_datagram([](Bytes) {});
    peer.on_stream([&](Stream stream) {
      stream.on_data([&](Bytes chunk, bool) {
        heard += quoin::as_text(chunk);
        return chunk.size();
      });
    });
  });
  Peer old;
  world.connect([&](Peer peer) { old = peer; });
  REQUIRE(world.run_until([&] { return static_cast<bool>(old); }, 5s));
  world.listener.stop_accepting();
  std::optional<Error> refused;
  REQUIRE(
      world.dialer
          .connect("10.0.0.1:4433", "localhost", [&](Result<Peer> peer) { refused = peer.error(); })
          .has_value());
  REQUIRE(world.run_until([&] { return refused.has_value(); }, 5s));
  CHECK(*refused == Error{quoin::TransportError::connection_refused});
  (void)old.open_stream().value().write(quoin::as_bytes("still here"), true);
  CHECK(world.run_until([&] { return heard == "still here"; }, 5s));
  CHECK(world.listener.stats().connections == 1);
}

}  // namespace
