// SPDX-License-Identifier: MIT
/// What a client learns when no UDP gets through: each way of being blocked has an error of its
/// own, and none takes longer than the settings say.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/error.hpp>

#include "support/pair.hpp"

using namespace quoin;
using namespace std::chrono_literals;
using quoin::test::Packet;
using quoin::test::Pair;
using quoin::test::PairOptions;
using quoin::test::Side;

namespace {

PairOptions patient_for(Duration time) {
  PairOptions options;
  options.client.handshake_timeout = time;
  return options;
}

PathError told(const Pair& pair, std::uint64_t code) {
  return {.path = {.local = pair.client.address, .remote = pair.server.address},
          .error = Error{Error::Domain::system, code}};
}

}  // namespace

TEST_CASE("silence is no_answer, after the time for the handshake and not later") {
  const Duration patience = GENERATE(300ms, 2s, 5s);
  Pair pair{patient_for(patience)};
  pair.filter = [](const Side&, Packet&) { return false; };
  pair.connect();
  const Time start = pair.now();
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 60s));
  CHECK(*pair.client.closed == Error{LocalError::no_answer});
  CHECK(pair.now() - start >= patience);
  CHECK(pair.now() - start <= patience + 50ms);
}

TEST_CASE("what ICMP says of a host is told at once, by its own name") {
  const auto code =
      GENERATE(as<std::uint64_t>{}, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES, EPERM);
  Pair pair{patient_for(5s)};
  pair.filter = [](const Side&, Packet&) { return false; };
  pair.connect();
  const Time start = pair.now();
  pair.run_for(20ms);
  pair.client.endpoint->handle_path_error(told(pair, code), pair.now());
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 1s));
  CHECK(*pair.client.closed == Error{Error::Domain::system, code});
  CHECK(pair.now() - start < 100ms);
}

TEST_CASE("a connection that has heard of its server believes no ICMP, which anybody can forge") {
  Pair pair;
  pair.establish();
  for (const unsigned code :
       {0U + ECONNREFUSED, 0U + EHOSTUNREACH, 0U + ENETUNREACH, 0U + EMSGSIZE}) {
    pair.client.endpoint->handle_path_error(told(pair, code), pair.now());
  }
  pair.run_for(1s);
  CHECK_FALSE(pair.client.closed.has_value());
  CHECK(pair.client.is_connected());
}

TEST_CASE("an answer that leads nowhere is a handshake_timeout, not silence") {
  PairOptions options = patient_for(2s);
  // The first answer is a Retry: anything else might complete the client's handshake.
  options.server.retry = quic::RetryPolicy::always;
  Pair pair{options};
  int answers = 0;
  pair.filter = [&](const Side& from, Packet&) { return &from == &pair.client || ++answers == 1; };
  pair.connect();
  REQUIRE(pair.run_until([&] { return pair.client.closed.has_value(); }, 60s));
  CHECK(*pair.client.closed == Error{LocalError::handshake_timeout});
}
