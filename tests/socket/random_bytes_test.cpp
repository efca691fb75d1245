// SPDX-License-Identifier: MIT
/// The random bytes of the backends on real sockets.

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <span>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/io/backend.hpp>

#include "io/sockets.hpp"

namespace quoin::test {
namespace {

using Draw = std::array<std::byte, 8>;

}  // namespace

TEST_CASE("random bytes differ and fill all of the buffer") {
  QUOIN_EACH_BACKEND;
  const auto size = GENERATE(std::size_t{100}, std::size_t{1000}, std::size_t{10'000});
  const auto backend = make_backend();
  std::vector<std::byte> first(size);
  std::vector<std::byte> second(size);
  backend->fill_random(first);
  backend->fill_random(second);
  CHECK(first != second);
  CHECK(std::ranges::count(first, std::byte{0}) < static_cast<std::ptrdiff_t>(size / 20));
}

TEST_CASE("few random bytes at a time never repeat") {
  QUOIN_EACH_BACKEND;
  const auto backend = make_backend();
  backend->fill_random({});
  std::set<Draw> seen;
  for (int i = 0; i < 5000; ++i) {
    Draw draw{};
    backend->fill_random(draw);
    seen.insert(draw);
    std::byte lone{};
    backend->fill_random({&lone, 1});  // so that draws begin anywhere
  }
  CHECK(seen.size() == 5000);
}

TEST_CASE("a child process draws other random bytes than its parent") {
  QUOIN_EACH_BACKEND;
  const auto backend = make_backend();
  Draw before{};
  backend->fill_random(before);
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  std::array<Draw, 200> draws{};
  for (Draw& draw : draws) backend->fill_random(draw);
  if (child == 0) {
    ::_exit(::write(pipe[1], draws.data(), sizeof draws) == sizeof draws ? 0 : 1);
  }
  std::array<Draw, 200> others{};
  CHECK(::read(pipe[0], others.data(), sizeof others) == sizeof others);
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  std::set<Draw> seen{draws.begin(), draws.end()};
  seen.insert(others.begin(), others.end());
  CHECK(seen.size() == draws.size() + others.size());
}

}  // namespace quoin::test
