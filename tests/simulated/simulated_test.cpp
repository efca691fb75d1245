// SPDX-License-Identifier: MIT
/// The simulated network: that links do what they were told, to the nanosecond, and that a seed
/// repeats a run.

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"
#include "simulated/hosts.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using io::Fate;
using io::SimulatedNetwork;

}  // namespace

TEST_CASE("a datagram arrives after exactly the delay of its link, with its ECN mark") {
  Hosts hosts;
  hosts.link().delay = 12345678ns;
  const Time start = hosts.network.now();
  hosts.send("hello", 0, Ecn::ect0);
  REQUIRE(hosts.run_until_received(1));
  CHECK(hosts.network.now() == start + 12345678ns);
  const auto& received = hosts.right.received.front();
  CHECK(received.payload == "hello");
  CHECK(received.ecn == Ecn::ect0);
  CHECK(received.time == start + 12345678ns);
  CHECK(received.path.local == hosts.right_address);
  CHECK(received.path.remote == hosts.left_address);
}

TEST_CASE("the two directions are links of their own") {
  Hosts hosts;
  hosts.network.link_both(left_ip, right_ip, {.delay = 5ms});
  hosts.network.link(right_ip, left_ip).delay = 70ms;
  const Time start = hosts.network.now();
  hosts.right.on_datagram = [&](const Datagram& datagram) {
    hosts.right.outgoing.push_back(
        {.path = datagram.path, .payload = std::string{as_text(datagram.payload)}});
  };
  hosts.send("ping");
  REQUIRE(hosts.network.run_until([&] { return !hosts.left.received.empty(); }, 1s));
  CHECK(hosts.network.now() == start + 75ms);
}

TEST_CASE("a train travels as single datagrams") {
  Hosts hosts;
  hosts.send("aaabbbcc", 3);
  REQUIRE(hosts.run_until_received(3));
  CHECK(hosts.right.received[0].payload == "aaa");
  CHECK(hosts.right.received[1].payload == "bbb");
  CHECK(hosts.right.received[2].payload == "cc");
}

TEST_CASE("a link loses the datagrams that it was told to lose") {
  Hosts hosts;
  hosts.link().drop = {2, 3};
  for (const char* payload : {"1", "2", "3", "4"}) {
    hosts.send(payload);
  }
  REQUIRE(hosts.run_until_received(2));
  CHECK(hosts.right.received[0].payload == "1");
  CHECK(hosts.right.received[1].payload == "4");
  CHECK(hosts.fates() == std::vector{Fate::lost, Fate::lost, Fate::delivered, Fate::delivered});
}

TEST_CASE("a link that is down loses everything and counts on") {
  Hosts hosts;
  hosts.link().down = true;
  hosts.send("1");
  CHECK_FALSE(hosts.run_until_received(1));
  hosts.link().down = false;
  hosts.send("2");
  REQUIRE(hosts.run_until_received(1));
  CHECK(std::get<std::uint64_t>(hosts.trace.back()) == 2);
}

TEST_CASE("a link loses, duplicates and corrupts about as often as it was told to") {
  Hosts hosts{77};
  hosts.link().loss = 0.1;
  hosts.link().duplication = 0.2;
  hosts.link().corruption = 0.3;
  constexpr int count = 5000;
  for (int i = 0; i < count; ++i) {
    hosts.send("payload!");
  }
  hosts.network.run_for(1s);
  int lost = 0;
  int delivered = 0;
  for (const Fate fate : hosts.fates()) {
    lost += fate == Fate::lost ? 1 : 0;
    delivered += fate == Fate::delivered ? 1 : 0;
  }
  int corrupted = 0;
  for (const auto& received : hosts.right.received) {
    corrupted += received.payload != "payload!" ? 1 : 0;
    CHECK(received.payload.size() == 8);
  }
  CHECK(lost > 400);
  CHECK(lost < 600);
  CHECK(delivered > 1.15 * (count - lost));
  CHECK(delivered < 1.25 * (count - lost));
  CHECK(corrupted > 0.25 * delivered);
  CHECK(corrupted < 0.35 * delivered);
}

TEST_CASE("jitter spreads arrivals between the delay and the delay plus jitter") {
  Hosts hosts;
  hosts.link().delay = 10ms;
  hosts.link().jitter = 4ms;
  const Time start = hosts.network.now();
  for (int i = 0; i < 500; ++i) {
    hosts.send(std::to_string(i));
  }
  hosts.network.run_for(1s);
  REQUIRE(hosts.right.received.size() == 500);
  CHECK(hosts.right.received.front().time >= start + 10ms);
  CHECK(hosts.right.received.back().time <= start + 14ms);
  CHECK(hosts.right.received.back().time - hosts.right.received.front().time > 3ms);
  CHECK(hosts.right.received.front().payload != "0");
}

