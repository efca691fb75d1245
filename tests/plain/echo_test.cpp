// SPDX-License-Identifier: MIT
/// Listener and Dialer over the simulated network: streams both ways, back-pressure, ends.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/simulated.hpp>

#include "support/pair.hpp"
#include "support/plain_world.hpp"

namespace {

using namespace std::chrono_literals;
using quoin::Bytes;
using quoin::Connection;
using quoin::Error;
using quoin::Result;
using quoin::Stream;
using quoin::test::pattern;
using quoin::test::PlainWorld;

void echo(Stream stream) {
  stream.on_data([stream](Bytes chunk, bool last) { return stream.write(chunk, last); });
}

/// Sends `text` on the stream and collects what comes back.
struct Exchange {
  explicit Exchange(std::string what) : text(std::move(what)) {}

  void run(Stream stream) {
    stream.source([this](std::span<std::byte> room) -> quoin::Filled {
      const std::size_t size = std::min(room.size(), text.size() - offset);
      std::ranges::copy(quoin::as_bytes(text).subspan(offset, size), room.begin());
      offset += size;
      return {.bytes = size, .last = offset == text.size()};
    });
    stream.on_data([this](Bytes chunk, bool last) {
      answer += quoin::as_text(chunk);
      is_done = is_done || last;
      return chunk.size();
    });
    stream.on_closed([this](const Error& reason) { closed = reason; });
  }

  std::string text;
  std::size_t offset = 0;
  std::string answer;
  bool is_done = false;
  std::optional<Error> closed;
};

TEST_CASE("what is sent to an echo server comes back") {
  PlainWorld world;
  world.listener.on_connection([](Connection connection) { connection.on_stream(echo); });
  Exchange exchange{pattern(3'000'000)};
  world.connect([&](Connection connection) { exchange.run(connection.open_stream().value()); });
  REQUIRE(world.run_until([&] { return exchange.closed.has_value(); }, 30s));
  CHECK(exchange.is_done);
  CHECK(exchange.answer == exchange.text);
  CHECK(*exchange.closed == Error{});
}

TEST_CASE("an empty stream is echoed as an empty stream") {
  PlainWorld world;
  world.listener.on_connection([](Connection connection) { connection.on_stream(echo); });
  Exchange exchange{""};
  world.connect([&](Connection connection) { exchange.run(connection.open_stream().value()); });
  REQUIRE(world.run_until([&] { return exchange.closed.has_value(); }, 5s));
  CHECK(exchange.is_done);
  CHECK(exchange.answer.empty());
}

TEST_CASE("an echo survives a bad network") {
  PlainWorld world{5};
  world.network.link_both("10.0.0.1", "10.0.0.2",
                          {.delay = 20ms, .loss = 0.05, .corruption = 0.02, .jitter = 5ms});
  world.listener.on_connection([](Connection connection) { connection.on_stream(echo); });
  std::vector<std::unique_ptr<Exchange>> exchanges;
  for (unsigned i = 0; i < 20; ++i) {
    exchanges.push_back(std::make_unique<Exchange>(pattern(50'000, i)));
  }
  world.connect([&](Connection connection) {
    for (const auto& exchange : exchanges) exchange->run(connection.open_stream().value());
  });
  REQUIRE(world.run_until(
      [&] {
        return std::ranges::all_of(exchanges, [](const auto& e) { return e->closed.has_value(); });
      },
      60s));
  for (const auto& exchange : exchanges) CHECK(exchange->answer == exchange->text);
}

TEST_CASE("a reader that takes nothing holds its sender back until it is resumed") {
  PlainWorld world;
  Stream slow;
  std::size_t taken = 0;
  std::size_t calls = 0;
  bool is_open = false;
  bool is_last = false;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      slow = stream;
      stream.on_data([&](Bytes chunk, bool last) -> std::size_t {
        ++calls;
        if (!is_open) return 0;
        taken += chunk.size();
        is_last = last;
        return chunk.size();
      });
    });
  });
  Exchange exchange{pattern(2'000'000)};
  world.connect([&](Connection connection) { exchange.run(connection.open_stream().value()); });
  CHECK_FALSE(world.run_until([&] { return exchange.offset == exchange.text.size(); }, 5s));
  CHECK(calls == 1);
  // One window at the reader and one buffer at the writer, no more.
  CHECK(exchange.offset <= 2 * 256 * 1024);
  is_open = true;
  slow.resume();
  REQUIRE(world.run_until([&] { return is_last; }, 10s));
  CHECK(taken == exchange.text.size());
}

