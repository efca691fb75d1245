// SPDX-License-Identifier: MIT
/// Tasks, operations and groups without any network but its clock. Built by two compilers under
/// AddressSanitizer too: see CMakeLists.txt beside it.
#include <chrono>
#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/coro.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {
namespace {

using namespace std::chrono_literals;

using Log = std::vector<std::string>;

/// Says when it goes.
class Witness {
 public:
  Witness(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}

  Witness(Witness&& other) noexcept
      : log_(std::exchange(other.log_, nullptr)), name_(std::move(other.name_)) {}

  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  Witness& operator=(Witness&&) = delete;

  ~Witness() {
    if (log_ != nullptr) log_->push_back(name_ + " gone");
  }

 private:
  Log* log_;
  std::string name_;
};

struct World {
  io::SimulatedNetwork network{1};
  Loop& loop = network.host("10.0.0.1");
  TaskGroup group{loop};
  Log log;
};

Task<int> at_once(int value) { co_return value; }

Task<int> after(Loop& loop, Duration delay, int value) {
  co_await sleep(loop, delay);
  co_return value;
}

Task<> failing(Loop& loop, Duration delay) {
  co_await sleep(loop, delay);
  throw std::runtime_error{"no"};
}

Task<> waiting(Loop& loop, Log& log, std::string name) {
  const Witness witness{log, name};
  co_await sleep(loop, 1h);
  log.push_back(name + " woke");
}

Task<int> nested(int value) { co_return co_await at_once(value); }

Task<> note_failure(Task<> task, Log& log) {
  try {
    co_await task;
  } catch (const std::runtime_error& error) {
    log.emplace_back(error.what());
  }
}

struct Wanted {
  std::string name;
  std::unique_ptr<int> owned = std::make_unique<int>(1);
};

Task<std::string> keep(Loop& loop, std::string text) {
  co_await sleep(loop, 1ms);
  co_return text;
}

Task<std::string> keep_wanted(Loop& loop, Wanted wanted) {
  co_await sleep(loop, 1ms);
  co_return wanted.name;
}

/// A callback made awaitable.
Operation<std::string> later(Loop& loop, std::string text) {
  Operation<std::string> operation;
  const TimerId timer = loop.after(
      1ms,
      [done = operation.completion(), text = std::move(text)]() mutable { done(std::move(text)); });
  operation.on_cancel([&loop, timer] { loop.cancel(timer); });
  return operation;
}

}  // namespace

TEST_CASE("a task runs when it is awaited, and gives its value") {
  World world;
  int sum = 0;
  const auto add = [](Loop& loop, int& out) -> Task<> {
    Task<int> first = after(loop, 1ms, 1);
    out = co_await first;
    out += co_await at_once(2);
    out += co_await after(loop, 1ms, 4);
  };
  world.group.spawn(add(world.loop, sum));
  CHECK(sum == 0);
  world.network.run_for(10ms);
  CHECK(sum == 7);
  CHECK(world.group.size() == 0);
}

