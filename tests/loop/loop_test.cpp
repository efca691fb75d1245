// SPDX-License-Identifier: MIT
/// The loop on a backend that does what the test says: order within a turn, timers, jobs, what
/// happens when handlers attach, detach or re-enter, and what becomes of unsent datagrams.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"
#include "loop/driver.hpp"
#include "loop/loop_fixture.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("jobs posted by other threads all run, once each, and wake the loop") {
  Fixture f;
  int runs = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 1000; ++j) {
          f.loop->post([&runs] { ++runs; });
        }
      });
    }
    for (int i = 0; i < 100; ++i) {
      f.loop->turn();
    }
  }
  CHECK(f.backend->wakes > 0);
  f.loop->turn();
  CHECK(runs == 4000);
  CHECK_FALSE(f.loop->deadline());
}

TEST_CASE("a job that posts another one does not keep the turn from ending") {
  Fixture f;
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    f.loop->post([&] { again(); });
  };
  again();
  f.loop->turn();
  CHECK(runs == 2);
  CHECK(f.loop->deadline() <= f.backend->time);
}

TEST_CASE("run() returns after the turn in which stop() was called, or which follows it") {
  Fixture f;
  f.backend->arriving.push_back({f.datagram("x")});
  f.loop->stop();
  f.loop->run();
  CHECK(f.driver.dispatched == 1);
  CHECK(f.backend->wakes == 1);
  f.loop->after(5ms, [&] { f.loop->stop(); });
  f.loop->run();
  REQUIRE_FALSE(f.backend->waits.empty());
  CHECK(f.backend->waits.back() == f.backend->time);
}

TEST_CASE("turn(), run() and wait() do nothing in a handler") {
  Fixture f;
  f.driver.on_dispatch = [&] {
    f.loop->turn();
    f.loop->run();
    f.loop->wait();
  };
  f.turn();
  CHECK(f.driver.dispatched == 1);
  CHECK(f.backend->waits.empty());
}

TEST_CASE("the time is constant within a turn and the backend's between turns") {
  Fixture f;
  f.backend->tick = 1us;
  std::vector<Time> seen;
  f.driver.on_dispatch = [&] { seen.push_back(f.loop->now()); };
  f.loop->after(0ns, [&] { seen.push_back(f.loop->now()); });
  f.backend->time += 1ms;
  f.turn();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == seen[1]);
  CHECK(f.loop->now() > seen[1]);
}

TEST_CASE("datagrams go to the driver of their socket") {
  Fixture f;
  FakeDriver any4;
  FakeDriver any6;
  REQUIRE(open_socket(*f.loop, any6, address("[::]:443")));
  REQUIRE(open_socket(*f.loop, any4, address("0.0.0.0:443")));
  const auto arrives_at = [&](std::string_view local) {
    f.backend->arriving.push_back(
        {{.path = {.local = address(local), .remote = f.remote}, .payload = as_bytes("x")}});
    f.loop->turn();
  };
  arrives_at("192.0.2.1:443");
  CHECK(f.driver.received.size() == 1);
  arrives_at("192.0.2.99:443");
  CHECK(any4.received.size() == 1);
  arrives_at("[2001:db8::1]:443");
  CHECK(any6.received.size() == 1);
  close_socket(*f.loop, address("0.0.0.0:443"));
  arrives_at("192.0.2.99:443");
  CHECK(any6.received.size() == 2);
  arrives_at("192.0.2.99:444");
  CHECK(f.driver.received.size() + any4.received.size() + any6.received.size() == 4);
  detach(*f.loop, any4);
  detach(*f.loop, any6);
}

TEST_CASE("path errors go to the driver of their socket") {
  Fixture f;
  const io::PathError error{.path = {.local = f.local, .remote = f.remote},
                            .error = {Error::Domain::system, 111}};
  f.backend->failing = {error};
  f.loop->turn();
  REQUIRE(f.driver.errors.size() == 1);
  CHECK(f.driver.errors[0].path == error.path);
  CHECK(f.driver.errors[0].error == error.error);
}

TEST_CASE("a driver that is detached while a batch is handed out gets no more of it") {
  Fixture f;
  f.driver.on_datagram = [&](const Datagram&) { detach(*f.loop, f.driver); };
  f.backend->arriving.push_back({f.datagram("one"), f.datagram("two")});
  f.driver.outgoing.push_back(f.outgoing("never"));
  f.driver.due = f.backend->time;
  f.loop->turn();
  CHECK(f.driver.received.size() == 1);
  CHECK(f.driver.timeouts.empty());
  CHECK(f.driver.dispatched == 0);
  CHECK(f.driver.polled == 0);
  CHECK(f.backend->opened.empty());
  CHECK_FALSE(f.loop->deadline());
}

