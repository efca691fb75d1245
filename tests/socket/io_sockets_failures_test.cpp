// SPDX-License-Identifier: MIT
/// The backends on sockets when system calls fail: each path is walked on real sockets by making
/// the Nth call fail.

#include <array>
#include <cerrno>
#include <span>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>

#include "io/sockets.hpp"

namespace quoin::test {

TEST_CASE("EAGAIN stops sending until the socket is writable again") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  const std::array batch{sockets.datagram("one"), sockets.datagram("two"),
                         sockets.datagram("three")};
  sockets.calls.sends = {-1, EAGAIN};
  REQUIRE(sockets.sender->send(batch) == 1);
  const int calls = sockets.calls.send_calls;
  REQUIRE(sockets.sender->send(std::span{batch}.subspan(1)) == 0);
  CHECK(sockets.calls.send_calls == calls);
  sockets.sender->wait(sockets.sender->now() + patience);
  REQUIRE(sockets.sender->send(std::span{batch}.subspan(1)) == 2);
  const auto arrivals = receive(*sockets.receiver, 3);
  REQUIRE(arrivals.size() == 3);
  CHECK(arrivals[2].payload == "three");
}

TEST_CASE("EAGAIN in the middle of a train that is sent one by one loses nothing of it") {
  QUOIN_EACH_BACKEND;
  Sockets sockets{"127.0.0.1:0", {.segmentation_offload = false}};
  const std::string payload = train(50, 100);
  sockets.calls.sends = {-7, EAGAIN, -5, EAGAIN};
  REQUIRE(sockets.send(sockets.datagram(payload, 100)) == 1);
  REQUIRE(sockets.send(sockets.datagram("after")) == 0);
  while (sockets.send(sockets.datagram("after")) == 0) {
    sockets.sender->wait(sockets.sender->now() + patience);
  }
  auto arrivals = receive(*sockets.receiver, 51);
  REQUIRE(arrivals.size() == 51);
  CHECK(arrivals.back().payload == "after");
  arrivals.pop_back();
  check_train(arrivals, 50, 100);
}

TEST_CASE("EMSGSIZE and ENOBUFS lose the datagram and nothing else") {
  QUOIN_EACH_BACKEND;
  const int failure = GENERATE(EMSGSIZE, ENOBUFS);
  Sockets sockets;
  const std::array batch{sockets.datagram("one"), sockets.datagram("two"),
                         sockets.datagram("three")};
  sockets.calls.sends = {-1, failure};
  if (failure == EMSGSIZE) {  // the first one may have been meant for an earlier datagram
    sockets.calls.sends.push_back(failure);
  }
  REQUIRE(sockets.sender->send(batch) == 3);
  const auto arrivals = receive(*sockets.receiver, 2);
  REQUIRE(arrivals.size() == 2);
  CHECK(arrivals[0].payload == "one");
  CHECK(arrivals[1].payload == "three");
  CHECK(sockets.sender->errors().empty());
  CHECK(sockets.sender->describe().find("1 not sendable") != std::string::npos);
}

TEST_CASE("a pending EMSGSIZE of an earlier datagram does not lose the next one") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  sockets.calls.sends = {EMSGSIZE};
  REQUIRE(sockets.send(sockets.datagram("one")) == 1);
  CHECK(receive(*sockets.receiver, 1).size() == 1);
}

TEST_CASE("a refused train turns offload off for good and goes out one by one at once") {
  QUOIN_EACH_BACKEND;
  const int failure = GENERATE(EIO, EINVAL);
  Sockets sockets;
  if (sockets.sender->capabilities().max_send_segments == 1) {
    SKIP("no segmentation offload here");
  }
  const std::string payload = train(40, 1000);
  REQUIRE(sockets.send(sockets.datagram(payload, 1000)) == 1);
  check_train(receive(*sockets.receiver, 40), 40, 1000);
  CHECK(sockets.calls.send_calls == 1);
  sockets.calls.sends = {failure};
  REQUIRE(sockets.send(sockets.datagram(payload, 1000)) == 1);
  check_train(receive(*sockets.receiver, 40), 40, 1000);
  CHECK(sockets.sender->capabilities().max_send_segments == 1);
  CHECK(sockets.sender->errors().empty());
  REQUIRE(sockets.send(sockets.datagram(payload, 1000)) == 1);
  check_train(receive(*sockets.receiver, 40), 40, 1000);
}

