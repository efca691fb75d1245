// SPDX-License-Identifier: MIT
/// Stream data between two endpoints in virtual time: both ways, many streams, ids, flow control,
/// loss. What a stream's events mean is tested in stream_test.cpp.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/bytes.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"

namespace {

using namespace std::chrono_literals;
using quoin::quic::Connection;
using quoin::quic::StreamEvent;
using quoin::quic::StreamId;
using quoin::quic::Streams;
using quoin::test::Pair;
using quoin::test::PairOptions;
using quoin::test::pattern;
using quoin::test::Side;
using quoin::test::test_config;
using quoin::test::Upload;

/// Keeps uploads of one side going.
class Uploads {
 public:
  explicit Uploads(Side& side) : side_(side) {
    side.on_event = [this](Connection& connection, const StreamEvent& event) {
      const auto found = uploads_.find(event.stream);
      if (event.type == StreamEvent::Type::writable && found != uploads_.end()) {
        found->second.pump(dynamic_cast<Streams&>(connection.application()));
      }
    };
  }

  StreamId start(std::string text, bool bidirectional = true) {
    const StreamId id = side_.streams().open(bidirectional).value();
    auto& upload = uploads_.emplace(id, Upload{id, std::move(text)}).first->second;
    upload.pump(side_.streams());
    return id;
  }

  [[nodiscard]] const Upload& operator[](StreamId id) const { return uploads_.at(id); }