TEST_CASE("handlers may detach other drivers and attach new ones") {
  Fixture f;
  auto second = std::make_unique<FakeDriver>();
  auto third = std::make_unique<FakeDriver>();
  FakeDriver added;
  REQUIRE(open_socket(*f.loop, *second, address("192.0.2.1:1")));
  REQUIRE(open_socket(*f.loop, *third, address("192.0.2.1:2")));
  f.driver.on_dispatch = [&] {
    if (second) {
      detach(*f.loop, *second);
      second.reset();
      REQUIRE(open_socket(*f.loop, added, address("192.0.2.1:3")));
    }
  };
  f.driver.outgoing.push_back(f.outgoing("a"));
  third->outgoing.push_back(f.outgoing("b"));
  added.outgoing.push_back(f.outgoing("c"));
  f.turn();
  CHECK(third->dispatched > 0);
  CHECK(added.dispatched > 0);
  Strings sent = f.sent();
  std::ranges::sort(sent);
  CHECK(sent == Strings{"a", "b", "c"});
  f.loop->turn();
}

TEST_CASE("what the backend does not take is kept, and nothing more is built until it has gone") {
  Fixture f;
  for (const char* payload : {"one", "two", "three"}) {
    f.driver.outgoing.push_back(f.outgoing(payload));
  }
  f.backend->room = 1;
  f.turn();
  CHECK(f.sent() == Strings{"one"});
  const int polled = f.driver.polled;
  f.driver.outgoing.push_back(f.outgoing("four"));
  f.turn();
  CHECK(f.driver.polled == polled);
  CHECK_FALSE(f.loop->deadline());
  f.backend->room = 1;
  f.loop->turn();
  CHECK(f.driver.polled == polled);
  f.backend->room = 100;
  f.loop->turn();
  CHECK(f.sent() == Strings{"one", "two", "three", "four"});
}

TEST_CASE("an overdue driver that waits for room to send does not make the loop spin") {
  Fixture f;
  f.driver.outgoing.push_back(f.outgoing("stuck"));
  f.driver.due = f.backend->time;
  f.driver.keeps_due = true;
  f.backend->room = 0;
  f.turn();
  CHECK(f.driver.timeouts.size() == 1);
  CHECK_FALSE(f.loop->deadline());
  f.backend->room = 10;
  f.loop->turn();
  CHECK(f.loop->deadline() == f.driver.due);
}

TEST_CASE("drivers take turns when they send") {
  Fixture f;
  FakeDriver other;
  REQUIRE(open_socket(*f.loop, other, address("192.0.2.1:1")));
  for (int i = 0; i < 3; ++i) {
    f.driver.outgoing.push_back(f.outgoing("a"));
    other.outgoing.push_back(f.outgoing("b"));
  }
  f.turn();
  const Strings sent = f.sent();
  REQUIRE(sent.size() == 6);
  for (std::size_t i = 0; i + 1 < sent.size(); ++i) {
    CHECK(sent[i] != sent[i + 1]);
  }
  detach(*f.loop, other);
}

TEST_CASE("drivers that were not asked for datagrams in a turn are the first in the next one") {
  Fixture f;
  FakeDriver second;
  FakeDriver third;
  REQUIRE(open_socket(*f.loop, second, address("192.0.2.1:1")));
  REQUIRE(open_socket(*f.loop, third, address("192.0.2.1:2")));
  second.outgoing.assign(2000, f.outgoing("a"));
  third.outgoing.assign(2000, f.outgoing("b"));
  f.driver.outgoing.assign(2000, f.outgoing("c"));
  for (int i = 0; i < 3; ++i) {
    f.turn();
  }
  Strings sent = f.sent();
  REQUIRE(sent.size() > 1000);
  Strings expected;
  while (expected.size() < sent.size()) {
    expected.insert(expected.end(), {"a", "b", "c"});
  }
  expected.resize(sent.size());
  CHECK((sent == expected));  // without printing thousands
  detach(*f.loop, second);
  detach(*f.loop, third);
}

