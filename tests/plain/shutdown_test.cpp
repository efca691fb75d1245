// SPDX-License-Identifier: MIT
/// The orderly end of listeners and dialers, and the replacement of a listener's certificate.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

#include "support/plain_world.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

const Error nothing_wrong{Error::Domain::application, 0};

/// A listener that keeps what clients do, and one client with a stream that is open.
struct ShutdownWorld : PlainWorld {
  ShutdownWorld() {
    listener.on_connection([this](Connection connection) {
      accepted = connection;
      connection.on_stream([this](Stream incoming) {
        streams += 1;
        served = incoming;
        incoming.on_data([this](Bytes chunk, bool last) {
          heard += as_text(chunk);
          ended = ended || last;
          return chunk.size();
        });
      });
      connection.on_shutdown([this] { told += 1; });
      connection.on_closed([this](const Error& why) {
        CHECK(done == 0);
        reason = why;
      });
    });
    connect([this](Connection connection) {
      dialed = connection;
      stream = connection.open_stream().value();
      stream.on_data([this](Bytes chunk, bool) {
        answer += as_text(chunk);
        return chunk.size();
      });
      CHECK(stream.write(as_bytes("begin ")) == 6);
      connection.on_closed([this](const Error& why) { dialed_reason = why; });
    });
    REQUIRE(run_until([this] { return heard == "begin "; }, 5s));
  }

  void shut_down(Duration limit) {
    listener.shutdown(limit, [this] { done += 1; });
  }

  Connection accepted;
  Connection dialed;
  Stream stream;  ///< the client's
  Stream served;  ///< the server's side of it
  std::string heard;
  std::string answer;
  bool ended = false;
  std::size_t streams = 0;
  int told = 0;
  int done = 0;
  std::optional<Error> reason;
  std::optional<Error> dialed_reason;
};

TEST_CASE("a listener that shuts down lets streams finish, and then closes with code 0") {
  ShutdownWorld world;
  world.shut_down(10s);
  world.network.run_for(2s);
  CHECK(world.told == 1);
  CHECK(world.done == 0);
  CHECK_FALSE(world.reason.has_value());
  CHECK(world.stream.write(as_bytes("end"), true) == 3);
  REQUIRE(world.run_until([&] { return world.ended; }, 1s));
  CHECK(world.heard == "begin end");
  CHECK(world.done == 0);
  CHECK(world.served.write(as_bytes("answer"), true) == 6);
  REQUIRE(world.run_until([&] { return world.done != 0; }, 1s));
  REQUIRE(world.run_until([&] { return world.dialed_reason.has_value(); }, 1s));
  CHECK(world.answer == "answer");
  CHECK(world.reason == nothing_wrong);
  CHECK(world.dialed_reason == nothing_wrong);
  world.network.run_for(1min);
  CHECK(world.done == 1);
  CHECK(world.told == 1);
}

TEST_CASE("a listener that shuts down ends what is left at the limit, which can only get shorter") {
  ShutdownWorld world;
  const bool shorter = GENERATE(false, true);
  CAPTURE(shorter);
  world.shut_down(10s);
  world.listener.shutdown(shorter ? 5s : 1h, [&world] { world.done += 1; });
  const Duration limit = shorter ? 5s : 10s;
  world.network.run_for(limit - 100ms);
  CHECK(world.done == 0);
  CHECK(world.accepted);
  REQUIRE(world.run_until([&] { return world.done == 2; }, 200ms));
  CHECK(world.reason == nothing_wrong);
  REQUIRE(world.run_until([&] { return world.dialed_reason.has_value(); }, 1s));
  CHECK(world.dialed_reason == nothing_wrong);
  CHECK(world.told == 1);
}

TEST_CASE("while a listener shuts down new streams of its peers are refused with code 0") {
  ShutdownWorld world;
  world.shut_down(10s);
  world.network.run_for(1s);
  std::optional<std::uint64_t> refused;
  std::optional<Error> over;
  const Stream late = world.dialed.open_stream().value();
  late.on_reset([&](std::uint64_t code) { refused = code; });
  late.on_closed([&](const Error& why) { over = why; });
  CHECK(late.write(as_bytes("late"), true) == 4);
  REQUIRE(world.run_until([&] { return over.has_value(); }, 2s));
  CHECK(refused == 0);
  CHECK(world.streams == 1);
  CHECK_FALSE(world.dialed_reason.has_value());
}

