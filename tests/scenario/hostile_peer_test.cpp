// SPDX-License-Identifier: MIT
/// Clients that send what no honest one does, after an honest handshake: each is closed with the
/// right error or borne with bounded memory and answers, and another one notices nothing.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/time.hpp>

#include "support/hostile_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t packet_room = 1150;  // bytes of frames in a packet of 1200
constexpr std::size_t megabyte = 1024 * 1024;

std::string ping() { return "\x01"; }

/// As many of these frames as a packet has room for; `make` gets their numbers from `next` on.
template <class Make>
std::string fill(std::uint64_t& next, std::uint64_t end, Make make) {
  std::string frames;
  while (next < end) {
    const std::string frame = make(next);
    if (frames.size() + frame.size() > packet_room) break;
    frames += frame;
    ++next;
  }
  return frames;
}

/// What an attack costs others and the process.
struct Damage {
  explicit Damage(HostileWorld& where)
      : world(where), usual(where.honest_exchange()), before(heap_in_use()) {}

  void check(std::size_t memory_budget) {
    const std::size_t now = heap_in_use();
    INFO("grown by " << static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before));
    CHECK(now < before + memory_budget);
    CHECK(world.honest_exchange() <= usual + 50ms);
  }

  HostileWorld& world;
  Duration usual;
  std::size_t before;
};

std::string name(TransportError error) { return std::string{Error{error}.name()}; }

std::string path_challenge(std::uint64_t number) {
  std::string data(8, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(number >> (8 * i));
  return "\x1a" + data;
}

std::string new_connection_id(std::uint64_t sequence, std::uint64_t retire_prior_to) {
  std::string id(8, '\x55');
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<char>(sequence >> (8 * i));
  std::string token(16, '\x77');
  for (std::size_t i = 0; i < 8; ++i) token[i] = static_cast<char>(sequence >> (8 * i));
  return "\x18" + varint(sequence) + varint(retire_prior_to) + "\x08" + id + token;
}

}  // namespace

TEST_CASE("a hostile client's packets are taken for its own") {
  HostileWorld world;
  world.attack(ping());
  world.run_for(1s);
  CHECK(world.answered > 0);
  CHECK_FALSE(world.closed);
  world.attack("\x1c" + varint(0x0a) + varint(0) + varint(3) + "bye");
  world.run_for(1s);
  CHECK(world.ended() == name(TransportError::protocol_violation));
}

TEST_CASE(
    "a flood of PATH_CHALLENGE without acknowledgements is answered in part, in little memory") {
  HostileWorld world;
  Damage damage{world};
  constexpr std::uint64_t flood = 200'000;
  for (std::uint64_t next = 0; next < flood;) {
    world.attack(fill(next, flood, path_challenge));
    if (next % 10'000 < 200) world.run_for(5ms);
  }
  world.run_for(100ms);
  damage.check(megabyte);
  world.run_for(5s);
  CHECK(world.answered < 2 * world.sent);
}

TEST_CASE("connection IDs that replace each other without an end close the connection") {
  HostileWorld world;
  Damage damage{world};
  constexpr std::uint64_t flood = 100'000;
  // The first hundred numbers are those that the honest handshake may have used.
  for (std::uint64_t next = 100; next < flood && !world.closed;) {
    world.attack(fill(next, flood, [](std::uint64_t n) { return new_connection_id(n, n); }));
    world.run_for(10ms);
  }
  CHECK(world.ended() == name(TransportError::connection_id_limit_error));
  CHECK(world.answered < world.sent + 100'000);
  damage.check(megabyte);
}

TEST_CASE("more connection IDs than allowed close the connection") {
  HostileWorld world;
  Damage damage{world};
  std::uint64_t next = 100;
  world.attack(fill(next, 130, [](std::uint64_t n) { return new_connection_id(n, 0); }));
  world.run_for(1s);
  CHECK(world.ended() == name(TransportError::connection_id_limit_error));
  damage.check(megabyte);
}

TEST_CASE(
    "a flood of RETIRE_CONNECTION_ID is paced, and IDs that were never given are a violation") {
  HostileWorld world;
  Damage damage{world};
  constexpr std::uint64_t flood = 20'000;
  for (std::uint64_t next = 1; next < flood && !world.closed; ++next) {
    world.attack("\x19" + varint(next));
    world.run_for(1ms);
  }
  world.run_for(1s);
  CHECK(world.ended() == name(TransportError::protocol_violation));
  damage.check(megabyte);
}

TEST_CASE("TLS messages far ahead of their time, or with holes, are not kept without a limit") {
  HostileWorld world;
  Damage damage{world};
  TransportError expected = TransportError::crypto_buffer_exceeded;
  SECTION("far ahead") { world.attack(crypto_frame(std::uint64_t{1} << 40U, "x")); }
  SECTION("more than is kept") { world.attack(crypto_frame(70'000, "x")); }
  SECTION("one byte at every other offset") {
    expected = TransportError::internal_error;  // ngtcp2 keeps so many holes and no more
    constexpr std::uint64_t flood = 100'000;
    for (std::uint64_t next = 1; next < flood && !world.closed;) {
      world.attack(fill(next, flood, [](std::uint64_t n) { return crypto_frame(2 * n, "x"); }));
      world.run_for(1ms);
    }
  }
  world.run_for(1s);
  CHECK(world.ended() == name(expected));
  damage.check(megabyte);
}

TEST_CASE("streams in pieces of one byte with a hole after each take bounded memory") {
  HostileWorld world;
  Damage damage{world};
  SECTION("too many pieces of one stream close the connection") {
    constexpr std::uint64_t flood = 100'000;
    for (std::uint64_t next = 0; next < flood && !world.closed;) {
      world.attack(
          fill(next, flood, [](std::uint64_t n) { return stream_frame(0, 2 * n + 1, "x"); }));
      world.run_for(1ms);
    }
    CHECK(world.ended() == name(TransportError::internal_error));
    damage.check(megabyte);
  }
  SECTION("as many as go, of all streams, end with the connection") {
    constexpr std::uint64_t streams = 100;
    constexpr std::uint64_t pieces = 3'900;
    for (std::uint64_t stream = 0; stream < streams; ++stream) {
      for (std::uint64_t next = 0; next < pieces;) {
        world.attack(fill(next, pieces, [&](std::uint64_t n) {
          return stream_frame(4 * stream, 2 * n + 1, "x");
        }));
      }
      world.run_for(20ms);
    }
    CHECK(world.ended() == "it goes on");
    damage.check(48 * megabyte);
    world.victim.close(0);
    world.run_for(10s);
    damage.check(megabyte);
  }
}

TEST_CASE("acknowledgements of what was never sent close the connection") {
  HostileWorld world;
  Damage damage{world};
  const std::uint64_t before = world.victim.stats().congestion_window;
  TransportError expected = TransportError::protocol_violation;
  SECTION("numbers of the future") {
    world.attack("\x02" + varint(1'000'000) + varint(0) + varint(0) + varint(0));
  }
  SECTION("more than there are") {
    expected = TransportError::frame_encoding_error;
    world.attack("\x02" + varint(3) + varint(0) + varint(0) + varint(4));
  }
  world.run_for(1ms);
  CHECK(world.victim.stats().congestion_window <= before);
  world.run_for(1s);
  CHECK(world.ended() == name(expected));
  damage.check(megabyte);
}

}  // namespace quoin::test