TEST_CASE("a turn calls only the drivers that have something to do") {
  Fixture f;
  std::array<FakeDriver, 100> many;
  for (std::size_t i = 0; i < many.size(); ++i) {
    REQUIRE(open_socket(*f.loop, many[i], f.local.with_port(static_cast<std::uint16_t>(i + 1))));
    many[i].due = f.backend->time + 1h;
  }
  FakeDriver& expiring = many[17];
  FakeDriver& receiving = many[42];
  FakeDriver& commanded = many[99];
  expiring.due = f.backend->time + 1ms;
  f.loop->turn();
  for (FakeDriver& driver : many) {
    driver.dispatched = driver.polled = driver.asked = 0;
  }
  f.backend->time += 1ms;
  Datagram datagram = f.datagram("x");
  datagram.path.local = f.local.with_port(43);
  f.backend->arriving.push_back({datagram});
  wake_driver(*f.loop, commanded);
  f.loop->turn();
  CHECK(f.loop->deadline() == f.backend->time - 1ms + 1h);
  for (const FakeDriver& driver : many) {
    const bool busy = &driver == &expiring || &driver == &receiving || &driver == &commanded;
    CHECK(driver.dispatched == (busy ? 1 : 0));
    CHECK(driver.polled == (busy ? 1 : 0));
    CHECK((driver.asked != 0) == busy);
  }
  CHECK(expiring.timeouts.size() == 1);
  CHECK(receiving.received.size() == 1);
  for (FakeDriver& driver : many) {
    detach(*f.loop, driver);
  }
}

TEST_CASE("a deadline moves with what a driver receives before it has come") {
  Fixture f;
  f.driver.due = f.backend->time + 1ms;
  f.turn();
  f.backend->time += 1ms;
  f.driver.on_datagram = [&](const Datagram&) { f.driver.due = f.backend->time + 5ms; };
  f.backend->arriving.push_back({f.datagram("x")});
  f.loop->turn();
  CHECK(f.driver.timeouts.empty());
  f.driver.on_datagram = [&](const Datagram&) { f.driver.due = f.backend->time; };
  f.backend->arriving.push_back({f.datagram("x")});
  f.loop->turn();
  CHECK(f.driver.timeouts.size() == 1);
}

TEST_CASE("a driver that takes the place of a detached one inherits nothing of it") {
  Fixture f;
  FakeDriver old;
  FakeDriver heir;
  REQUIRE(open_socket(*f.loop, old, address("192.0.2.1:1")));
  old.due = f.backend->time + 1ms;
  f.loop->turn();
  detach(*f.loop, old);
  wake_driver(*f.loop, old);
  attach(*f.loop, heir);
  f.loop->turn();
  CHECK_FALSE(f.loop->deadline());
  f.backend->time += 1ms;
  f.loop->turn();
  CHECK(old.timeouts.empty());
  CHECK(heir.timeouts.empty());
  detach(*f.loop, heir);
}

TEST_CASE(
    "what comes due while the backend is blocked is told once, and again when there is room") {
  Fixture f;
  FakeDriver other;
  REQUIRE(open_socket(*f.loop, other, address("192.0.2.1:1")));
  other.due = f.backend->time + 1ms;
  other.keeps_due = true;
  f.driver.outgoing.push_back(f.outgoing("stuck"));
  f.backend->room = 0;
  f.turn();
  CHECK(f.loop->deadline() == other.due);
  f.backend->time += 1ms;
  f.loop->turn();
  f.loop->turn();
  CHECK(other.timeouts.size() == 1);
  CHECK_FALSE(f.loop->deadline());
  f.backend->room = 10;
  other.outgoing.push_back(f.outgoing("at last"));
  f.loop->turn();
  CHECK(f.sent() == Strings{"stuck", "at last"});
  CHECK(f.loop->deadline() == other.due);
  f.loop->turn();
  CHECK(other.timeouts.size() == 2);
  detach(*f.loop, other);
}

