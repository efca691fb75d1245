// SPDX-License-Identifier: MIT
/// What plain streams tell and take: the events of quic::Streams and their order, room, limits.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"

namespace {

using namespace std::chrono_literals;
using quoin::as_bytes;
using quoin::Error;
using quoin::quic::StreamEvent;
using quoin::quic::StreamId;
using quoin::quic::Streams;
using quoin::quic::StreamsConfig;
using quoin::test::Pair;
using quoin::test::PairOptions;
using quoin::test::pattern;
using quoin::test::Side;
using quoin::test::test_config;
using Type = StreamEvent::Type;

/// The events of one stream in order.
std::vector<Type> events_of(const Side& side, StreamId id) {
  std::vector<Type> types;
  for (const StreamEvent& event : side.events) {
    if (event.stream == id) types.push_back(event.type);
  }
  return types;
}

const StreamEvent& event_of(const Side& side, StreamId id, Type type) {
  for (const StreamEvent& event : side.events) {
    if (event.stream == id && event.type == type) return event;
  }
  FAIL("the event did not happen");
  throw 0;  // not reached
}

TEST_CASE("a stream is opened, read and closed in this order, once each") {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.streams().open(true).value();
  REQUIRE(pair.client.streams().write(id, as_bytes("question"), true) == 8);
  REQUIRE(pair.run_until([&] { return pair.server.finished.contains(id); }, 1s));
  CHECK(events_of(pair.server, id) == std::vector{Type::opened});
  REQUIRE(pair.server.streams().write(id, as_bytes("answer"), true) == 6);
  REQUIRE(pair.run_until([&] { return pair.server.count(Type::closed) == 1; }, 1s));
  CHECK(events_of(pair.server, id) == std::vector{Type::opened, Type::closed});
  CHECK(events_of(pair.client, id) == std::vector{Type::closed});
  CHECK(event_of(pair.client, id, Type::closed).error == Error{});
  CHECK(pair.client.received[id] == "answer");
  CHECK(pair.client.streams().open_streams() == 0);
}

TEST_CASE("a stream that ends unread is closed only after it was read") {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.streams().open(false).value();
  pair.server.stalled.insert(id);
  REQUIRE(pair.client.streams().write(id, as_bytes("later"), true) == 5);
  REQUIRE(pair.run_until([&] { return pair.client.count(Type::closed) == 1; }, 1s));
  CHECK(pair.server.count(Type::closed) == 0);
  Streams& streams = pair.server.streams();
  CHECK(quoin::as_text(streams.read(id).data) == "later");
  CHECK(streams.read(id).last);
  streams.consume(id, 2);
  CHECK(quoin::as_text(streams.read(id).data) == "ter");
  streams.consume(id, 3);
  CHECK(streams.read(id).data.empty());
  CHECK_FALSE(streams.read(id).last);
  const auto closed = streams.poll_event();
  REQUIRE(closed.has_value());
  CHECK(closed->type == Type::closed);
  CHECK(closed->stream == id);
}

TEST_CASE("an empty stream has an end to read") {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.streams().open(false).value();
  CHECK(pair.client.streams().write(id, {}, true) == 0);
  CHECK_FALSE(pair.client.streams().is_writable(id));
  REQUIRE(pair.run_until([&] { return pair.server.count(Type::closed) == 1; }, 1s));
  CHECK(pair.server.finished.contains(id));
}

TEST_CASE("a reset drops what was not read and says why") {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.streams().open(false).value();
  pair.server.stalled.insert(id);
  (void)pair.client.streams().write(id, as_bytes("never read"), false);
  pair.run_for(50ms);
  pair.client.streams().reset(id, 99);
  CHECK_FALSE(pair.client.streams().is_writable(id));
  CHECK(pair.client.streams().write(id, as_bytes("x"), false) == 0);
  REQUIRE(pair.run_until([&] { return pair.server.count(Type::closed) == 1; }, 1s));
  CHECK(events_of(pair.server, id) == std::vector{Type::opened, Type::reset, Type::closed});
  CHECK(event_of(pair.server, id, Type::reset).error == Error{Error::Domain::application, 99});
  CHECK(pair.server.streams().read(id).data.empty());
}

TEST_CASE("stop_sending makes the peer give up and tells it why") {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.streams().open(true).value();
  (void)pair.client.streams().write(id, as_bytes("unwanted"), false);
  REQUIRE(pair.run_until([&] { return pair.server.received[id] == "unwanted"; }, 1s));
  pair.server.streams().stop_sending(id, 17);
  REQUIRE(pair.run_until([&] { return pair.client.count(Type::stop_sending) == 1; }, 1s));
  CHECK(event_of(pair.client, id, Type::stop_sending).error ==
        Error{Error::Domain::application, 17});
  CHECK_FALSE(pair.client.streams().is_writable(id));
  CHECK(pair.client.streams().room(id) == 0);
  // The other direction goes on.
  REQUIRE(pair.server.streams().write(id, as_bytes("still"), true) == 5);
  REQUIRE(pair.run_until([&] { return pair.client.finished.contains(id); }, 1s));
  CHECK(pair.client.received[id] == "still");
}

TEST_CASE("the credit of what nobody will read goes back to the connection") {
  auto config = test_config();
  config.stream_window = config.max_stream_window = 20'000;
  config.connection_window = config.max_connection_window = 30'000;
  Pair pair{{.server = config}};
  pair.establish();
  // Many times the connection's window in streams that are reset or stopped unread.
  for (int i = 0; i < 20; ++i) {
    const StreamId id = pair.client.streams().open(false).value();
    pair.server.stalled.insert(id);
    (void)pair.client.streams().write(id, as_bytes(pattern(15'000)), false);
    pair.run_for(100ms);
    i % 2 == 0 ? pair.client.streams().reset(id, 1) : pair.server.streams().stop_sending(id, 1);
    pair.run_for(100ms);
  }
  const StreamId id = pair.client.streams().open(false).value();
  (void)pair.client.streams().write(id, as_bytes(pattern(15'000)), true);
  REQUIRE(pair.run_until([&] { return pair.server.finished.contains(id); }, 2s));
  CHECK(pair.server.received[id] == pattern(15'000));
}

TEST_CASE("write takes what there is room for, and writable says when there is more") {
  Pair pair{{.streams = {.send_buffer = 10'000}}};
  pair.establish();
  Streams& streams = pair.client.streams();
  const StreamId id = streams.open(false).value();
  CHECK(streams.room(id) == 10'000);
  CHECK(streams.write(id, as_bytes(pattern(15'000)), true) == 10'000);
  CHECK(streams.is_writable(id));  // the end was not taken
  CHECK(streams.room(id) == 0);
  CHECK(streams.write(id, as_bytes("x"), false) == 0);
  int writable = 0;
  pair.client.on_event = [&](auto&, const StreamEvent& event) {
    if (event.type == Type::writable && event.stream == id) ++writable;
  };
  REQUIRE(pair.run_until([&] { return writable == 1; }, 1s));
  CHECK(pair.client.streams().room(id) >= 5'000);
}

TEST_CASE("streams share a limit on what waits for acknowledgement, and all go on in time") {
  Pair pair{{.streams = {.send_buffer = 10'000, .send_buffer_total = 25'000}}};
  pair.establish();
  std::vector<quoin::test::Upload> uploads;
  std::size_t taken = 0;
  for (unsigned i = 0; i < 6; ++i) {
    uploads.emplace_back(pair.client.streams().open(false).value(), pattern(40'000, i));
    uploads.back().pump(pair.client.streams());
    taken += uploads.back().sent();
  }
  CHECK(taken == 25'000);
  pair.client.on_event = [&](auto&, const StreamEvent& event) {
    for (auto& upload : uploads) {
      if (event.type == Type::writable && upload.id() == event.stream) {
        upload.pump(pair.client.streams());
      }
    }
  };
  REQUIRE(pair.run_until([&] { return pair.server.finished.size() == uploads.size(); }, 10s));
  for (unsigned i = 0; i < 6; ++i) {
    CHECK(pair.server.received[uploads[i].id()] == pattern(40'000, i));
  }
}

TEST_CASE("shared bytes are taken whole and count until they are sent") {
  Pair pair{{.streams = {.send_buffer = 1'000}}};
  pair.establish();
  Streams& streams = pair.client.streams();
  const StreamId id = streams.open(false).value();
  const quoin::SharedBytes large{pattern(50'000)};
  CHECK(streams.write_shared(id, large, false));
  CHECK(streams.room(id) == 0);
  CHECK_FALSE(streams.write_shared(id, large, true));
  bool done = false;
  pair.client.on_event = [&](auto&, const StreamEvent& event) {
    if (event.type == Type::writable) {
      done = pair.client.streams().write_shared(id, large.part(0, 10), true);
    }
  };
  REQUIRE(pair.run_until([&] { return pair.server.finished.contains(id); }, 5s));
  CHECK(done);
  CHECK(pair.server.received[id] == pattern(50'000) + pattern(50'000).substr(0, 10));
}

TEST_CASE("too many finished streams that nobody reads end the connection") {
  Pair pair{{.streams = {.max_unread_streams = 50}}};
  pair.establish();
  pair.server.on_event = [&](auto&, const StreamEvent& event) {
    pair.server.stalled.insert(event.stream);
  };
  int opened = 0;
  while (!pair.server.closed && opened < 1000) {
    if (const auto id = pair.client.streams().open(false)) {
      (void)pair.client.streams().write(*id, as_bytes("x"), true);
      ++opened;
    }
    pair.run_for(20ms);
    if (pair.client.closed) break;
  }
  REQUIRE(pair.server.closed.has_value());
  CHECK(*pair.server.closed == Error{quoin::TransportError::application_error});
  CHECK(opened <= 60);
}

TEST_CASE("datagrams that nobody polls push out the oldest") {
  auto config = test_config();
  config.max_datagram_frame = 100;
  Pair pair{{.client = config, .server = config, .streams = {.datagram_queue = 2}}};
  pair.establish();
  // Four in one packet, so that they arrive before anybody can poll.
  for (const char* text : {"1", "2", "3", "4"}) {
    REQUIRE(pair.client.live().send_datagram(as_bytes(text)).has_value());
  }
  REQUIRE(pair.run_until([&] { return pair.server.datagrams.size() == 2; }, 1s));
  CHECK(pair.server.datagrams == std::vector<std::string>{"3", "4"});
  CHECK(pair.server.streams().datagrams_dropped() == 2);
}

TEST_CASE("commands for a stream that is not there do nothing") {
  Pair pair;
  pair.establish();
  Streams& streams = pair.client.streams();
  const StreamId nowhere{400};
  CHECK(streams.write(nowhere, as_bytes("x"), true) == 0);
  CHECK_FALSE(streams.write_shared(nowhere, quoin::SharedBytes{std::string{"x"}}, true));
  CHECK(streams.room(nowhere) == 0);
  CHECK_FALSE(streams.is_writable(nowhere));
  CHECK(streams.read(nowhere).data.empty());
  streams.consume(nowhere, 5);
  streams.want_room(nowhere);
  streams.reset(nowhere, 1);
  streams.stop_sending(nowhere, 1);
  CHECK_FALSE(streams.poll_event().has_value());
}

TEST_CASE("the end of a connection is the last event") {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.streams().open(true).value();
  (void)pair.client.streams().write(id, as_bytes("x"), false);
  pair.client.live().close({Error::Domain::application, 5});
  REQUIRE(pair.run_until([&] { return pair.server.closed && pair.client.closed; }, 1s));
  CHECK(pair.client.events.back().type == Type::disconnected);
  CHECK(pair.server.events.back().type == Type::disconnected);
  CHECK(pair.client.streams().write(id, as_bytes("x"), false) == 0);
}

}  // namespace