TEST_CASE("one seed gives one run, and another seed another") {
  const auto run = [](std::uint64_t seed) {
    Hosts hosts{seed};
    hosts.link() = {.loss = 0.1, .corruption = 0.1, .duplication = 0.1, .jitter = 20ms};
    for (int i = 0; i < 300; ++i) {
      hosts.send("datagram " + std::to_string(i));
      hosts.network.run_for(1ms);
    }
    hosts.network.run_for(1s);
    std::vector<std::byte> random(32);
    hosts.network.host(left_ip).backend().fill_random(random);
    return std::pair{hosts.trace, random};
  };
  const auto first = run(42);
  CHECK(first == run(42));
  const auto other = run(43);
  CHECK(first.first != other.first);
  CHECK(first.second != other.second);
}

TEST_CASE("what happens on one link does not change the luck of another") {
  const auto run = [](bool with_traffic) {
    Hosts hosts{5};
    hosts.link().loss = 0.5;
    for (int i = 0; i < 50; ++i) {
      hosts.send(std::to_string(i));
      if (with_traffic) {
        hosts.send_to(address("10.0.0.3:1"), "elsewhere");
      }
    }
    hosts.network.run_for(1s);
    std::set<std::string> arrived;
    for (const auto& received : hosts.right.received) {
      arrived.insert(received.payload);
    }
    return arrived;
  };
  CHECK(run(false) == run(true));
}

TEST_CASE("a datagram larger than the link's MTU vanishes, headers counted") {
  Hosts hosts;
  hosts.link().mtu = 1280;
  hosts.send(std::string(1280 - 28, 'x'));
  hosts.send(std::string(1280 - 27, 'x'));
  hosts.network.run_for(1s);
  CHECK(hosts.right.received.size() == 1);
  CHECK(hosts.fates() == std::vector{Fate::too_large, Fate::delivered});

  FakeDriver v6;
  hosts.network.add_address(left_ip, "2001:db8::1");
  hosts.network.add_address(right_ip, "2001:db8::2");
  hosts.network.link("2001:db8::1", "2001:db8::2").mtu = 1280;
  REQUIRE(open_socket(hosts.network.host(right_ip), v6, address("[2001:db8::2]:1")));
  REQUIRE(open_socket(hosts.network.host(left_ip), hosts.left, address("[2001:db8::1]:1")));
  hosts.left_address = address("[2001:db8::1]:1");
  hosts.send_to(address("[2001:db8::2]:1"), std::string(1280 - 48, 'x'));
  hosts.send_to(address("[2001:db8::2]:1"), std::string(1280 - 47, 'x'));
  hosts.network.run_for(1s);
  CHECK(v6.received.size() == 1);
}

TEST_CASE("a limited link spaces datagrams, queues some and drops the rest") {
  Hosts hosts;
  hosts.link() = {.delay = 10ms, .bits_per_second = 8'000'000, .queue = 3};  // 1 byte a us
  const Time start = hosts.network.now();
  for (int i = 0; i < 6; ++i) {
    hosts.send(std::string(972, 'x'));  // 1000 bytes of IP packet
  }
  hosts.network.run_for(1s);
  REQUIRE(hosts.right.received.size() == 4);  // one on the wire, three in the queue
  for (int i = 0; i < 4; ++i) {
    CHECK(hosts.right.received[static_cast<std::size_t>(i)].time == start + 10ms + (i + 1) * 1ms);
  }
  const Time later = hosts.network.now();
  hosts.send(std::string(972, 'x'));
  REQUIRE(hosts.run_until_received(5));
  CHECK(hosts.network.now() == later + 11ms);
  CHECK(hosts.fates()[0] == Fate::queue_full);
  CHECK(hosts.fates()[1] == Fate::queue_full);
}

TEST_CASE("a port without a socket is reported to the sender like an ICMP message") {
  Hosts hosts;
  hosts.network.link_both(left_ip, right_ip, {.delay = 7ms});
  const Time start = hosts.network.now();
  hosts.send_to(address("10.0.0.2:2001"), "anybody?");
  REQUIRE(hosts.network.run_until([&] { return !hosts.left.errors.empty(); }, 1s));
  CHECK(hosts.network.now() == start + 14ms);
  CHECK(hosts.left.errors[0].path ==
        Path{.local = hosts.left_address, .remote = address("10.0.0.2:2001")});
  CHECK(hosts.left.errors[0].error == Error{Error::Domain::system, ECONNREFUSED});
  CHECK(hosts.fates() == std::vector{Fate::unreachable});
}

TEST_CASE("nobody hears of a datagram to an address that no host has") {
  Hosts hosts;
  hosts.send_to(address("10.9.9.9:1"), "anybody?");
  hosts.network.run_for(10s);
  CHECK(hosts.left.errors.empty());
  CHECK(hosts.fates() == std::vector{Fate::lost});
}

TEST_CASE("a socket on the unspecified address tells which of the host's addresses was meant") {
  Hosts hosts;
  FakeDriver any;
  hosts.network.add_address(right_ip, "10.0.0.22");
  REQUIRE(open_socket(hosts.network.host(right_ip), any, address("0.0.0.0:7")));
  hosts.send_to(address("10.0.0.22:7"), "x");
  hosts.network.run_for(1s);
  REQUIRE(any.received.size() == 1);
  CHECK(any.received[0].path.local == address("10.0.0.22:7"));
}