TEST_CASE("a hundred thousand tasks that end at once do not grow the stack") {
  World world;
  int sum = 0;
  const auto count = [](int& out) -> Task<> {
    for (int i = 0; i < 100'000; ++i) out += co_await at_once(1);
  };
  world.group.spawn(count(sum));
  CHECK(sum == 100'000);
}

TEST_CASE("an exception comes out of the co_await") {
  World world;
  world.group.spawn(note_failure(failing(world.loop, 1ms), world.log));
  world.group.spawn(note_failure(failing(world.loop, 0ms), world.log));
  world.network.run_for(10ms);
  CHECK(world.log == Log{"no", "no"});
}

TEST_CASE("what a spawned task throws goes to the group's handler") {
  World world;
  int failures = 0;
  world.group.on_failure([&](const std::exception_ptr& failure) {
    ++failures;
    CHECK_THROWS_AS(std::rethrow_exception(failure), std::runtime_error);
  });
  world.group.spawn(failing(world.loop, 1ms));
  world.group.spawn(failing(world.loop, 2ms));
  world.network.run_for(10ms);
  CHECK(failures == 2);
}

TEST_CASE("what a spawned task throws goes to the loop when the group has no handler") {
  Loop loop;
  std::vector<std::string> reported;
  loop.on_exception([&](std::string_view where, const std::exception_ptr& failure) {
    reported.emplace_back(where);
    CHECK_THROWS_AS(std::rethrow_exception(failure), std::runtime_error);
  });
  TaskGroup group{loop};
  group.spawn(failing(loop, 0ms));
  loop.turn();
  CHECK_NOTHROW(loop.turn());
  CHECK(reported == std::vector<std::string>{"TaskGroup::spawn"});
}

TEST_CASE("a group's handler that throws is reported, and called for the next task") {
  Loop loop;
  std::vector<std::string> reported;
  loop.on_exception([&](std::string_view where, const std::exception_ptr& /*failure*/) {
    reported.emplace_back(where);
  });
  TaskGroup group{loop};
  int calls = 0;
  group.on_failure([&](const std::exception_ptr& /*failure*/) {
    if (++calls == 1) throw 1;
  });
  for (int i = 0; i < 2; ++i) group.spawn(failing(loop, 0ms));
  loop.turn();
  CHECK_NOTHROW(loop.turn());
  CHECK(calls == 2);
  CHECK(group.size() == 0);
  CHECK(reported == std::vector<std::string>{"TaskGroup::on_failure"});
}

TEST_CASE("destroying a group destroys its tasks where they wait, the last one first") {
  World world;
  const auto outer = [](Loop& loop, Log& log) -> Task<> {
    const Witness witness{log, "outer"};
    co_await waiting(loop, log, "inner");
  };
  {
    TaskGroup group{world.loop};
    group.spawn(waiting(world.loop, world.log, "first"));
    group.spawn(outer(world.loop, world.log));
  }
  CHECK(world.log == Log{"inner gone", "outer gone", "first gone"});
  world.network.run_for(2h);
  CHECK(world.log.size() == 3);
}

TEST_CASE("a task that was never awaited does nothing") {
  World world;
  {
    const Task<> task = waiting(world.loop, world.log, "it");
  }
  CHECK(world.log.empty());
}

TEST_CASE("a group may be destroyed by its own task, which goes when it next waits") {
  World world;
  auto group = std::make_unique<TaskGroup>(world.loop);
  const auto destroy = [](Loop& loop, Log& log, std::unique_ptr<TaskGroup>& doomed) -> Task<> {
    const Witness witness{log, "destroyer"};
    co_await sleep(loop, 1ms);
    doomed.reset();
    log.emplace_back("still running");
    co_await sleep(loop, 1ms);
    log.emplace_back("never");
  };
  group->spawn(waiting(world.loop, world.log, "other"));
  group->spawn(destroy(world.loop, world.log, group));
  world.network.run_for(10ms);
  CHECK(world.log == Log{"other gone", "still running", "destroyer gone"});
}

TEST_CASE("when_all runs tasks at the same time and gives all their values") {
  World world;
  std::optional<Duration> took;
  const auto pair = [](Loop& loop, std::optional<Duration>& out) -> Task<> {
    const Time start = loop.now();
    const auto [a, b] = co_await when_all(after(loop, 10ms, 1), after(loop, 20ms, 2));
    out = loop.now() - start;
    CHECK(a == 1);
    CHECK(b == 2);
    std::vector<Task<int>> many;
    for (int i = 0; i < 5; ++i) many.push_back(after(loop, i * 1ms, i));
    const std::vector<int> values = co_await when_all(std::move(many));
    CHECK(values == std::vector{0, 1, 2, 3, 4});
  };
  world.group.spawn(pair(world.loop, took));
  world.network.run_for(100ms);
  CHECK(took == Duration{20ms});
  CHECK(world.group.size() == 0);
}

TEST_CASE("when_all throws what a task throws and cancels the others") {
  World world;
  const auto all = [](Loop& loop, Log& log) -> Task<> {
    co_await when_all(waiting(loop, log, "one"), failing(loop, 1ms), waiting(loop, log, "two"));
  };
  world.group.spawn(note_failure(all(world.loop, world.log), world.log));
  world.network.run_for(10ms);
  CHECK(world.log.size() == 3);
  CHECK(world.log.back() == "no");
}

TEST_CASE("when_any gives the first and cancels the others, also when all end at once") {
  World world;
  const auto any = [](Loop& loop, Log& log) -> Task<> {
    const auto first = co_await when_any(waiting(loop, log, "slow"), after(loop, 1ms, 7));
    CHECK(first.index() == 1);
    CHECK(std::get<1>(first) == 7);
    log.emplace_back("first");
    const auto sudden = co_await when_any(at_once(1), nested(2), at_once(3));
    CHECK(sudden.index() == 0);
  };
  world.group.spawn(any(world.loop, world.log));
  world.network.run_for(10ms);
  REQUIRE(world.log.size() >= 2);
  CHECK(world.log[0] == "slow gone");
  CHECK(world.log[1] == "first");
  CHECK(world.group.size() == 0);
}

TEST_CASE("within gives up when the time is up") {
  World world;
  const auto limited = [](Loop& loop, Log& log) -> Task<> {
    const auto value = co_await within(loop, 10ms, after(loop, 1ms, 5));
    CHECK(value == 5);
    const auto none = co_await within(loop, 10ms, waiting(loop, log, "slow"));
    CHECK_FALSE(none.has_value());
    log.emplace_back("given up");
  };
  world.group.spawn(limited(world.loop, world.log));
  world.network.run_for(30ms);
  CHECK(world.log == Log{"slow gone", "given up"});
}

TEST_CASE("an operation that is named runs on its own and is awaited later") {
  World world;
  std::optional<Duration> took;
  const auto two = [](Loop& loop, std::optional<Duration>& out) -> Task<> {
    const Time start = loop.now();
    Operation<void> first = sleep(loop, 10ms);
    Operation<void> second = sleep(loop, 10ms);
    co_await first;
    co_await second;
    out = loop.now() - start;
  };
  world.group.spawn(two(world.loop, took));
  world.network.run_for(30ms);
  CHECK(took == Duration{10ms});
}

TEST_CASE("an operation whose completion is lost ends with closed, in a turn") {
  World world;
  std::optional<Result<int>> outcome;
  auto operation = std::make_unique<Operation<Result<int>>>();
  std::optional<Completion<Result<int>>> completion{operation->completion()};
  const auto wait = [](Operation<Result<int>>& on, std::optional<Result<int>>& out) -> Task<> {
    out = co_await on;
  };
  world.group.spawn(wait(*operation, outcome));
  completion.reset();
  CHECK_FALSE(outcome.has_value());
  world.network.run_for(1ms);
  REQUIRE(outcome.has_value());
  CHECK(*outcome == std::unexpected(Error{UsageError::closed}));
}

TEST_CASE("awaiting twice is an exception, not a crash") {
  World world;
  bool threw = false;
  const auto twice = [](Loop& loop, bool& out) -> Task<> {
    Task<int> task = at_once(1);
    co_await task;
    try {
      co_await task;
    } catch (const std::logic_error&) {
      out = true;
    }
    Operation<void> operation = sleep(loop, 0ms);
    co_await operation;
    CHECK_THROWS_AS(operation.await_resume(), std::logic_error);
  };
  world.group.spawn(twice(world.loop, threw));
  world.network.run_for(1ms);
  CHECK(threw);
  CHECK(world.group.size() == 0);
}

// GCC 12 destroys closures and aggregates twice that are temporaries of a co_await expression;
// these are the forms that the guide shows.
TEST_CASE("what is handed to an awaited call is destroyed once") {
  World world;
  Log seen;
  const auto forms = [](Loop& loop, Log& out) -> Task<> {
    const std::string name = "a text that is too long to be kept in place";
    out.push_back(co_await keep(loop, name));
    out.push_back(co_await keep(loop, name + "!"));
    Wanted wanted;
    wanted.name = name;
    out.push_back(co_await keep_wanted(loop, std::move(wanted)));
    Operation<std::string> operation = later(loop, name);
    out.push_back(co_await operation);
    out.push_back(co_await later(loop, name));
    const auto [first, second] = co_await when_all(keep(loop, name), keep(loop, name));
    out.push_back(first + second);
    Task<std::string> inner = keep(loop, name);
    const auto limited = co_await within(loop, 1s, std::move(inner));
    out.push_back(limited.value());
  };
  world.group.spawn(forms(world.loop, seen));
  world.network.run_for(100ms);
  CHECK(seen.size() == 7);
  CHECK(world.group.size() == 0);
}

TEST_CASE("join waits for the tasks of a group") {
  World world;
  TaskGroup others{world.loop};
  others.spawn(note_failure(failing(world.loop, 5ms), world.log));
  const auto wait = [](TaskGroup& group, Log& log) -> Task<> {
    co_await group.join();
    log.emplace_back("joined");
  };
  world.group.spawn(wait(others, world.log));
  world.network.run_for(10ms);
  CHECK(world.log == Log{"no", "joined"});
}

TEST_CASE("run_task turns a loop until a task has ended") {
  Loop loop;
  CHECK(run_task(loop, after(loop, 1ms, 3)) == 3);
  CHECK_THROWS_AS(run_task(loop, failing(loop, 0ms)), std::runtime_error);
  bool refused = false;
  const auto inside = [](Loop& on, bool& out) -> Task<> {
    co_await sleep(on, 0ms);
    try {
      run_task(on, at_once(1));
    } catch (const std::logic_error&) {
      out = true;
    }
  };
  run_task(loop, inside(loop, refused));
  CHECK(refused);
}

}  // namespace quoin::inline v0