TEST_CASE("a refusal that is not the offload's fault leaves it on") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  if (sockets.sender->capabilities().max_send_segments == 1) {
    SKIP("no segmentation offload here");
  }
  const std::string payload = train(10, 1000);
  sockets.calls.sends = {EINVAL, EINVAL, EINVAL, EINVAL, EINVAL};
  REQUIRE(sockets.send(sockets.datagram(payload, 1000, Ecn::ect0)) == 1);
  CHECK(sockets.sender->capabilities().max_send_segments > 1);
  CHECK(sockets.sender->capabilities().ecn);
  sockets.calls.sends.clear();
  CHECK(sockets.sender->errors().size() == 1);
  REQUIRE(sockets.send(sockets.datagram(payload, 1000, Ecn::ect0)) == 1);
  check_train(receive(*sockets.receiver, 10), 10, 1000);
}

TEST_CASE("a refused ECN mark is left out from then on") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  sockets.calls.sends = {EINVAL};
  REQUIRE(sockets.send(sockets.datagram("one", 0, Ecn::ect0)) == 1);
  REQUIRE(sockets.send(sockets.datagram("two", 0, Ecn::ect0)) == 1);
  const auto arrivals = receive(*sockets.receiver, 2);
  REQUIRE(arrivals.size() == 2);
  CHECK(arrivals[0].ecn == Ecn::not_ect);
  CHECK(arrivals[1].ecn == Ecn::not_ect);
  CHECK_FALSE(sockets.sender->capabilities().ecn);
}

TEST_CASE("a pending error is retried once, and a lasting one reported for its path") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  sockets.calls.sends = {EHOSTUNREACH};
  REQUIRE(sockets.send(sockets.datagram("one")) == 1);
  CHECK(receive(*sockets.receiver, 1).size() == 1);
  CHECK(sockets.sender->errors().empty());
  sockets.calls.sends = {EPERM, EPERM};
  REQUIRE(sockets.send(sockets.datagram("two")) == 1);
  const auto found = sockets.sender->errors();
  REQUIRE(found.size() == 1);
  CHECK(found[0].error == Error{Error::Domain::system, EPERM});
  CHECK(found[0].path == Path{.local = sockets.from, .remote = sockets.to});
}

TEST_CASE("an interrupted call is repeated") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  sockets.calls.sends = {EINTR, EINTR};
  REQUIRE(sockets.send(sockets.datagram("one")) == 1);
  CHECK(receive(*sockets.receiver, 1).size() == 1);
}

TEST_CASE("what a kernel does not know is done without") {
  QUOIN_EACH_BACKEND;
  constexpr int udp_segment = 103;
  constexpr int udp_gro = 104;
  constexpr int ip_mtu_discover = 10;
  constexpr int ip_recvtos = 13;
  FaultyCalls calls;
  calls.refused_options = {udp_segment, udp_gro, ip_mtu_discover, ip_recvtos};
  const auto backend = make_backend({}, calls);
  CHECK(backend->capabilities().max_send_segments == 1);
  REQUIRE(backend->open(address("127.0.0.1:0")));
  CHECK(backend->capabilities().max_send_segments == 1);
  CHECK(backend->capabilities().may_fragment);
  CHECK_FALSE(backend->capabilities().ecn);
  CHECK(backend->describe().find("GSO off, GRO off, ECN off, DF off") != std::string::npos);
}

}  // namespace quoin::test