TEST_CASE("a host sends from its first address of the family unless told otherwise") {
  Hosts hosts;
  Loop& loop = hosts.network.host(left_ip);
  hosts.network.add_address(left_ip, "10.0.0.11");
  hosts.network.add_address(left_ip, "2001:db8::1");
  const auto any = open_socket(loop, hosts.left, address("0.0.0.0:0"));
  REQUIRE(any);
  CHECK(any->port() != 0);
  CHECK(loop.backend().source_for(hosts.right_address) == address("10.0.0.1:0"));
  CHECK(loop.backend().source_for(address("[2001:db8::2]:1")) == address("[2001:db8::1]:0"));
  hosts.left_address = *any;
  hosts.send("unspecified");
  hosts.left_address = address("10.0.0.11:0").with_port(any->port());
  hosts.send("named");
  hosts.left_address = address("10.0.0.12:0").with_port(any->port());
  hosts.send("spoofed");
  hosts.network.run_for(1s);
  REQUIRE(hosts.right.received.size() == 2);
  CHECK(hosts.right.received[0].path.remote == address("10.0.0.1:0").with_port(any->port()));
  CHECK(hosts.right.received[1].path.remote == address("10.0.0.11:0").with_port(any->port()));
}

TEST_CASE("a host opens only addresses that are its own and not in use") {
  Hosts hosts;
  io::Backend& backend = hosts.network.host(left_ip).backend();
  CHECK(backend.open(hosts.right_address).error() == Error{Error::Domain::system, EADDRNOTAVAIL});
  CHECK(backend.open(hosts.left_address).error() == Error{Error::Domain::system, EADDRINUSE});
  CHECK(backend.open(address("0.0.0.0:1000")).error() == Error{Error::Domain::system, EADDRINUSE});
  backend.close(hosts.left_address);
  CHECK(backend.open(hosts.left_address) == hosts.left_address);
}

TEST_CASE("an injected datagram may claim any source") {
  Hosts hosts;
  hosts.network.inject(
      {.path = {.local = address("203.0.113.66:666"), .remote = hosts.right_address},
       .payload = as_bytes("boo")});
  REQUIRE(hosts.run_until_received(1));
  CHECK(hosts.right.received[0].path.remote == address("203.0.113.66:666"));
}

TEST_CASE("running until a condition ends at the limit, or when nothing is left to happen") {
  Hosts hosts;
  const Time start = hosts.network.now();
  CHECK_FALSE(hosts.network.run_until([] { return false; }, 1h));
  CHECK(hosts.network.now() == start);  // nothing was going to happen
  hosts.network.host(left_ip).after(2h, [] {});
  CHECK_FALSE(hosts.network.run_until([] { return false; }, 1h));
  CHECK(hosts.network.now() == start + 1h);
  CHECK(hosts.network.run_until([] { return true; }, 1h));
  CHECK(hosts.network.now() == start + 1h);
  hosts.network.run_for(30min);
  CHECK(hosts.network.now() == start + 90min);
}

TEST_CASE("timers of all hosts run at their virtual time") {
  Hosts hosts;
  const Time start = hosts.network.now();
  std::vector<std::pair<std::string, Duration>> log;
  for (const char* ip : {right_ip, left_ip}) {
    Loop& loop = hosts.network.host(ip);
    loop.after(ip == left_ip ? 1h : 30min,
               [&log, &loop, ip, start] { log.emplace_back(ip, loop.now() - start); });
  }
  hosts.network.run_for(2h);
  CHECK(log == std::vector<std::pair<std::string, Duration>>{{right_ip, 30min}, {left_ip, 1h}});
}

TEST_CASE("a loop that always wants another turn does not stop the virtual clock") {
  Hosts hosts;
  hosts.left.on_dispatch = [&] { wake_driver(hosts.network.host(left_ip), hosts.left); };
  wake_driver(hosts.network.host(left_ip), hosts.left);
  CHECK_FALSE(hosts.network.run_until([] { return false; }, 1ms));
}

TEST_CASE("a job posted by another thread runs on the next run of the network") {
  Hosts hosts;
  bool ran = false;
  Loop& loop = hosts.network.host(left_ip);
  std::jthread{[&] { loop.post([&] { ran = true; }); }}.join();
  CHECK(hosts.network.run_until([&] { return ran; }, 1ms));
}

TEST_CASE("text that is no IP address is a programming error with the text in it") {
  SimulatedNetwork network{1};
  CHECK_THROWS_AS(network.host("localhost"), std::invalid_argument);
  (void)network.host(left_ip);
  (void)network.host(right_ip);
  CHECK_THROWS_AS(network.add_address(left_ip, right_ip), std::invalid_argument);
}

}  // namespace quoin::test
