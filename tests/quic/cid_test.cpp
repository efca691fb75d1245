// SPDX-License-Identifier: MIT
/// Connection IDs with a meaning: for a worker, for a balancer, and in the packets of an endpoint.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/cid.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>

#include "support/pair.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

std::string from_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16));
  }
  return out;
}

// What the draft's appendix B calls a row.
struct Row {
  unsigned rotation;
  std::string_view server_id;
  std::string_view nonce;
  std::string_view key;
  std::string_view cid;
};

constexpr std::string_view draft_key = "8f95f09245765f80256934e50c66207f";

// The draft prints 0x12 as the last one's first octet, which does not fit its own rotation of 3.
constexpr std::array<Row, 5> draft_rows{
    {{0, "c4605e", "4504cc4f", "", "07c4605e4504cc4f"},
     {0, "ed793a", "ee080dbf", draft_key, "0720b1d07b359d3c"},
     {1, "ed793a51d49b8f5fab65", "ee080dbf48", draft_key, "2fcc381bc74cb4fbad2823a3d1f8fed2"},
     {2, "ed793a51d49b8f5f", "ee080dbf48c0d1e5", draft_key, "504dd2d05a7b0de9b2b9907afb5ecf8cc3"},
     {3, "ed793a51d49b8f5fab", "ee080dbf48c0d1e55d", draft_key,
      "725779c9cc86beb3a3a4a3ca96fce4bfe0cdbc"}}};

quic::RoutableCids settings_of(const Row& row) {
  return {.config_rotation = row.rotation,
          .server_id = from_hex(row.server_id),
          .nonce_size = row.nonce.size() / 2,
          .key = from_hex(row.key)};
}

std::vector<std::byte> random_cid(std::mt19937_64& random, std::size_t size) {
  std::vector<std::byte> cid(size);
  for (std::byte& octet : cid) octet = static_cast<std::byte>(random());
  return cid;
}

// The destination of a datagram for which the sender chose no ID yet, or 12 bytes of a short one.
std::string destination(std::span<const std::byte> packet, std::size_t size) {
  const std::string_view text = as_text(packet);
  const bool is_long = (static_cast<unsigned char>(text.at(0)) & 0x80U) != 0;
  return is_long ? std::string{text.substr(6, static_cast<unsigned char>(text.at(5)))}
                 : std::string{text.substr(1, size)};
}

}  // namespace

TEST_CASE("a balancer reads the connection IDs of the draft's test vectors") {
  for (const Row& row : draft_rows) {
    INFO(row.cid);
    const std::string cid = from_hex(row.cid);
    const auto found = quic::server_id_of(as_bytes(cid), settings_of(row));
    CHECK(found == from_hex(row.server_id));
    // The rest of the packet lies behind an ID, and does not matter.
    CHECK(quic::server_id_of(as_bytes(cid + "payload"), settings_of(row)) == found);
    CHECK_FALSE(quic::server_id_of(as_bytes(cid).first(cid.size() - 1), settings_of(row)));
    quic::RoutableCids other = settings_of(row);
    other.config_rotation = 6;
    CHECK_FALSE(quic::server_id_of(as_bytes(cid), other));
  }
}

// RFC 9000 §5.1.
TEST_CASE("what a machine puts into its connection IDs comes out at the balancer, and differs") {
  std::mt19937_64 random{7};
  for (const Row& row : draft_rows) {
    INFO(row.cid);
    const quic::RoutableCids settings = settings_of(row);
    const auto generator = quic::routable_cids(settings).value();
    REQUIRE(generator->size() == row.cid.size() / 2);
    std::set<std::string> seen;
    for (int i = 0; i < 300; ++i) {
      auto cid = random_cid(random, generator->size());
      generator->generate(cid);
      CHECK(quic::server_id_of(cid, settings) == settings.server_id);
      const bool shown = as_text(cid).contains(settings.server_id);
      CHECK(shown == row.key.empty());
      CHECK(seen.emplace(as_text(cid)).second);
    }
  }
}

TEST_CASE("settings of routable connection IDs that cannot be are named") {
  quic::RoutableCids settings{
      .config_rotation = 0, .server_id = "id", .nonce_size = 8, .key = std::string(16, 'k')};
  std::string named;
  SECTION("rotation") {
    settings.config_rotation = 7;
    named = "config_rotation";
  }
  SECTION("no ID") {
    settings.server_id.clear();
    named = "server_id";
  }
  SECTION("a short nonce") {
    settings.nonce_size = 3;
    named = "nonce_size";
  }
  SECTION("too long together") {
    settings.nonce_size = 18;
    named = "nonce_size";
  }
  SECTION("key") {
    settings.key = "short";
    named = "key";
  }
  const auto made = quic::routable_cids(settings);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error() == Error{UsageError::invalid_argument});
  CHECK(made.error().message().contains(named));
}

TEST_CASE("a worker's connection IDs lead to it by their first byte, and the rest is random") {
  std::mt19937_64 random{3};
  for (const unsigned workers : {1U, 2U, 3U, 7U, 128U}) {
    const unsigned worker = workers - 1;
    const auto generator = quic::worker_cids(worker, workers).value();
    std::set<std::byte> first;
    for (int i = 0; i < 2000; ++i) {
      auto cid = random_cid(random, generator->size());
      const auto rest = std::vector<std::byte>(cid.begin() + 1, cid.end());
      generator->generate(cid);
      CHECK(std::to_integer<unsigned>(cid[0]) % workers == worker);
      CHECK(std::vector<std::byte>(cid.begin() + 1, cid.end()) == rest);
      first.insert(cid[0]);
    }
    CHECK(first.size() == (256 - worker + workers - 1) / workers);
  }
  CHECK_FALSE(quic::worker_cids(0, 0).has_value());
  CHECK_FALSE(quic::worker_cids(0, 129).has_value());
  CHECK_FALSE(quic::worker_cids(2, 2).has_value());
}

