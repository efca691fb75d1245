// SPDX-License-Identifier: MIT
/// Handles that find out that what they named is gone.
#include "base/handle.hpp"

#include <optional>
#include <set>
#include <thread>
#include <unordered_set>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/handle.hpp>

using quoin::Handle;
using quoin::HandleOwner;
using quoin::resolve_as;

namespace {

struct Thing {
  int value = 7;
  HandleOwner owner{this};
};

}  // namespace

TEST_CASE("a handle names its object as long as it is there") {
  Handle handle;
  CHECK_FALSE(static_cast<bool>(handle));
  {
    Thing thing;
    handle = thing.owner.handle();
    REQUIRE(resolve_as<Thing>(handle) == &thing);
    CHECK(handle == thing.owner.handle());
  }
  CHECK_FALSE(static_cast<bool>(handle));
  CHECK(resolve_as<Thing>(handle) == nullptr);
}

TEST_CASE("a stale handle is not mistaken for the next object in the same place") {
  std::set<Handle> stale;
  std::unordered_set<Handle> hashed;
  for (int i = 0; i < 1000; ++i) {
    const Thing thing;
    stale.insert(thing.owner.handle());
    hashed.insert(thing.owner.handle());
  }
  CHECK(stale.size() == 1000);
  CHECK(hashed.size() == 1000);
  const std::vector<Thing> alive(600);
  for (const Handle& handle : stale) CHECK_FALSE(static_cast<bool>(handle));
}

TEST_CASE("what a thread leaves over is used again, and its handles stay stale") {
  std::vector<Handle> handles(50);
  std::optional<Thing> outlives;
  std::thread{[&] {
    std::vector<Thing> things(50);
    for (std::size_t i = 0; i < things.size(); ++i) handles[i] = things[i].owner.handle();
    outlives.emplace();
  }}.join();
  for (const Handle& handle : handles) CHECK_FALSE(static_cast<bool>(handle));
  CHECK(resolve_as<Thing>(outlives->owner.handle())->value == 7);
}
