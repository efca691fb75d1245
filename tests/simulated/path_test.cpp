// SPDX-License-Identifier: MIT
/// What a simulated path does beyond delaying and losing evenly: bursts, ECN, ICMP, NATs,
/// addresses that go, changes at a time of their own, and attackers. See simulated_test.cpp for
/// the rest.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"
#include "simulated/hosts.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using io::Fate;

/// The left host says something through a NAT, and the right one hears it.
Address seen_as(Hosts& hosts, const std::string& payload) {
  const std::size_t before = hosts.right.received.size();
  hosts.send(payload);
  REQUIRE(hosts.run_until_received(before + 1));
  return hosts.right.received.back().path.remote;
}

/// The right host says something to `to`; true if the left one hears it.
bool is_heard(Hosts& hosts, const Address& to) {
  const std::size_t before = hosts.left.received.size();
  hosts.right.outgoing.push_back(
      {.path = {.local = hosts.right_address, .remote = to}, .payload = "answer"});
  wake_driver(hosts.network.host(right_ip), hosts.right);
  return hosts.network.run_until([&] { return hosts.left.received.size() > before; }, 1s);
}

}  // namespace

TEST_CASE("a link changes at the time it was told to, to the nanosecond") {
  Hosts hosts;
  const Time start = hosts.network.now();
  hosts.link().delay = 10ms;
  hosts.network.after(1s, [&] { hosts.link().delay = 30ms; });
  hosts.network.run_for(1s - 1ns);
  hosts.send("before");
  hosts.network.run_for(1ns);
  hosts.send("after");
  REQUIRE(hosts.run_until_received(2));
  CHECK(hosts.right.received[0].time == start + 1s - 1ns + 10ms);
  CHECK(hosts.right.received[1].time == start + 1s + 30ms);
}

TEST_CASE("what happens later may plan more, in the order of its time") {
  Hosts hosts;
  std::string log;
  hosts.network.after(2s, [&] { log += 'c'; });
  hosts.network.after(1s, [&] {
    log += 'a';
    hosts.network.after(0s, [&] { log += 'b'; });
  });
  CHECK(hosts.network.run_until([&] { return log == "ab"; }, 1s));
  CHECK(hosts.network.run_until([&] { return log == "abc"; }, 1s));
}

TEST_CASE("an outage cuts both directions for its time") {
  Hosts hosts;
  hosts.network.outage(left_ip, right_ip, 100ms, 200ms);
  const auto both_ways = [&] {
    hosts.send("there");
    hosts.right.outgoing.push_back(
        {.path = {.local = hosts.right_address, .remote = hosts.left_address}, .payload = "back"});
    wake_driver(hosts.network.host(right_ip), hosts.right);
    hosts.network.run_for(50ms);
    return hosts.left.received.size() * 10 + hosts.right.received.size();
  };
  CHECK(both_ways() == 11);
  hosts.network.run_for(50ms);
  CHECK(both_ways() == 11);
  hosts.network.run_for(149ms);
  CHECK(both_ways() == 11);
  CHECK(both_ways() == 22);
}

TEST_CASE("losses come in bursts as long as they were told to be") {
  Hosts hosts{11};
  hosts.link().burst = {.begin = 0.01, .end = 0.2, .loss = 1};
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) {
    hosts.send("x");
  }
  hosts.network.run_for(1s);
  int lost = 0;
  int bursts = 0;
  std::vector<bool> is_lost(count + 1, false);
  for (const auto& [time, number, payload, fate] : hosts.trace) {
    is_lost[number] = fate == Fate::lost;
  }
  for (std::size_t i = 1; i < is_lost.size(); ++i) {
    lost += is_lost[i] ? 1 : 0;
    bursts += is_lost[i] && !is_lost[i - 1] ? 1 : 0;
  }
  CHECK(lost > 0.035 * count);  // 0.01 / (0.01 + 0.2) of the time
  CHECK(lost < 0.06 * count);
  CHECK(lost > 4 * bursts);
  CHECK(lost < 6 * bursts);
}