TEST_CASE("an endpoint gives out the connection IDs of its generator, to a balancer's liking") {
  const quic::RoutableCids settings{
      .config_rotation = 2, .server_id = "m1", .nonce_size = 10, .key = std::string(16, 'k')};
  PairOptions options;
  options.server.connection_ids = quic::routable_cids(settings).value();
  SECTION("without Retry") {}
  SECTION("with Retry") { options.server.retry = quic::RetryPolicy::always; }
  Pair pair{options};
  std::size_t routed = 0;
  std::size_t unknown = 0;
  pair.filter = [&](const Side& from, Packet& packet) {
    if (&from == &pair.client) {
      const std::string cid = destination(packet.payload, options.server.connection_ids->size());
      ++(quic::server_id_of(as_bytes(cid), settings) == "m1" ? routed : unknown);
    }
    return true;
  };
  pair.establish();
  pair.run_for(1s);
  CHECK(routed > 2);
  CHECK(unknown == 1);  // the first Initial: its destination is the client's own invention
}

TEST_CASE("a generator of connection IDs that are too long or short is refused") {
  struct Fixed final : quic::CidGenerator {
    explicit Fixed(std::size_t bytes) : bytes_(bytes) {}

    [[nodiscard]] std::size_t size() const noexcept override { return bytes_; }

    void generate(std::span<std::byte> /*cid*/) noexcept override {}

    std::size_t bytes_;
  };

  quic::Config config = test_config();
  for (const std::size_t size : {5U, 21U}) {
    config.connection_ids = std::make_shared<Fixed>(size);
    const Result<> valid = config.validate();
    REQUIRE_FALSE(valid.has_value());
    CHECK(valid.error().message().contains("connection_ids"));
  }
  config.connection_ids = std::make_shared<Fixed>(20);
  CHECK(config.validate().has_value());
}

namespace {

/// Makes each ID `times` times, and after `limit` different ones nothing new.
class RepeatingCids final : public quic::CidGenerator {
 public:
  RepeatingCids(unsigned times, unsigned limit) noexcept : times_(times), limit_(limit) {}

  [[nodiscard]] std::size_t size() const noexcept override { return 8; }

  void generate(std::span<std::byte> cid) noexcept override {
    const unsigned number = std::min(made_++ / times_, limit_ - 1);
    std::ranges::fill(cid, std::byte{0x55});
    cid[0] = static_cast<std::byte>(number);
  }

 private:
  unsigned times_;
  unsigned limit_;
  unsigned made_ = 0;
};

}  // namespace

TEST_CASE("an ID that is in use already is drawn again, and counted") {
  quic::Config config = test_config();
  config.connection_ids = std::make_shared<RepeatingCids>(2, 250);
  Pair pair{{.server = config}};
  std::vector<quic::ConnectionKey> connections;
  for (int i = 0; i < 5; ++i) {
    pair.establish();
    pair.run_for(100ms);
    connections.push_back(*pair.client.connection);
  }
  const quic::EndpointStats stats = pair.server.endpoint->stats();
  CHECK(stats.connections == 5);
  CHECK(stats.cid_repeats >= 5 * 6);  // one and six to spare each, all but the first ones repeated
  // Each still leads to its own connection.
  for (const quic::ConnectionKey& id : connections) {
    quic::Connection* const connection = pair.client.endpoint->find(id);
    REQUIRE(connection != nullptr);
    auto& streams = dynamic_cast<quic::Streams&>(connection->application());
    const quic::StreamId stream = streams.open(false).value();
    REQUIRE(streams.write(stream, as_bytes("x"), true) == 1);
  }
  pair.run_for(1s);
  CHECK(pair.server.count(quic::StreamEvent::Type::opened) == 5);
}

TEST_CASE("a generator that makes nothing new costs new connections, none that are there") {
  quic::Config config = test_config();
  config.connection_ids = std::make_shared<RepeatingCids>(1, 9);
  Pair pair{{.server = config}};
  pair.establish();  // takes seven or so
  pair.run_for(100ms);
  const quic::ConnectionKey first = *pair.client.connection;
  for (int i = 0; i < 3; ++i) {
    pair.connect();
    pair.run_for(2s);
  }
  pair.run_for(10s);
  CHECK(pair.server.endpoint->stats().cid_repeats >= 8);
  CHECK(pair.server.endpoint->stats().connections == 1);
  CHECK(pair.client.endpoint->find(first) != nullptr);
}

TEST_CASE("a client whose generator repeats itself is told so when it connects") {
  quic::Config config = test_config();
  config.connection_ids = std::make_shared<RepeatingCids>(1, 1);
  Pair pair{{.client = config}};
  pair.connect();
  const auto again = pair.client.endpoint->connect(
      {.local = pair.client.address, .remote = pair.server.address}, "localhost",
      [](quic::Connection& connection) { return std::make_unique<quic::Streams>(connection); },
      pair.now());
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error() == Error{UsageError::limit_reached});
  CHECK(again.error().detail().contains("connection_ids"));
}
