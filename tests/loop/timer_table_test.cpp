// SPDX-License-Identifier: MIT
/// The timers of a driver: what is asked for is what is served.
#include "loop/timer_table.hpp"

#include <chrono>
#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/loop.hpp>
#include <quoin/time.hpp>

using namespace std::chrono_literals;
using quoin::Deadline;
using quoin::Time;
using quoin::TimerId;
using quoin::TimerTable;

namespace {

constexpr Time start{10s};

TEST_CASE("a timer table asks for its earliest deadline or job and serves what is due") {
  TimerTable timers;
  CHECK_FALSE(timers.next());
  std::string log;
  timers.set(Deadline::sweep, start + 3s);
  timers.set(Deadline::idle, start + 1s);
  (void)timers.add(start + 2s, [&] { log += "job "; });
  CHECK(timers.next() == start + 1s);
  timers.expire(start + 1s);
  CHECK(timers.next() == start + 2s);
  CHECK(timers.take(Deadline::idle));
  CHECK_FALSE(timers.take(Deadline::idle));
  CHECK(log.empty());
  timers.expire(start + 2s);
  CHECK(log == "job ");
  CHECK(timers.next() == start + 3s);
  CHECK_FALSE(timers.take(Deadline::sweep));
  timers.expire(start + 5s);
  CHECK_FALSE(timers.next());
  CHECK(timers.take(Deadline::sweep));
  CHECK(log == "job ");
}

TEST_CASE("a deadline that has come stays so until it is taken, cancelled or set anew") {
  TimerTable timers;
  timers.set(Deadline::grace, start);
  timers.expire(start);
  CHECK(timers.is_set(Deadline::grace));
  timers.set_at_latest(Deadline::grace, start + 1s);
  CHECK_FALSE(timers.next());
  timers.set(Deadline::grace, start + 1s);
  CHECK_FALSE(timers.take(Deadline::grace));
  CHECK(timers.next() == start + 1s);
  timers.expire(start + 1s);
  timers.cancel(Deadline::grace);
  CHECK_FALSE(timers.is_set(Deadline::grace));
  CHECK_FALSE(timers.take(Deadline::grace));
}

TEST_CASE("a deadline can be brought forward and not put off unless one insists") {
  TimerTable timers;
  timers.set_at_latest(Deadline::shutdown, start + 5s);
  timers.set_at_latest(Deadline::shutdown, start + 9s);
  CHECK(timers.next() == start + 5s);
  timers.set_at_latest(Deadline::shutdown, start + 1s);
  CHECK(timers.next() == start + 1s);
  timers.set(Deadline::shutdown, start + 9s);
  CHECK(timers.next() == start + 9s);
}

TEST_CASE("a job may cancel another that is due at the same time, or add one for the next time") {
  TimerTable timers;
  std::string log;
  std::optional<TimerId> other;
  (void)timers.add(start, [&] {
    log += "first ";
    timers.cancel(*other);
    (void)timers.add(start, [&] { log += "added "; });
  });
  other = timers.add(start, [&] { log += "cancelled "; });
  timers.expire(start);
  CHECK(log == "first ");
  CHECK(timers.next() == start);
  timers.expire(start);
  CHECK(log == "first added ");
  CHECK_FALSE(timers.next());
}

TEST_CASE("what is for the end of time is never asked for, and clear() forgets the rest") {
  TimerTable timers;
  timers.set(Deadline::idle, Time::max());
  (void)timers.add(Time::max(), [] {});
  CHECK_FALSE(timers.next());
  timers.set(Deadline::sweep, start);
  (void)timers.add(start, [] {});
  timers.clear();
  CHECK_FALSE(timers.next());
}

}  // namespace
