// SPDX-License-Identifier: MIT
/// Faults in streams that random scenarios found, each on its own.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"
#include "support/plain_world.hpp"

namespace quoin::test {

using namespace std::chrono_literals;
using quic::StreamEvent;
using quic::StreamId;
using quic::Streams;

TEST_CASE("a stream that is reset or stopped as soon as a client is connected ends at the server") {
  Pair pair;
  std::optional<StreamId> reset;
  std::optional<StreamId> stopped;
  pair.client.on_event = [&](quic::Connection& connection, const StreamEvent& event) {
    if (event.type != StreamEvent::Type::connected) return;
    auto& streams = dynamic_cast<Streams&>(connection.application());
    reset = streams.open(true).value();
    stopped = streams.open(true).value();
    const StreamId other = streams.open(false).value();
    CHECK(streams.write(*stopped, as_bytes("hello"), false) == 5);
    CHECK(streams.write(other, as_bytes("hello"), true) == 5);
    streams.reset(*reset, 7);
    streams.stop_sending(*stopped, 8);
  };
  (void)pair.connect();
  CHECK(pair.run_until(
      [&] {
        return pair.server.count(StreamEvent::Type::reset) == 1 &&
               pair.server.count(StreamEvent::Type::stop_sending) == 1;
      },
      5s));
}

TEST_CASE("a stream is closed when its end was taken after a pause, with nothing more to come") {
  PlainWorld world;
  std::optional<Error> closed;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      stream.on_closed([&](const Error& reason) { closed = reason; });
      stream.on_data([&, stream, paused = false](Bytes chunk, bool) mutable -> std::size_t {
        if (paused) return chunk.size();
        paused = true;
        world.server.after(1s, [stream] { stream.resume(); });
        return 0;
      });
    });
  });
  world.connect([](Connection connection) {
    CHECK(connection.open_stream(false).value().write(as_bytes("hello"), true) == 5);
  });
  REQUIRE(world.run_until([&] { return closed.has_value(); }, 5s));
  CHECK(*closed == Error{});
}

// RFC 9000 §4.5.
TEST_CASE("a stream that is stopped with all of it under way ends, and makes room for another") {
  PairOptions options;
  options.server.max_bidirectional_streams = 1;
  Pair pair{options};
  pair.establish();
  pair.run_for(1s);
  int large = 0;
  bool is_dropping = false;
  pair.filter = [&](const Side& from, const Packet& packet) {
    const bool is_data = &from == &pair.client && packet.payload.size() > 1000;
    return &from == &pair.server ? !is_dropping : !is_data || ++large != 2;
  };
  const StreamId id = pair.client.streams().open(true).value();
  REQUIRE(pair.client.streams().write(id, as_bytes(pattern(5'000)), true) == 5'000);
  pair.server.stalled.insert(id);
  pair.run_for(12ms);  // all but the second packet is there; that is sent again at 20 ms
  is_dropping = true;
  pair.server.streams().stop_sending(id, 7);
  CHECK(pair.server.streams().write(id, {}, true) == 0);
  pair.run_for(2ms);
  is_dropping = false;
  CHECK(pair.run_until([&] { return pair.server.count(StreamEvent::Type::closed) == 1; }, 5s));
  CHECK(pair.run_until([&] { return pair.client.streams().open(true).has_value(); }, 5s));
}

}  // namespace quoin::test
