// SPDX-License-Identifier: MIT
/// What becomes of the exceptions of jobs and timers, and what Loop::on_exception() does with all
/// exceptions. That each handler of the library comes here is in tests/scenario/handlers_*.
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "loop/call_in_place.hpp"
#include "loop/loop_fixture.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

/// A loop with a record of what it reports.
struct Recorder : Fixture {
  Recorder() {
    loop->on_exception([this](std::string_view where, const std::exception_ptr& thrown) {
      reports.push_back(std::string{where} + ": " + message_of(thrown));
    });
  }

  Strings reports;
};

/// What a job says before and after its fellows.
std::function<void()> say(Strings& log, std::string word) {
  return [&log, word = std::move(word)] { log.push_back(word); };
}

/// What `act` writes to standard error.
template <class Act>
std::string errors_of(Act act) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), std::fclose};
  REQUIRE(file);
  std::fflush(stderr);
  const int kept = dup(STDERR_FILENO);
  dup2(fileno(file.get()), STDERR_FILENO);
  act();
  std::fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  std::rewind(file.get());
  std::string text(1000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

}  // namespace

TEST_CASE("a posted job that throws takes none of the jobs with it that were posted beside it") {
  Recorder f;
  Strings log;
  f.loop->post(say(log, "first"));
  f.loop->post([] { throw std::runtime_error{"no"}; });
  f.loop->post([] { throw 7; });
  f.loop->post(say(log, "last"));
  CHECK_NOTHROW(f.loop->turn());
  CHECK(log == Strings{"first", "last"});
  CHECK(f.reports ==
        Strings{"Loop::post: no", "Loop::post: something other than a std::exception"});
}

TEST_CASE("a timer that throws takes none of the others with it that are due") {
  Recorder f;
  Strings log;
  f.loop->after(0ms, say(log, "first"));
  f.loop->after(0ms, [] { throw std::runtime_error{"no"}; });
  f.loop->after(0ms, [] { throw 7; });
  f.loop->after(0ms, say(log, "last"));
  f.loop->post(say(log, "posted"));
  CHECK_NOTHROW(f.loop->turn());
  CHECK(log == Strings{"first", "last", "posted"});
  CHECK(f.reports ==
        Strings{"Loop::after: no", "Loop::after: something other than a std::exception"});
}

TEST_CASE("an exception is reported when the turn has sent what it had to send") {
  Fixture f;
  Strings sent;
  f.loop->on_exception([&](std::string_view, const std::exception_ptr&) { sent = f.sent(); });
  f.driver.outgoing.push_back(f.outgoing("of this turn"));
  f.loop->post([] { throw 1; });
  f.turn();
  CHECK(sent == Strings{"of this turn"});
}

TEST_CASE("what the handler of exceptions throws leaves the turn, which is complete") {
  Fixture f;
  Strings seen;
  f.loop->on_exception([&](std::string_view, const std::exception_ptr& thrown) {
    seen.push_back(message_of(thrown));
    std::rethrow_exception(thrown);
  });
  Strings log;
  f.loop->post([] { throw std::runtime_error{"one"}; });
  f.loop->post([] { throw std::logic_error{"two"}; });
  f.loop->post(say(log, "the rest"));
  f.driver.outgoing.push_back(f.outgoing("of this turn"));
  wake_driver(*f.loop, f.driver);
  CHECK_THROWS_AS(f.loop->turn(), std::runtime_error);
  CHECK(seen == Strings{"one", "two"});
  CHECK(log == Strings{"the rest"});
  CHECK(f.sent() == Strings{"of this turn"});

  CHECK_NOTHROW(f.loop->turn());
  f.loop->post([] { throw std::logic_error{"three"}; });
  CHECK_THROWS_AS(f.loop->turn(), std::logic_error);
}

TEST_CASE("run() may be left by an exception and called again") {
  Fixture f;
  f.loop->on_exception(
      [](std::string_view, const std::exception_ptr& thrown) { std::rethrow_exception(thrown); });
  Strings log;
  f.loop->post([] { throw std::runtime_error{"no"}; });
  f.loop->post([&] { f.loop->after(0ms, say(log, "afterwards")); });
  CHECK_THROWS_AS(f.loop->run(), std::runtime_error);
  CHECK(log.empty());
  f.loop->stop();
  f.loop->run();
  CHECK(log == Strings{"afterwards"});
}

TEST_CASE("the handler of exceptions may replace and remove itself") {
  const bool removes = GENERATE(false, true);
  Fixture f;
  Strings log;
  f.loop->on_exception([&](std::string_view, const std::exception_ptr&) {
    log.emplace_back("first");
    if (removes) return f.loop->on_exception(nullptr);
    f.loop->on_exception(
        [&log](std::string_view, const std::exception_ptr&) { log.emplace_back("second"); });
  });
  for (int i = 0; i < 2; ++i) f.loop->post([] { throw std::runtime_error{"no"}; });
  const std::string errors = errors_of([&] { f.loop->turn(); });
  CHECK(log == (removes ? Strings{"first"} : Strings{"first", "second"}));
  CHECK(errors == (removes ? "quoin: exception from Loop::post: no\n" : ""));
}

TEST_CASE("without a handler of exceptions each is a line on standard error") {
  Fixture f;
  f.loop->post([] { throw std::runtime_error{"no"}; });
  f.loop->post([] { throw 7; });
  CHECK(errors_of([&] { CHECK_NOTHROW(f.loop->turn()); }) ==
        "quoin: exception from Loop::post: no\n"
        "quoin: exception from Loop::post: something other than a std::exception\n");
}

TEST_CASE(
    "an exception that is reported outside of a turn wakes the loop, and is not lost with it") {
  Recorder f;
  report_exception(*f.loop, "somewhere", std::make_exception_ptr(std::runtime_error{"no"}));
  CHECK(f.backend->wakes == 1);
  CHECK(f.loop->deadline().has_value());
  CHECK(f.reports.empty());
  SECTION("told in the next turn") { f.loop->turn(); }
  SECTION("or when there is none") { f.loop.reset(); }
  CHECK(f.reports == Strings{"somewhere: no"});
}