 private:
  Side& side_;
  std::map<StreamId, Upload> uploads_;
};

TEST_CASE("a megabyte goes each way and arrives as it was sent") {
  Pair pair;
  pair.establish();
  Uploads up{pair.client};
  Uploads down{pair.server};
  const StreamId a = up.start(pattern(1'000'000, 1));
  const StreamId b = down.start(pattern(1'000'000, 2), false);
  REQUIRE(pair.run_until(
      [&] { return pair.server.finished.contains(a) && pair.client.finished.contains(b); }, 20s));
  CHECK(pair.server.received[a] == pattern(1'000'000, 1));
  CHECK(pair.client.received[b] == pattern(1'000'000, 2));
}

// RFC 9000 §2.1.
TEST_CASE("stream ids tell who opened a stream and of which kind it is") {
  Pair pair;
  pair.establish();
  const auto ids = [](Side& side, bool bidirectional) {
    std::vector<std::int64_t> result;
    for (int i = 0; i < 3; ++i) {
      result.push_back(static_cast<std::int64_t>(side.streams().open(bidirectional).value()));
    }
    return result;
  };
  CHECK(ids(pair.client, true) == std::vector<std::int64_t>{0, 4, 8});
  CHECK(ids(pair.server, true) == std::vector<std::int64_t>{1, 5, 9});
  CHECK(ids(pair.client, false) == std::vector<std::int64_t>{2, 6, 10});
  CHECK(ids(pair.server, false) == std::vector<std::int64_t>{3, 7, 11});
}

// RFC 9000 §4.6.
TEST_CASE("thousands of streams run on one connection, never more at a time than allowed") {
  auto config = test_config();
  config.max_unidirectional_streams = 50;
  Pair pair{{.server = config}};
  pair.establish();
  constexpr std::size_t wanted = 3000;
  std::size_t opened = 0;
  std::size_t most = 0;
  const auto open_more = [&] {
    while (opened < wanted) {
      const auto id = pair.client.streams().open(false);
      if (!id) break;
      const std::string text = "stream " + std::to_string(opened++);
      CHECK(pair.client.streams().write(*id, quoin::as_bytes(text), true) == text.size());
    }
    most = std::max(most, pair.client.streams().open_streams());
  };
  pair.client.on_event = [&](Connection&, const StreamEvent& event) {
    if (event.type == StreamEvent::Type::streams_available) open_more();
  };
  open_more();
  REQUIRE(pair.run_until([&] { return pair.server.finished.size() == wanted; }, 60s));
  CHECK(most <= 50 + 50);  // those that the server has finished wait for their last acknowledgement
  std::size_t number = 0;
  for (const auto& [id, text] : pair.server.received) {
    CHECK(static_cast<std::int64_t>(id) == static_cast<std::int64_t>(number) * 4 + 2);
    CHECK(text == "stream " + std::to_string(number++));
  }
  CHECK(pair.server.streams().open_streams() == 0);
}

// RFC 9000 §4.1.
TEST_CASE("a stream that nobody reads stops at its window and does not stop the others") {
  Pair pair;
  pair.establish();
  const std::uint64_t window = test_config().stream_window;
  Uploads up{pair.client};
  pair.server.stalled.insert(StreamId{0});
  const StreamId stalled = up.start(pattern(2'000'000));
  REQUIRE(stalled == StreamId{0});
  std::vector<StreamId> others;
  for (unsigned i = 1; i <= 5; ++i) others.push_back(up.start(pattern(500'000, i)));
  REQUIRE(pair.run_until(
      [&] {
        return std::ranges::all_of(others,
                                   [&](StreamId id) { return pair.server.finished.contains(id); });
      },
      20s));
  for (unsigned i = 1; i <= 5; ++i) {
    CHECK(pair.server.received[others[i - 1]] == pattern(500'000, i));
  }
  // What the receiver holds of the stalled stream is one window; the sender waits with one buffer.
  CHECK(up[stalled].sent() <= window + 256 * 1024);
  CHECK_FALSE(pair.server.finished.contains(stalled));

  // Reading it sets it going again.
  pair.server.stalled.clear();
  auto& streams = pair.server.streams();
  for (auto chunk = streams.read(stalled); !chunk.data.empty(); chunk = streams.read(stalled)) {
    pair.server.received[stalled].append(quoin::as_text(chunk.data));
    streams.consume(stalled, chunk.data.size());
  }
  REQUIRE(pair.run_until([&] { return pair.server.finished.contains(stalled); }, 20s));
  CHECK(pair.server.received[stalled] == pattern(2'000'000));
}

TEST_CASE("streams with something to send take turns") {
  Pair pair;
  pair.establish();
  Uploads up{pair.client};
  std::vector<StreamId> ids;
  for (unsigned i = 0; i < 4; ++i) ids.push_back(up.start(pattern(200'000, i)));
  REQUIRE(pair.run_until([&] { return !pair.server.finished.empty(); }, 20s));
  // When the first is through, none is far behind.
  for (const StreamId id : ids) CHECK(pair.server.received[id].size() > 150'000);
}

TEST_CASE("lost, reordered and repeated datagrams change nothing in what arrives") {
  const std::uint64_t seed = GENERATE(1U, 2U, 3U, 4U, 5U);
  Pair pair{{.seed = seed, .delay = 15ms, .loss = 0.1}};
  pair.establish();
  Uploads up{pair.client};
  Uploads down{pair.server};
  const StreamId a = up.start(pattern(200'000, 1));
  const StreamId b = down.start(pattern(200'000, 2));
  REQUIRE(pair.run_until(
      [&] { return pair.server.finished.contains(a) && pair.client.finished.contains(b); }, 120s));
  CHECK(pair.server.received[a] == pattern(200'000, 1));
  CHECK(pair.client.received[b] == pattern(200'000, 2));
  CHECK(pair.client.live().stats().packets_lost > 0);
}

TEST_CASE("a sender pauses while the way is cut and goes on when it is back") {
  Pair pair;
  pair.establish();
  Uploads up{pair.client};
  const StreamId id = up.start(pattern(1'000'000));
  bool is_cut = false;
  pair.filter = [&](const Side&, const quoin::test::Packet&) { return !is_cut; };
  pair.run_for(50ms);
  is_cut = true;
  pair.run_for(3s);
  is_cut = false;
  REQUIRE(pair.run_until([&] { return pair.server.finished.contains(id); }, 20s));
  CHECK(pair.server.received[id] == pattern(1'000'000));
}

// RFC 9221 §5.
TEST_CASE("datagrams arrive whole or not at all") {
  auto config = test_config();
  config.max_datagram_frame = 1200;
  Pair pair{{.client = config, .server = config}};
  pair.establish();
  Connection& connection = pair.client.live();
  CHECK(connection.max_datagram_size() >= 1000);
  REQUIRE(connection.send_datagram(quoin::as_bytes("one")).has_value());
  REQUIRE(connection.send_datagram(quoin::as_bytes(std::string(1000, 'x'))).has_value());
  const auto too_large = connection.send_datagram(quoin::as_bytes(std::string(5000, 'x')));
  CHECK(too_large.error() == quoin::Error{quoin::UsageError::too_large});
  REQUIRE(pair.run_until([&] { return pair.server.datagrams.size() == 2; }, 5s));
  CHECK(pair.server.datagrams.at(0) == "one");
  CHECK(pair.server.datagrams.at(1) == std::string(1000, 'x'));
}

// RFC 9221 §3.
TEST_CASE("datagrams are refused where the peer takes none, and when the queue is full") {
  Pair pair;
  pair.establish();
  CHECK(pair.client.live().max_datagram_size() == 0);
  CHECK(pair.client.live().send_datagram(quoin::as_bytes("x")).error() ==
        quoin::Error{quoin::UsageError::unsupported});

  auto config = test_config();
  config.max_datagram_frame = 1200;
  config.datagram_queue = 3;
  Pair other{{.client = config, .server = config}};
  other.establish();
  for (int i = 0; i < 3; ++i) {
    CHECK(other.client.live().send_datagram(quoin::as_bytes("x")).has_value());
  }
  CHECK(other.client.live().send_datagram(quoin::as_bytes("x")).error() ==
        quoin::Error{quoin::UsageError::limit_reached});
}

// RFC 9002 §7.2.
TEST_CASE("a new connection has no more under way than the initial window it was given") {
  auto config = test_config();
  using quoin::quic::CongestionControl;
  const auto first_flight = [&](std::size_t window, CongestionControl control) {
    config.initial_window = window;
    config.congestion_control = control;
    Pair pair{{.server = config, .delay = 50ms}};
    pair.establish();
    quoin::quic::Streams& streams = pair.server.streams();
    const std::uint64_t before = pair.server.bytes_sent;
    (void)streams.write(streams.open(false).value(), quoin::as_bytes(pattern(200'000)), true);
    pair.run_for(99ms);
    return pair.server.bytes_sent - before;
  };
  for (const auto control :
       {CongestionControl::cubic, CongestionControl::reno, CongestionControl::bbr}) {
    INFO("controller " << static_cast<int>(control));
    const std::uint64_t standard = first_flight(0, control);
    CHECK(standard > 8'000);
    CHECK(standard < 20'000);
    CHECK(first_flight(3'000, control) < 8'000);
    const std::uint64_t large = first_flight(100'000, control);
    CHECK(large > 60'000);
    CHECK(large < 110'000);
  }
}

TEST_CASE("keys can be updated in the middle of a transfer") {
  Pair pair;
  pair.establish();
  pair.run_for(100ms);
  Uploads up{pair.client};
  const StreamId id = up.start(pattern(500'000));
  REQUIRE(pair.client.live().update_keys(pair.now()).has_value());
  CHECK(pair.client.live().update_keys(pair.now()).error() ==
        quoin::Error{quoin::UsageError::limit_reached});
  REQUIRE(pair.run_until([&] { return pair.server.finished.contains(id); }, 20s));
  CHECK(pair.server.received[id] == pattern(500'000));
}

TEST_CASE("keys are updated by themselves when so many bytes have gone either way") {
  PairOptions options;
  options.client.key_update_after = 100'000;
  options.server.key_update_after = 0;
  Pair pair{options};
  pair.establish();
  Uploads up{pair.client};
  // One update follows another only when some time has passed (RFC 9001 §6.5).
  for (std::uint64_t update = 1; update <= 5; ++update) {
    const StreamId id = up.start(pattern(120'000));
    REQUIRE(pair.run_until([&] { return pair.server.finished.contains(id); }, 20s));
    CHECK(pair.server.received[id] == pattern(120'000));
    CHECK(pair.client.live().stats().key_updates == update);
    pair.run_for(1s);
  }
  CHECK(pair.server.live().stats().key_updates == 0);
}

}  // namespace