TEST_CASE("a stalled stream does not stop the others on its connection") {
  PlainWorld world;
  int opened = 0;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      if (++opened > 1) return echo(stream);
      stream.on_data([](Bytes, bool) -> std::size_t { return 0; });
    });
  });
  Exchange stalled{pattern(1'000'000)};
  Exchange first{pattern(500'000, 1)};
  Exchange second{pattern(500'000, 2)};
  world.connect([&](Connection connection) {
    stalled.run(connection.open_stream().value());
    first.run(connection.open_stream().value());
    second.run(connection.open_stream().value());
  });
  REQUIRE(world.run_until([&] { return first.is_done && second.is_done; }, 20s));
  CHECK(first.answer == first.text);
  CHECK(second.answer == second.text);
  CHECK(stalled.offset < stalled.text.size());
}

TEST_CASE("a writer that has nothing pauses until it is resumed") {
  PlainWorld world;
  world.listener.on_connection([](Connection connection) { connection.on_stream(echo); });
  Stream client;
  int asked = 0;
  bool has_more = false;
  std::string answer;
  world.connect([&](Connection connection) {
    client = connection.open_stream().value();
    client.source([&](std::span<std::byte> room) -> quoin::Filled {
      ++asked;
      if (!has_more) return {};
      std::ranges::copy(quoin::as_bytes("late"), room.begin());
      return {.bytes = 4, .last = true};
    });
    client.on_data([&](Bytes chunk, bool) {
      answer += quoin::as_text(chunk);
      return chunk.size();
    });
  });
  CHECK_FALSE(world.run_until([&] { return !answer.empty(); }, 2s));
  CHECK(asked == 1);
  has_more = true;
  client.resume();
  REQUIRE(world.run_until([&] { return answer == "late"; }, 2s));
  CHECK(asked == 2);
}

TEST_CASE("a writer that fails resets its stream, so that nobody takes a part for the whole") {
  PlainWorld world;
  std::optional<std::uint64_t> reset;
  bool ended = false;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      stream.on_data([&](Bytes chunk, bool last) {
        ended = ended || last;
        return chunk.size();
      });
      stream.on_reset([&](std::uint64_t code) { reset = code; });
    });
  });
  world.connect([&](Connection connection) {
    connection.open_stream().value().source(
        [n = 0](std::span<std::byte> room) mutable -> quoin::Filled {
          return ++n < 3 ? quoin::Filled{.bytes = room.size()} : quoin::Filled{.failed = true};
        });
  });
  REQUIRE(world.run_until([&] { return reset.has_value(); }, 5s));
  CHECK(*reset == 0);
  CHECK_FALSE(ended);
}

TEST_CASE("reset and stop_sending reach the other side with their codes") {
  PlainWorld world;
  std::optional<std::uint64_t> reset;
  std::optional<std::uint64_t> stopped;
  std::optional<Error> closed;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      stream.on_data([](Bytes chunk, bool) { return chunk.size(); });
      stream.on_reset([&](std::uint64_t code) { reset = code; });
      stream.on_stop_sending([&](std::uint64_t code) { stopped = code; });
      stream.on_closed([&](const Error& reason) { closed = reason; });
    });
  });
  world.connect([&](Connection connection) {
    const Stream stream = connection.open_stream().value();
    (void)stream.write(quoin::as_bytes("x"));
    stream.on_data([](Bytes chunk, bool) { return chunk.size(); });
    world.client.after(100ms, [stream] {
      stream.reset(41);
      stream.stop_sending(42);
    });
  });
  REQUIRE(world.run_until([&] { return closed.has_value(); }, 5s));
  CHECK(reset == 41);
  CHECK(stopped == 42);
  CHECK(closed->domain() == Error::Domain::application);
}

