// SPDX-License-Identifier: MIT
/// The timers of the loop: order, cancellation, and what closures may do when they go.

#include <chrono>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "loop/loop_fixture.hpp"

namespace quoin::test {

using namespace std::chrono_literals;

TEST_CASE("timers run when they are due, in order, and equal ones as they were added") {
  Fixture f;
  Strings log;
  f.loop->after(2ms, [&] { log.emplace_back("late"); });
  f.loop->after(1ms, [&] { log.emplace_back("first"); });
  f.loop->after(1ms, [&] { log.emplace_back("second"); });
  CHECK(f.loop->deadline() == f.backend->time + 1ms);
  f.loop->turn();
  CHECK(log.empty());
  f.backend->time += 1ms;
  f.loop->turn();
  CHECK(log == Strings{"first", "second"});
  f.backend->time += 1h;
  f.loop->turn();
  CHECK(log == Strings{"first", "second", "late"});
  CHECK_FALSE(f.loop->deadline());
}

TEST_CASE("a job that schedules itself at once runs once a turn") {
  Fixture f;
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    f.loop->after(-5s, [&] { again(); });
  };
  again();
  f.loop->turn();
  CHECK(runs == 2);
  CHECK(f.loop->deadline() <= f.backend->time);
  f.loop->turn();
  CHECK(runs == 3);
}

TEST_CASE("what came of datagrams that take long is sent before the rest of them is handled") {
  Fixture f;
  f.backend->arriving.push_back({f.datagram("a"), f.datagram("b"), f.datagram("c")});
  f.driver.on_datagram = [&](const quoin::Datagram& datagram) {
    f.backend->time += 600us;
    f.driver.outgoing.push_back(f.outgoing(std::string{quoin::as_text(datagram.payload)}));
  };
  f.loop->turn();
  CHECK(f.sent() == Strings{"a", "b"});
  CHECK(f.loop->deadline() <= f.backend->time);
  f.loop->turn();
  CHECK(f.sent() == Strings{"a", "b", "c"});
  CHECK(f.driver.received.back().time == f.backend->time - 600us);
}

TEST_CASE("a cancelled timer frees its closure at once and does not run") {
  Fixture f;
  auto owned = std::make_shared<int>(1);
  bool ran = false;
  const TimerId timer = f.loop->after(1ms, [&ran, keep = owned] { ran = true; });
  CHECK(owned.use_count() == 2);
  f.loop->cancel(timer);
  CHECK(owned.use_count() == 1);
  CHECK_FALSE(f.loop->deadline());
  f.backend->time += 1s;
  f.loop->turn();
  CHECK_FALSE(ran);
}

TEST_CASE("cancelling twice, or no timer, or one that has run, cancels no other") {
  Fixture f;
  int runs = 0;
  const TimerId old = f.loop->after(1ms, [&] { ++runs; });
  f.loop->cancel(old);
  f.loop->after(1ms, [&] { ++runs; });  // may take the place of the old one
  f.loop->cancel(old);
  f.loop->cancel(TimerId{});
  f.loop->cancel(TimerId{~std::uint64_t{0}});
  f.backend->time += 1s;
  f.loop->turn();
  CHECK(runs == 1);
}

TEST_CASE("a closure may cancel other timers when it is destroyed") {
  Fixture f;

  struct Canceller {
    Loop* loop;
    TimerId other;

    Canceller(Loop* on, TimerId timer) : loop(on), other(timer) {}

    Canceller(const Canceller&) = delete;
    Canceller& operator=(const Canceller&) = delete;

    ~Canceller() { loop->cancel(other); }
  };

  const TimerId other = f.loop->after(1ms, [] {});
  const TimerId one =
      f.loop->after(1ms, [keep = std::make_unique<Canceller>(f.loop.get(), other)] { (void)keep; });
  f.loop->cancel(one);
  CHECK_FALSE(f.loop->deadline());
  const TimerId last = f.loop->after(1ms, [] {});
  f.loop->after(1ms, [keep = std::make_unique<Canceller>(f.loop.get(), last)] { (void)keep; });
  f.loop.reset();
}

TEST_CASE("any mix of timers and cancellations runs as a sorted list would") {
  constexpr unsigned seed = 20261122;
  INFO("seed " << seed);
  std::mt19937 random{seed};
  Fixture f;
  std::map<std::pair<Time, int>, TimerId> expected;
  std::vector<int> ran;
  std::vector<int> wanted;
  for (int i = 0; i < 2000; ++i) {
    const Duration delay{random() % 1000};
    const TimerId timer = f.loop->after(delay, [&ran, i] { ran.push_back(i); });
    expected.emplace(std::pair{f.backend->time + delay, i}, timer);
    if (random() % 3 == 0) {
      const auto victim = std::next(expected.begin(), static_cast<int>(random() % expected.size()));
      f.loop->cancel(victim->second);
      expected.erase(victim);
    }
    if (random() % 10 == 0) {
      f.backend->time += Duration{random() % 300};
      f.loop->turn();
      while (!expected.empty() && expected.begin()->first.first <= f.backend->time) {
        wanted.push_back(expected.begin()->first.second);
        expected.erase(expected.begin());
      }
      REQUIRE(ran == wanted);
    }
  }
}

}  // namespace quoin::test