TEST_CASE("new connections and handshakes end when a listener shuts down") {
  ShutdownWorld world;
  std::optional<Error> failure;
  const auto connect = [&] {
    REQUIRE(world.dialer
                .connect("10.0.0.1:4433", "localhost",
                         [&](const Result<Connection>& connection) {
                           // It may think that it is connected, but not for long.
                           if (!connection) failure = connection.error();
                           if (connection) {
                             connection->on_closed([&](const Error& why) { failure = why; });
                           }
                         })
                .has_value());
  };
  const std::size_t before = world.listener.stats().connections_accepted;
  SECTION("one that is shaking hands") {
    connect();
    REQUIRE(world.run_until(
        [&] { return world.listener.stats().connections_accepted == before + 1; }, 1s));
    world.shut_down(10s);
    REQUIRE(world.run_until([&] { return failure.has_value(); }, 5s));
    CHECK(world.listener.stats().handshakes == 0);
    CHECK(world.told == 1);  // not that one
  }
  SECTION("one that comes later") {
    world.shut_down(10s);
    connect();
    REQUIRE(world.run_until([&] { return failure.has_value(); }, 5s));
    CHECK(world.listener.stats().connections_accepted == before);
    CHECK(world.listener.stats().connections_refused == 1);
  }
  CHECK(world.accepted);
  const Result<Address> late = world.listener.listen("10.0.0.1:4434");
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error() == Error{UsageError::closed});
}

TEST_CASE("a connection without streams is told of the shutdown and may say a last word") {
  ShutdownWorld world;
  const bool speaks = GENERATE(false, true);
  CAPTURE(speaks);
  world.stream.reset(1);
  world.served.reset(1);
  REQUIRE(world.run_until([&] { return !world.served && !world.stream; }, 2s));
  std::string last;
  world.dialed.on_stream([&](Stream stream) {
    stream.on_data([&](Bytes chunk, bool) {
      last += as_text(chunk);
      return chunk.size();
    });
  });
  if (speaks) {
    world.accepted.on_shutdown([&] {
      world.told += 1;
      const Stream word = world.accepted.open_stream(false).value();
      CHECK(word.write(as_bytes("farewell"), true) == 8);
    });
  }
  world.shut_down(10s);
  REQUIRE(world.run_until([&] { return world.done != 0; }, 1s));
  REQUIRE(world.run_until([&] { return world.dialed_reason.has_value(); }, 1s));
  CHECK(world.told == 1);
  CHECK(last == (speaks ? "farewell" : ""));
  CHECK(world.dialed_reason == nothing_wrong);
}

TEST_CASE("a dialer that shuts down finishes its streams and gives up its attempts") {
  ShutdownWorld world;
  int told = 0;
  int done = 0;
  world.dialed.on_shutdown([&] { told += 1; });
  std::optional<Error> attempt;
  REQUIRE(world.dialer
              .connect("10.0.0.9:4433", "localhost",
                       [&](const Result<Connection>& connection) {
                         REQUIRE_FALSE(connection.has_value());
                         attempt = connection.error();
                       })
              .has_value());
  world.network.run_for(100ms);
  world.dialer.shutdown(10s, [&] { done += 1; });
  const Result<> late = world.dialer.connect("10.0.0.1:4433", "localhost", {});
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error() == Error{UsageError::closed});
  world.network.run_for(1s);
  CHECK(attempt == Error{UsageError::closed});
  CHECK(told == 1);
  CHECK(done == 0);
  CHECK(world.stream.write(as_bytes("end"), true) == 3);
  CHECK(world.served.write({}, true) == 0);
  REQUIRE(world.run_until([&] { return done == 1; }, 2s));
  CHECK(world.dialed_reason == nothing_wrong);
  REQUIRE(world.run_until([&] { return world.reason.has_value(); }, 1s));
  CHECK(world.reason == nothing_wrong);
  CHECK(world.heard == "begin end");
  CHECK(world.told == 0);  // it is not the listener that goes
}

