// SPDX-License-Identifier: MIT
/// In which order the plain streams of a connection are sent.
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using quic::StreamId;
using quic::StreamPriority;

constexpr std::size_t bulk = 200'000;

/// What can be sent behind the end of a stream and arrive with it.
constexpr std::size_t in_one_train = 16'000;

/// A client with streams that have all been written at once; what arrives is taken at once.
struct Sender {
  explicit Sender(const std::vector<StreamPriority>& priorities) {
    pair.establish();
    pair.run_for(500ms);
    for (const StreamPriority& priority : priorities) {
      ids.push_back(pair.client.streams().open(false).value());
      REQUIRE(pair.client.streams().prioritize(ids.back(), priority).has_value());
      REQUIRE(pair.client.streams().write(ids.back(), as_bytes(pattern(bulk)), true) == bulk);
    }
  }

  [[nodiscard]] std::size_t received(std::size_t index) {
    return pair.server.received[ids.at(index)].size();
  }

  void run_until_received(std::size_t index, std::size_t bytes) {
    REQUIRE(pair.run_until([&] { return received(index) >= bytes; }, 30s));
  }

  Pair pair;
  std::vector<StreamId> ids;
};

}  // namespace

// RFC 9218 §4.1.
TEST_CASE("a more urgent stream overtakes bulk ones that were written before it") {
  Sender sender{{{.urgency = 6}, {.urgency = 6}, {.urgency = 0}}};
  sender.run_until_received(2, bulk);
  CHECK(sender.received(0) < in_one_train);
  CHECK(sender.received(1) < in_one_train);
  sender.run_until_received(0, bulk);
  sender.run_until_received(1, bulk);
}

// RFC 9218 §4.2.
TEST_CASE("incremental streams of one urgency share the connection, others go one by one") {
  SECTION("incremental") {
    Sender sender{{{.incremental = true}, {.incremental = true}}};
    sender.run_until_received(0, bulk);
    CHECK(sender.received(1) > bulk * 9 / 10);
  }
  SECTION("not incremental") {
    Sender sender{{{.incremental = false}, {.incremental = false}}};
    sender.run_until_received(0, bulk);
    CHECK(sender.received(1) < bulk / 10);
  }
}

TEST_CASE("a stream's priority may change while it is being sent") {
  Sender sender{{{.urgency = 1}, {.urgency = 2}, {.urgency = 2}}};
  sender.run_until_received(0, bulk / 4);
  CHECK(sender.received(1) == 0);
  for (const std::uint8_t urgency : std::array<std::uint8_t, 5>{7, 0, 7, 7, 0}) {
    CHECK(sender.pair.client.streams().prioritize(sender.ids[2], {.urgency = urgency}));
  }
  CHECK(sender.pair.client.streams().priority(sender.ids[2]).urgency == 0);
  CHECK(sender.pair.client.streams().prioritize(sender.ids[0], {.urgency = 7}));
  sender.run_until_received(2, bulk);
  CHECK(sender.received(0) < bulk / 2);
  CHECK(sender.received(1) < in_one_train);
  sender.run_until_received(1, bulk);
  CHECK(sender.received(0) < bulk);
  sender.run_until_received(0, bulk);
}

TEST_CASE("an urgent stream whose window is full does not stop the others") {
  Sender sender{{{.urgency = 0, .incremental = false}, {.urgency = 7}}};
  const StreamId urgent = sender.ids.front();
  quic::Streams& streams = sender.pair.client.streams();
  const StreamId stalled = streams.open(false).value();
  sender.pair.server.stalled.insert(stalled);
  REQUIRE(streams.prioritize(stalled, streams.priority(urgent)).has_value());
  Upload upload{stalled, pattern(1'000'000)};
  upload.pump(streams);
  sender.pair.run_for(10ms);
  upload.pump(streams);
  sender.run_until_received(0, bulk);
  upload.pump(streams);
  sender.run_until_received(1, bulk);
  sender.pair.run_for(1s);
  CHECK(sender.pair.client.live().stats().bytes_queued > 0);
}

TEST_CASE("a priority that cannot be is refused, and so is one of a stream that is gone") {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.streams().open(true).value();
  CHECK(pair.client.streams().prioritize(id, {.urgency = 8}).error() ==
        Error{UsageError::invalid_argument});
  CHECK(pair.client.streams().prioritize(StreamId{4000}, {}).error() ==
        Error{UsageError::stale_handle});
  CHECK(pair.client.streams().priority(id) == StreamPriority{});
}

TEST_CASE("stats() tell how many bytes of streams and datagrams wait") {
  quic::Config config = test_config();
  config.max_datagram_frame = 1200;
  Pair pair{{.client = config, .server = config}};
  pair.establish();
  CHECK(pair.client.live().stats().bytes_queued == 0);
  const StreamId id = pair.client.streams().open(true).value();
  REQUIRE(pair.client.streams().write(id, as_bytes(pattern(5000)), true) == 5000);
  REQUIRE(pair.client.live().send_datagram(as_bytes(pattern(700))).has_value());
  CHECK(pair.client.live().stats().bytes_queued == 5700);
  CHECK(pair.client.live().stats().datagrams_queued == 1);
  pair.run_for(1s);
  CHECK(pair.client.live().stats().bytes_queued == 0);
}

}  // namespace quoin::test
