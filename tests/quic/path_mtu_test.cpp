// SPDX-License-Identifier: MIT
/// The guard against black holes alone, on a link of one round trip a step.
#include "quic/path_mtu.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/time.hpp>

using namespace quoin;
using namespace std::chrono_literals;
using quic::FlightCounters;
using quic::PathMtuGuard;

namespace {

constexpr std::array<std::uint16_t, 4> ladder{1452, 1472, 1392, 1232};
constexpr Duration rtt = 20ms;
constexpr Duration pto = 3 * rtt;

/// A sender that keeps `window` datagrams in flight, whose fate is known a round trip later, and
/// that sends two datagrams after a probe timeout.
struct Sender {
  /// `passes(size)`: a datagram of that size gets through.
  explicit Sender(std::function<bool(std::size_t)> link) : passes(std::move(link)) {
    guard.start_path(1200);
    guard.set_path_size(1472);
  }

  void send() {
    flight.push_back(guard.limit());
    counters.in_flight += flight.back();
    guard.handle_sent(flight.back(), counters, now);
  }

  void step() {
    for (int i = 0; i < window; ++i) send();
    now += rtt;
    std::vector<std::size_t> lost;
    bool answered = false;
    for (const std::size_t size : flight) {
      if (passes(size)) {
        answered = true;
      } else {
        lost.push_back(size);
      }
    }
    if (!answered) {  // nothing comes back: only time passes
      for (int backoff = 1; backoff <= 2 && !answered; backoff *= 2) {
        now += backoff * pto;
        guard.handle_news(counters, pto, now);
        for (int i = 0; i < 2; ++i) {
          send();
          answered = answered || passes(flight.back());
        }
      }
      if (!answered) return;
      lost.clear();
      for (const std::size_t size : flight) {
        if (!passes(size)) lost.push_back(size);
      }
    }
    counters.in_flight = 0;
    for (const std::size_t size : lost) {
      counters.bytes_lost += size;
      ++counters.packets_lost;
    }
    flight.clear();
    guard.handle_news(counters, pto, now);
  }

  std::function<bool(std::size_t)> passes;
  PathMtuGuard guard{ladder};
  FlightCounters counters;
  std::vector<std::size_t> flight;
  Time now{1s};
  int window = 4;
};

}  // namespace

TEST_CASE("nothing is suspected of a path that carries what it did") {
  Sender sender{[](std::size_t) { return true; }};
  for (int i = 0; i < 1000; ++i) sender.step();
  CHECK(sender.guard.size() == 1472);
  CHECK(sender.guard.fallbacks() == 0);
}

// RFC 8899 §4.3.
TEST_CASE("a path that stops carrying large datagrams is used with what it still carries") {
  const auto [carries, found] =
      GENERATE(table<std::size_t, std::size_t>({{1471, 1452}, {1300, 1232}, {1200, 1200}}));
  std::size_t largest = 1472;
  Sender sender{[&largest](std::size_t size) { return size <= largest; }};
  for (int i = 0; i < 10; ++i) sender.step();
  largest = carries;
  const Time start = sender.now;
  while (sender.guard.size() != found || sender.guard.limit() != found) {
    sender.step();
    REQUIRE(sender.now - start < 2s);
  }
  CHECK(sender.guard.fallbacks() == 1);
  for (int i = 0; i < 10; ++i) sender.step();
  CHECK(sender.guard.limit() == found);
}

TEST_CASE("a path that carries less and less is followed down") {
  const bool while_raising = GENERATE(false, true);
  std::size_t largest = 1472;
  Sender sender{[&largest](std::size_t size) { return size <= largest; }};
  const auto run_to = [&](std::size_t found) {
    const Time start = sender.now;
    while (sender.guard.size() != found || sender.guard.limit() != found) {
      sender.step();
      REQUIRE(sender.now - start < 2s);
    }
  };
  for (int i = 0; i < 10; ++i) sender.step();
  largest = 1400;
  run_to(1392);
  if (while_raising) {
    while (sender.guard.limit() == 1392) sender.step();
  }
  largest = 1300;
  run_to(1232);
  CHECK(sender.guard.fallbacks() == 2);
}

TEST_CASE("an outage is no black hole") {
  bool down = false;
  Sender sender{[&down](std::size_t) { return !down; }};
  for (int i = 0; i < 10; ++i) sender.step();
  down = true;
  for (int i = 0; i < 5; ++i) sender.step();
  CHECK(sender.guard.size() == 1200);  // a suspicion, on which nothing is lost
  down = false;
  for (int i = 0; i < 4; ++i) sender.step();
  CHECK(sender.guard.size() == 1472);
  CHECK(sender.guard.fallbacks() == 0);
}

TEST_CASE("a path that carries large datagrams again is found out in a minute") {
  std::size_t largest = 1300;
  Sender sender{[&largest](std::size_t size) { return size <= largest; }};
  for (int i = 0; i < 20; ++i) sender.step();
  CHECK(sender.guard.size() == 1232);
  largest = 1472;
  const Time start = sender.now;
  while (sender.guard.size() != 1472) {
    sender.step();
    REQUIRE(sender.now - start < 65s);
  }
  CHECK(sender.guard.fallbacks() == 1);
}

TEST_CASE("a message that a datagram was too large makes a black hole known sooner") {
  const auto time_to_recover = [](bool warned) {
    std::size_t largest = 1472;
    Sender sender{[&largest](std::size_t size) { return size <= largest; }};
    for (int i = 0; i < 10; ++i) sender.step();
    largest = 1300;
    if (warned) sender.guard.handle_too_large();
    const Time start = sender.now;
    while (sender.guard.size() == 1472) sender.step();
    return sender.now - start;
  };
  CHECK(time_to_recover(true) <= time_to_recover(false));
}

// RFC 8899 §4.6.1, RFC 9000 §14.2.1.
TEST_CASE("a forged message that a datagram was too large changes nothing") {
  Sender sender{[](std::size_t) { return true; }};
  for (int i = 0; i < 100; ++i) {
    sender.guard.handle_too_large();
    sender.step();
    CHECK(sender.guard.limit() == 1472);
  }
}

TEST_CASE("nothing is carried over to another path") {
  Sender sender{[](std::size_t size) { return size <= 1300; }};
  for (int i = 0; i < 20; ++i) sender.step();
  CHECK(sender.guard.size() == 1232);
  sender.guard.start_path(1200);
  CHECK(sender.guard.size() == 1200);
  sender.guard.set_path_size(1472);
  CHECK(sender.guard.size() == 1472);
  CHECK(sender.guard.fallbacks() == 1);
}