TEST_CASE("a stream may be half closed in either direction") {
  PlainWorld world;
  std::string heard;
  std::string answer;
  bool answered = false;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      stream.on_data([&, stream](Bytes chunk, bool last) {
        heard += quoin::as_text(chunk);
        if (last) (void)stream.write(quoin::as_bytes("after the end"), true);
        return chunk.size();
      });
    });
  });
  world.connect([&](Connection connection) {
    const Stream stream = connection.open_stream().value();
    (void)stream.write(quoin::as_bytes("question"), true);
    CHECK(stream.write(quoin::as_bytes("too late"), true) == 0);
    stream.on_data([&](Bytes chunk, bool last) {
      answer += quoin::as_text(chunk);
      answered = last;
      return chunk.size();
    });
  });
  REQUIRE(world.run_until([&] { return answered; }, 5s));
  CHECK(heard == "question");
  CHECK(answer == "after the end");
}

TEST_CASE("a unidirectional stream goes one way, from either side") {
  PlainWorld world;
  std::string at_server;
  std::string at_client;
  const auto collect = [](std::string& into) {
    return [&into](Stream stream) {
      CHECK_FALSE(quoin::quic::is_bidirectional(stream.id()));
      CHECK(stream.write(quoin::as_bytes("back")) == 0);
      stream.on_data([&into](Bytes chunk, bool) {
        into += quoin::as_text(chunk);
        return chunk.size();
      });
    };
  };
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream(collect(at_server));
    (void)connection.open_stream(false).value().write(quoin::as_bytes("down"), true);
  });
  world.connect([&](Connection connection) {
    connection.on_stream(collect(at_client));
    (void)connection.open_stream(false).value().write(quoin::as_bytes("up"), true);
  });
  REQUIRE(world.run_until([&] { return at_server == "up" && at_client == "down"; }, 5s));
}

TEST_CASE("shared bytes are sent without a copy and outlive their owner") {
  PlainWorld world;
  std::string heard;
  bool ended = false;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      stream.on_data([&](Bytes chunk, bool last) {
        heard += quoin::as_text(chunk);
        ended = last;
        return chunk.size();
      });
    });
  });
  world.connect([&](Connection connection) {
    CHECK(connection.open_stream(false).value().write_shared(quoin::SharedBytes{pattern(800'000)},
                                                             true));
  });
  REQUIRE(world.run_until([&] { return ended; }, 10s));
  CHECK(heard == pattern(800'000));
}

TEST_CASE("a stream that nobody handles is refused") {
  PlainWorld world;
  std::optional<std::uint64_t> stopped;
  world.connect([&](Connection connection) {
    const Stream stream = connection.open_stream().value();
    (void)stream.write(quoin::as_bytes("anybody?"));
    stream.on_stop_sending([&](std::uint64_t code) { stopped = code; });
  });
  REQUIRE(world.run_until([&] { return stopped.has_value(); }, 5s));
  CHECK(*stopped == 0);
}

TEST_CASE("when the peer's limit is reached, open_stream says so and later works again") {
  PlainWorld world;
  std::vector<Stream> held;
  world.listener.on_connection([&](Connection connection) {
    connection.on_stream([&](Stream stream) {
      held.push_back(stream);
      stream.on_data([](Bytes chunk, bool) { return chunk.size(); });
    });
  });
  bool available = false;
  int opened = 0;
  Connection client;
  world.connect([&](Connection connection) {
    client = connection;
    connection.on_streams_available([&](bool bidirectional) { available = bidirectional; });
    while (const auto stream = connection.open_stream()) {
      (void)stream->write(quoin::as_bytes("x"), true);
      ++opened;
    }
  });
  REQUIRE(world.run_until([&] { return held.size() == 100; }, 5s));
  CHECK(opened == 100);
  CHECK(client.open_stream().error() == Error{quoin::UsageError::limit_reached});
  CHECK_FALSE(available);
  for (const Stream& stream : held) (void)stream.write({}, true);
  REQUIRE(world.run_until([&] { return available; }, 5s));
  CHECK(client.open_stream().has_value());
}

}  // namespace