TEST_CASE("a shutdown with nothing to end is over in the next turns, before listen() too") {
  io::SimulatedNetwork network{1};
  quic::Config config;
  config.alpn = {"echo"};
  const Tls tls = Tls::self_signed().value();
  Listener listener{network.host("10.0.0.1"), tls, config};
  Dialer dialer{network.host("10.0.0.2"), Tls::client_from_pem(tls.certificate_pem()).value(),
                config};
  if (GENERATE(false, true)) REQUIRE(listener.listen("10.0.0.1:4433").has_value());
  int done = 0;
  listener.shutdown(1h, [&] { done += 1; });
  dialer.shutdown(1h, [&] { done += 1; });
  CHECK(done == 0);  // never inside the call
  REQUIRE(network.run_until([&] { return done == 2; }, 1ms));
  listener.shutdown(0s);
  listener.shutdown(0s, [&] { done += 1; });
  CHECK(network.run_until([&] { return done == 3; }, 1ms));
}

TEST_CASE("who waits for the end of a listener may destroy it, and hears no more then") {
  ShutdownWorld world;
  auto doomed = std::make_unique<Listener>(world.server, world.tls, PlainWorld::settings());
  REQUIRE(doomed->listen("10.0.0.1:5000").has_value());
  const std::string_view where = GENERATE("done", "on_shutdown");
  CAPTURE(where);
  int calls = 0;
  doomed->on_connection([&](Connection connection) {
    connection.on_shutdown([&] {
      if (where == "on_shutdown") doomed.reset();
    });
  });
  std::optional<Error> reason;
  REQUIRE(world.dialer
              .connect("10.0.0.1:5000", "localhost",
                       [&](Result<Connection> connection) {
                         connection.value().on_closed([&](const Error& why) { reason = why; });
                       })
              .has_value());
  REQUIRE(world.run_until([&] { return doomed->stats().handshakes_completed == 1; }, 5s));
  world.network.run_for(1s);
  for (int i = 0; i < 2; ++i) {
    doomed->shutdown(10s, [&] {
      calls += 1;
      doomed.reset();
    });
  }
  REQUIRE(world.run_until([&] { return reason.has_value(); }, 5s));
  CHECK(reason == nothing_wrong);
  CHECK(doomed == nullptr);
  CHECK(calls == (where == "done" ? 1 : 0));
}

TEST_CASE("a listener's new certificate is for new connections, set before listen() or after") {
  io::SimulatedNetwork network{1};
  quic::Config config;
  config.alpn = {"echo"};
  const Tls first = Tls::self_signed().value();
  const Tls second = Tls::self_signed().value();
  const Tls client = Tls::client_from_pem(second.certificate_pem()).value();
  Listener listener{network.host("10.0.0.1"), first, config};
  const bool before = GENERATE(false, true);
  CAPTURE(before);
  if (!before) REQUIRE(listener.listen("10.0.0.1:4433").has_value());
  const Result<> refused = listener.set_tls(client);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() == Error{UsageError::invalid_argument});
  if (before) {
    REQUIRE(listener.set_tls(second).has_value());
    CHECK_FALSE(listener.set_tls(client).has_value());  // and the second one stays
    REQUIRE(listener.listen("10.0.0.1:4433").has_value());
  }
  Dialer dialer{network.host("10.0.0.2"), client, config};
  const auto connects = [&] {
    std::optional<bool> connected;
    REQUIRE(dialer
                .connect("10.0.0.1:4433", "localhost",
                         [&](const Result<Connection>& made) { connected = made.has_value(); })
                .has_value());
    REQUIRE(network.run_until([&] { return connected.has_value(); }, 5s));
    return *connected;
  };
  if (!before) {
    CHECK_FALSE(connects());
    REQUIRE(listener.set_tls(second).has_value());
  }
  CHECK(connects());
}

}  // namespace
}  // namespace quoin::test
