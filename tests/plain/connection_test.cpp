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

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>

#include "support/pair.hpp"
#include "support/plain_world.hpp"

namespace {

using namespace std::chrono_literals;
namespace quic = quoin::quic;
using quoin::Bytes;
using quoin::Connection;
using quoin::Error;
using quoin::Listener;
using quoin::LocalError;
using quoin::Result;
using quoin::Stream;
using quoin::Tls;
using quoin::UsageError;
using quoin::test::pattern;
using quoin::test::PlainWorld;

/// Notes its own destruction, as what a handler has captured.
struct Witness {
  explicit Witness(int& counter) : alive(&counter) { ++counter; }

  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  ~Witness() { --*alive; }

  int* alive;
};

TEST_CASE("code and reason of close() reach the other side, streams first") {
  PlainWorld world;
  std::string order;
  std::optional<Error> reason;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      stream.on_data([](Bytes chunk, bool) { return chunk.size(); });
      stream.on_closed([&](const Error&) { order += "stream "; });
    });
    connection.on_closed([&](const Error& why) {
      order += "connection";
      reason = why;
    });
  });
  Connection client;
  std::optional<Error> own;
  world.connect([&](Connection connection) {
    client = connection;
    connection.on_closed([&](const Error& why) { own = why; });
    (void)connection.open_stream().value().write(quoin::as_bytes("x"));
    world.client.after(100ms, [connection] { connection.close(7, "enough"); });
  });
  REQUIRE(world.run_until([&] { return reason && own; }, 5s));
  CHECK(*reason == Error{Error::Domain::application, 7});
  CHECK(reason->detail() == "enough");
  CHECK(*own == *reason);
  CHECK(order == "stream connection");
  CHECK_FALSE(client);
}

TEST_CASE("handles of what is gone are found out") {
  PlainWorld world;
  world.listener.on_connection([](Connection) {});
  Connection connection;
  Stream stream;
  world.connect([&](Connection connected) {
    connection = connected;
    stream = connected.open_stream().value();
    CHECK(stream.connection() == connected);
    CHECK(static_cast<std::int64_t>(stream.id()) == 0);
    connected.close(0);
  });
  REQUIRE(world.run_until([&] { return stream.handle() != quoin::Handle{} && !stream; }, 5s));
  CHECK_FALSE(connection);
  CHECK(stream.id() == quoin::quic::no_stream);
  CHECK(stream.write(quoin::as_bytes("x"), true) == 0);
  CHECK_FALSE(stream.write_shared(quoin::SharedBytes{std::string{"x"}}));
  CHECK(stream.room() == 0);
  CHECK_FALSE(stream.connection());
  stream.on_data([](Bytes, bool) -> std::size_t { return 0; });
  stream.source([](std::span<std::byte>) { return quoin::Filled{}; });
  stream.resume();
  stream.reset(1);
  stream.stop_sending(1);
  CHECK(connection.open_stream().error() == Error{UsageError::stale_handle});
  CHECK(connection.send_datagram({}).error() == Error{UsageError::stale_handle});
  CHECK(connection.migrate({}).error() == Error{UsageError::stale_handle});
  CHECK(connection.path() == quoin::Path{});
  CHECK(connection.max_datagram_size() == 0);
  connection.close(1);
}

TEST_CASE("handlers are destroyed with their stream and their connection") {
  int alive = 0;
  PlainWorld world;
  bool closed = false;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      auto witness = std::make_shared<Witness>(alive);
      stream.on_data(
          [stream, witness](Bytes chunk, bool last) { return stream.write(chunk, last); });
      stream.on_closed([&, witness](const Error&) { closed = true; });
    });
    connection.on_datagram([witness = std::make_shared<Witness>(alive)](Bytes) {});
  });
  Connection client;
  world.connect([&](Connection connection) {
    client = connection;
    const Stream stream = connection.open_stream().value();
    stream.on_data([](Bytes chunk, bool) { return chunk.size(); });
    (void)stream.write(quoin::as_bytes("x"), true);
  });
  REQUIRE(world.run_until([&] { return closed; }, 5s));
  CHECK(alive == 1);
  client.close(0);
  CHECK(world.run_until([&] { return alive == 0; }, 5s));
}

TEST_CASE("what a handler has captured finds the stream gone when it is destroyed with it") {
  PlainWorld world;
  world.listener.on_connection([](Connection) {});
  std::optional<bool> there;
  world.connect([&](Connection connection) {
    const Stream stream = connection.open_stream().value();
    // Destroyed by the handler's destructor alone: nobody else has it.
    const std::shared_ptr<const void> captured{&there, [&there, stream](const void*) {
                                                 there = static_cast<bool>(stream);
                                                 stream.reset(1);
                                               }};
    stream.on_writable([captured] {});
    connection.close(0);
  });
  REQUIRE(world.run_until([&] { return there.has_value(); }, 5s));
  CHECK_FALSE(*there);
}