TEST_CASE("a datagram that is held back is overtaken by those behind it") {
  Hosts hosts{2};
  hosts.link().reordering = 0.25;
  hosts.link().reordering_delay = 3ms;
  for (int i = 0; i < 400; ++i) {
    hosts.send(std::to_string(i));
    hosts.network.run_for(1ms);
  }
  hosts.network.run_for(1s);
  REQUIRE(hosts.right.received.size() == 400);
  int late = 0;
  int latest = -1;
  for (const auto& seen : hosts.right.received) {
    const int number = std::stoi(seen.payload);
    late += number < latest ? 1 : 0;
    latest = std::max(latest, number);
  }
  CHECK(late > 60);
  CHECK(late < 140);
}

TEST_CASE("the sender of a datagram that is too large hears of it where the link says so") {
  Hosts hosts;
  hosts.network.link_both(left_ip, right_ip, {.delay = 7ms, .mtu = 1280});
  hosts.send(std::string(1400, 'x'));
  hosts.network.run_for(1s);
  CHECK(hosts.left.errors.empty());
  hosts.link().reports_too_large = true;
  const Time start = hosts.network.now();
  hosts.send(std::string(1400, 'x'));
  REQUIRE(hosts.network.run_until([&] { return !hosts.left.errors.empty(); }, 1s));
  CHECK(hosts.network.now() == start + 14ms);
  CHECK(hosts.left.errors[0].path.remote == hosts.right_address);
  CHECK(hosts.left.errors[0].error == Error{Error::Domain::system, EMSGSIZE});
  CHECK(hosts.fates() == std::vector{Fate::too_large, Fate::too_large});
}

// RFC 3168 §5.
TEST_CASE("a link marks, or bleaches, ECN-capable datagrams and no others") {
  Hosts hosts;
  const auto arrives_as = [&](Ecn ecn) {
    hosts.send("x", 0, ecn);
    REQUIRE(hosts.run_until_received(hosts.right.received.size() + 1));
    return hosts.right.received.back().ecn;
  };
  CHECK(arrives_as(Ecn::ect1) == Ecn::ect1);
  hosts.link().ce = 1;
  CHECK(arrives_as(Ecn::ect0) == Ecn::ce);
  CHECK(arrives_as(Ecn::ect1) == Ecn::ce);
  CHECK(arrives_as(Ecn::not_ect) == Ecn::not_ect);
  hosts.link().clears_ecn = true;
  CHECK(arrives_as(Ecn::ect0) == Ecn::not_ect);
  CHECK(arrives_as(Ecn::ce) == Ecn::not_ect);
}

TEST_CASE("a link with a long queue marks before it drops") {
  Hosts hosts;
  hosts.link() = {.bits_per_second = 8'000'000, .queue = 8, .ce_queue = 3};
  for (int i = 0; i < 12; ++i) {
    hosts.send(std::string(972, 'x'), 0, Ecn::ect0);
  }
  hosts.network.run_for(1s);
  REQUIRE(hosts.right.received.size() == 9);
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(hosts.right.received[i].ecn == (i < 3 ? Ecn::ect0 : Ecn::ce));
  }
}

TEST_CASE("a host behind a NAT is seen as the NAT, and answers find it") {
  Hosts hosts;
  hosts.network.nat(left_ip, "203.0.113.1");
  hosts.link().delay = 3ms;  // links know it by its own address
  const Time start = hosts.network.now();
  const Address outside = seen_as(hosts, "hello");
  CHECK(hosts.network.now() == start + 3ms);
  CHECK(outside.host() == "203.0.113.1");
  CHECK(outside.port() != hosts.left_address.port());
  CHECK(seen_as(hosts, "again") == outside);
  REQUIRE(is_heard(hosts, outside));
  CHECK(hosts.left.received.back().path ==
        Path{.local = hosts.left_address, .remote = hosts.right_address});
  CHECK_FALSE(is_heard(hosts, outside.with_port(1)));
}

TEST_CASE("a NAT that rebinds uses another port, or another address, and forgets the old one") {
  Hosts hosts;
  hosts.network.nat(left_ip, "203.0.113.1");
  const Address first = seen_as(hosts, "1");
  hosts.network.rebind(left_ip);
  CHECK_FALSE(is_heard(hosts, first));
  const Address second = seen_as(hosts, "2");
  CHECK(second.host() == first.host());
  CHECK(second.port() != first.port());
  CHECK(is_heard(hosts, second));
  hosts.network.rebind(left_ip, "203.0.113.2");
  const Address third = seen_as(hosts, "3");
  CHECK(third.host() == "203.0.113.2");
  CHECK_FALSE(is_heard(hosts, second));
  CHECK(is_heard(hosts, third));
}