TEST_CASE("a driver that never stops sending does not keep the turn from ending") {
  Fixture f;
  f.driver.outgoing.assign(200'000, f.outgoing("more"));
  f.turn();
  CHECK(f.backend->sent.size() < 200'000);
  CHECK(f.loop->deadline() <= f.backend->time);
}

TEST_CASE("trains as large as the buffer arrive unchanged at the backend") {
  Fixture f;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    FakeDriver::Outgoing train = f.outgoing(std::string(65507, letter));
    train.segment_size = 1200;
    train.ecn = Ecn::ect0;
    f.driver.outgoing.push_back(train);
  }
  f.backend->room = 1;
  f.turn();
  f.backend->room = 100;
  f.loop->turn();
  REQUIRE(f.backend->sent.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(f.backend->sent[i].payload == std::string(65507, static_cast<char>('a' + i)));
    CHECK(f.backend->sent[i].segment_size == 1200);
    CHECK(f.backend->sent[i].ecn == Ecn::ect0);
  }
}

TEST_CASE("a flood of datagrams keeps neither timers nor the other handlers waiting") {
  Fixture f;
  for (int i = 0; i < 1000; ++i) {
    f.backend->arriving.push_back({f.datagram("x")});
  }
  bool ran = false;
  f.loop->after(0ns, [&] { ran = true; });
  f.loop->turn();
  CHECK(ran);
  CHECK(f.driver.dispatched == 1);
  CHECK(f.backend->arriving.size() > 900);
  CHECK(f.loop->deadline() <= f.backend->time);
}

TEST_CASE("a driver is told the time only when its deadline has come") {
  Fixture f;
  f.driver.due = f.backend->time + 3ms;
  f.loop->after(5ms, [] {});
  f.turn();
  CHECK(f.driver.timeouts.empty());
  CHECK(f.loop->deadline() == f.driver.due);
  f.loop->wait();
  f.loop->turn();
  CHECK(f.driver.timeouts == std::vector{f.backend->time});
}

TEST_CASE("a deadline that comes while a turn is taken needs no turn of its own") {
  Fixture f;
  f.backend->tick = 1ms;
  f.driver.outgoing.push_back(f.outgoing("paced"));
  f.driver.due = f.backend->time + 2ms;  // the turn asks for the time at its beginning and end
  f.backend->receives = 0;
  f.turn();
  CHECK(f.driver.timeouts == std::vector{f.backend->time});
  CHECK(f.driver.dispatched == 2);
  CHECK_FALSE(f.loop->deadline());
  CHECK(f.backend->receives == 1);
}

TEST_CASE("a driver that is always due again does not keep the turn from ending") {
  Fixture f;
  f.backend->tick = 1ms;
  f.driver.due = f.backend->time;
  f.driver.keeps_due = true;
  f.turn();
  CHECK(f.driver.timeouts.size() == 3);
  CHECK(f.loop->deadline() == f.driver.due);
}

TEST_CASE("a command given outside of a turn asks for one, in a foreign event loop too") {
  Fixture f;
  CHECK_FALSE(f.loop->deadline());
  wake_driver(*f.loop, f.driver);
  wake_driver(*f.loop, f.driver);
  CHECK(f.loop->deadline() <= f.backend->time);
  CHECK(f.backend->wakes == 1);
  f.loop->wait();
  CHECK(f.backend->waits.empty());
}

TEST_CASE("a command given to a driver that was dispatched already is seen in the same turn") {
  Fixture f;
  FakeDriver second;
  REQUIRE(open_socket(*f.loop, second, address("192.0.2.1:1")));
  f.loop->turn();
  f.driver.dispatched = second.dispatched = 0;
  bool commanded = false;
  second.on_dispatch = [&] {
    if (!std::exchange(commanded, true)) {
      wake_driver(*f.loop, f.driver);
    }
  };
  wake_driver(*f.loop, f.driver);
  wake_driver(*f.loop, second);
  f.loop->turn();
  CHECK(f.driver.dispatched == 2);
  CHECK(second.dispatched == 1);
  CHECK_FALSE(f.loop->deadline());
  detach(*f.loop, second);
}

TEST_CASE("handlers that always want another dispatch do not keep the turn from ending") {
  Fixture f;
  f.driver.on_dispatch = [&] { wake_driver(*f.loop, f.driver); };
  f.turn();
  CHECK(f.driver.dispatched < 100);
  CHECK(f.loop->deadline() <= f.backend->time);
}

TEST_CASE("a handler that throws leaves the loop usable") {
  Fixture f;
  f.driver.on_dispatch = [] { throw std::runtime_error{"handler"}; };
  CHECK_THROWS_AS(f.turn(), std::runtime_error);
  CHECK(f.loop->deadline() <= f.backend->time);
  f.driver.on_dispatch = [] {};
  f.loop->turn();
  CHECK(f.driver.dispatched == 2);
}

TEST_CASE("a socket that cannot be opened leaves nothing behind") {
  Fixture f;
  FakeDriver other;
  CHECK_FALSE(open_socket(*f.loop, other, f.local));
  f.loop->turn();
  CHECK(other.dispatched == 0);
}

}  // namespace quoin::test