TEST_CASE("a handler may destroy the server it was called by") {
  PlainWorld world;
  auto doomed = std::make_unique<Listener>(world.server, world.tls, PlainWorld::settings());
  REQUIRE(doomed->listen("10.0.0.1:5000").has_value());
  std::string heard;
  const std::string_view where = GENERATE("connection", "stream", "data", "writer", "close");
  CAPTURE(where);
  const auto destroy_at = [&](std::string_view place) {
    if (where == place) doomed.reset();
  };
  doomed->on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      stream.on_closed([&](const Error&) { destroy_at("close"); });
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
                       [&](Result<Connection> connection) {
                         REQUIRE(connection.has_value());
                         connection->on_closed([&](const Error& why) { reason = why; });
                         const Stream stream = connection->open_stream().value();
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
  PlainWorld world;
  std::optional<Error> reason;
  world.listener.on_connection([&](Connection connection) {
    connection.on_closed([&](const Error& why) { reason = why; });
    (void)connection.open_stream().value().write(quoin::as_bytes("x"));
  });
  auto doomed = std::make_unique<quoin::Dialer>(
      world.client, Tls::client_from_pem(world.tls.certificate_pem()).value(),
      PlainWorld::settings());
  REQUIRE(doomed
              ->connect("10.0.0.1:4433", "localhost",
                        [&](Result<Connection> connection) {
                          connection.value().on_stream([&](Stream) { doomed.reset(); });
                        })
              .has_value());
  REQUIRE(world.run_until([&] { return reason.has_value(); }, 5s));
  CHECK(doomed == nullptr);
  CHECK(*reason == Error{Error::Domain::application, 0});
}

TEST_CASE("what follows a dialer that its own handler destroyed may have its address at once") {
  PlainWorld world;
  world.listener.on_connection([](Connection) {});
  const Tls trust = Tls::client_from_pem(world.tls.certificate_pem()).value();
  const quoin::Address local = quoin::Address::parse("10.0.0.2:6000").value();
  auto first = std::make_unique<quoin::Dialer>(world.client, trust, PlainWorld::settings());
  std::optional<quoin::Dialer> second;
  Connection moved;
  REQUIRE(first
              ->connect("10.0.0.1:4433", "localhost",
                        [&](Result<Connection> made) { moved = made.value(); })
              .has_value());
  REQUIRE(world.run_until([&] { return static_cast<bool>(moved); }, 5s));
  world.network.run_for(1s);
  REQUIRE(moved.migrate(local).has_value());
  std::optional<bool> connected;
  moved.on_path([&](const quic::PathEvent&) {
    if (second) return;
    first.reset();
    second.emplace(world.client, trust, PlainWorld::settings());
    second->bind(local);
    REQUIRE(second
                ->connect("10.0.0.1:4433", "localhost",
                          [&](Result<Connection> made) { connected = made.has_value(); })
                .has_value());
  });
  REQUIRE(world.run_until([&] { return connected.has_value(); }, 15s));
  CHECK(*connected);
}

TEST_CASE("a handler may connect again when its connection ends") {
  PlainWorld world;
  world.listener.on_connection([](Connection connection) { connection.close(1); });
  int ended = 0;
  std::function<void()> again = [&] {
    world.connect([&](Connection connection) {
      connection.on_closed([&](const Error&) {
        if (++ended < 5) again();
      });
    });
  };
  again();
  CHECK(world.run_until([&] { return ended == 5; }, 10s));
}

TEST_CASE("a server that goes says good-bye") {
  PlainWorld world;
  std::optional<Error> reason;
  auto other = std::make_unique<Listener>(world.server, world.tls, PlainWorld::settings());
  REQUIRE(other->listen("10.0.0.1:5000").has_value());
  bool connected = false;
  REQUIRE(world.dialer
              .connect("10.0.0.1:5000", "localhost",
                       [&](Result<Connection> connection) {
                         connected = true;
                         connection.value().on_closed([&](const Error& why) { reason = why; });
                       })
              .has_value());
  REQUIRE(world.run_until([&] { return connected; }, 5s));
  other.reset();
  REQUIRE(world.run_until([&] { return reason.has_value(); }, 1s));
  CHECK(*reason == Error{Error::Domain::application, 0});
}

TEST_CASE("datagrams go both ways") {
  auto config = PlainWorld::settings();
  config.max_datagram_frame = 1200;
  PlainWorld world{1, config};
  world.listener.on_connection([](Connection connection) {
    connection.on_datagram([connection](Bytes data) { (void)connection.send_datagram(data); });
  });
  std::string answer;
  world.connect([&](Connection connection) {
    CHECK(connection.max_datagram_size() > 1000);
    connection.on_datagram([&](Bytes data) { answer = quoin::as_text(data); });
    CHECK(connection.send_datagram(quoin::as_bytes("ping")).has_value());
    CHECK(connection.send_datagram(quoin::as_bytes(std::string(3000, 'x'))).error() ==
          Error{UsageError::too_large});
  });
  CHECK(world.run_until([&] { return answer == "ping"; }, 5s));
}

TEST_CASE("a sender is told which datagrams arrived, which were lost and which never left") {
  auto config = PlainWorld::settings();
  config.max_datagram_frame = 1200;
  config.datagram_queue = 4;
  config.datagram_policy = quic::DatagramPolicy::drop_oldest;
  PlainWorld world{1, config};
  std::vector<std::string> arrived;
  world.listener.on_connection([&](Connection connection) {
    connection.on_datagram([&](Bytes data) { arrived.emplace_back(quoin::as_text(data)); });
  });
  std::map<quic::DatagramFate, std::vector<quic::DatagramId>> fates;
  bool is_inside = false;
  Connection sender;
  world.connect([&](Connection connection) {
    sender = connection;
    connection.on_datagram_fate([&](quic::DatagramId id, quic::DatagramFate fate) {
      CHECK_FALSE(is_inside);
      fates[fate].push_back(id);
    });
    is_inside = true;
    for (const char* text : {"a", "b", "c", "d", "e", "f"}) {
      CHECK(connection.send_datagram(quoin::as_bytes(text)).has_value());
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
  PlainWorld world;
  world.network.add_address("10.0.0.2", "10.0.0.3");
  std::string heard;
  bool is_last = false;
  Connection server;
  world.listener.on_connection([&](Connection connection) {
    server = connection;
    connection.on_stream([&](Stream stream) {
      stream.on_data([&](Bytes chunk, bool last) {
        heard += quoin::as_text(chunk);
        is_last = last;
        return chunk.size();
      });
    });
  });
  const std::string text = pattern(2'000'000);
  world.connect([&](Connection connection) {
    const Stream stream = connection.open_stream(false).value();
    stream.source([&, offset = std::size_t{0}](std::span<std::byte> room) mutable -> quoin::Filled {
      const std::size_t size = std::min(room.size(), text.size() - offset);
      std::ranges::copy(quoin::as_bytes(text).subspan(offset, size), room.begin());
      offset += size;
      return {.bytes = size, .last = offset == text.size()};
    });
    world.client.after(100ms, [connection] {
      const auto moved = connection.migrate(quoin::Address::parse("10.0.0.3:0").value());
      CHECK(moved.has_value());
    });
  });
  REQUIRE(world.run_until([&] { return is_last; }, 30s));
  CHECK(heard == text);
  CHECK(server.path().remote.host() == "10.0.0.3");
}

TEST_CASE("only a client can migrate") {
  PlainWorld world;
  std::optional<Error> refused;
  world.listener.on_connection([&](Connection connection) {
    refused = connection.migrate(quoin::Address::parse("10.0.0.1:9").value()).error();
  });
  world.connect([](Connection) {});
  REQUIRE(world.run_until([&] { return refused.has_value(); }, 5s));
  CHECK(*refused == Error{UsageError::unsupported});
}

TEST_CASE("a connection that cannot be made says why") {
  PlainWorld world;
  const auto fail = [&](std::string_view address, std::string_view name) {
    std::optional<Error> reason;
    const auto begun = world.dialer.connect(address, name, [&](Result<Connection> connection) {
      REQUIRE_FALSE(connection.has_value());
      reason = connection.error();
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
  PlainWorld world;
  const auto unused = [](Result<Connection>) { FAIL("called although connect() has failed"); };
  CHECK(world.dialer.connect("nowhere", "", unused).error().detail().contains("nowhere"));
  CHECK(world.listener.listen("10.0.0.1").error() == Error{UsageError::invalid_argument});
  CHECK(world.listener.listen("10.9.9.9:1").error().domain() == Error::Domain::system);
  CHECK(world.listener.listen("10.0.0.1:4433").error().domain() == Error::Domain::system);
  Listener mute{world.server, world.tls, {}};
  CHECK(mute.listen("10.0.0.1:6000").error().detail().contains("alpn"));
  Listener client_tls{world.server, Tls::insecure_client(), PlainWorld::settings()};
  CHECK(client_tls.listen("10.0.0.1:6000").error() == Error{UsageError::invalid_argument});
}

TEST_CASE("a listener that stopped accepting refuses strangers and keeps its connections") {
  PlainWorld world;
  std::string heard;
  world.listener.on_connection([&](Connection connection) {
    connection.on_datagram([](Bytes) {});
    connection.on_stream([&](Stream stream) {
      stream.on_data([&](Bytes chunk, bool) {
        heard += quoin::as_text(chunk);
        return chunk.size();
      });
    });
  });
  Connection old;
  world.connect([&](Connection connection) { old = connection; });
  REQUIRE(world.run_until([&] { return static_cast<bool>(old); }, 5s));
  world.listener.stop_accepting();
  std::optional<Error> refused;
  REQUIRE(world.dialer
              .connect("10.0.0.1:4433", "localhost",
                       [&](Result<Connection> connection) { refused = connection.error(); })
              .has_value());
  REQUIRE(world.run_until([&] { return refused.has_value(); }, 5s));
  CHECK(*refused == Error{quoin::TransportError::connection_refused});
  (void)old.open_stream().value().write(quoin::as_bytes("still here"), true);
  CHECK(world.run_until([&] { return heard == "still here"; }, 5s));
  CHECK(world.listener.stats().connections == 1);
}

}  // namespace