TEST_CASE("two hosts share the address of one NAT and keep apart") {
  Hosts hosts;
  FakeDriver other;
  REQUIRE(open_socket(hosts.network.host("10.0.0.3"), other, address("10.0.0.3:1000")));
  hosts.network.nat(left_ip, "203.0.113.1");
  hosts.network.nat("10.0.0.3", "203.0.113.1");
  const Address left = seen_as(hosts, "left");
  other.outgoing.push_back(
      {.path = {.local = address("10.0.0.3:1000"), .remote = hosts.right_address},
       .payload = "other"});
  wake_driver(hosts.network.host("10.0.0.3"), other);
  REQUIRE(hosts.run_until_received(2));
  const Address third = hosts.right.received.back().path.remote;
  CHECK(third.host() == left.host());
  CHECK(third.port() != left.port());
  CHECK(is_heard(hosts, left));
  CHECK_FALSE(is_heard(hosts, third));
  CHECK(other.received.size() == 1);
}

TEST_CASE("an error about a datagram finds its sender behind a NAT") {
  Hosts hosts;
  hosts.network.nat(left_ip, "203.0.113.1");
  hosts.send_to(address("10.0.0.2:2001"), "anybody?");
  REQUIRE(hosts.network.run_until([&] { return !hosts.left.errors.empty(); }, 1s));
  CHECK(hosts.left.errors[0].path.local == hosts.left_address);
}

TEST_CASE("an address that is taken from its host sends and receives nothing until it is back") {
  Hosts hosts;
  hosts.network.remove_address(left_ip);
  hosts.send("gone");
  CHECK_FALSE(hosts.run_until_received(1));
  CHECK_FALSE(is_heard(hosts, hosts.left_address));
  hosts.network.add_address(left_ip, left_ip);
  hosts.send("back");
  CHECK(hosts.run_until_received(1));
  CHECK(is_heard(hosts, hosts.left_address));
}

TEST_CASE("an attacker on the path loses, changes and repeats datagrams as it likes") {
  Hosts hosts;
  int asked = 0;
  hosts.network.intercept([&](const Datagram& datagram) {
    ++asked;
    if (as_text(datagram.payload) != "100 gold") return as_text(datagram.payload) != "secret";
    hosts.network.inject({.path = datagram.path, .payload = as_bytes("999 gold")});
    return false;
  });
  std::optional<std::string> copy;
  hosts.network.tap([&](const io::Observation& seen) {
    if (seen.fate == Fate::delivered && !copy) {
      copy = as_text(seen.datagram.payload);
      hosts.network.inject({.path = seen.datagram.path, .payload = as_bytes(*copy)});
    }
  });
  hosts.send("secret");
  hosts.send("100 gold");
  hosts.send("bye");
  hosts.network.run_for(1s);
  CHECK(asked == 3);
  REQUIRE(hosts.right.received.size() == 3);
  CHECK(hosts.right.received[0].payload == "999 gold");
  CHECK(hosts.right.received[1].payload == "bye");
  CHECK(hosts.right.received[2].payload == "999 gold");
  CHECK(hosts.right.received[2].path.remote == hosts.left_address);
}

TEST_CASE("what no network can do is a programming error with the address in it") {
  Hosts hosts;
  CHECK_THROWS_AS(hosts.network.rebind(left_ip), std::invalid_argument);
  CHECK_THROWS_AS(hosts.network.rebind(left_ip, "203.0.113.1"), std::invalid_argument);
  CHECK_THROWS_AS(hosts.network.nat(left_ip, right_ip), std::invalid_argument);
  CHECK_THROWS_AS(hosts.network.nat(left_ip, "2001:db8::1"), std::invalid_argument);
  hosts.network.nat(left_ip, "203.0.113.1");
  CHECK_THROWS_AS(hosts.network.nat(left_ip, "203.0.113.2"), std::invalid_argument);
}

}  // namespace quoin::test
