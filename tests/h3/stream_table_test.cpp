// SPDX-License-Identifier: MIT
/// The table of streams finds what is in it, whatever came and went.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/quic/application.hpp>

#include "h3/stream.hpp"
#include "quic/streams/block_pool.hpp"

using namespace quoin;
using h3::Stream;
using h3::StreamTable;
using quic::StreamId;

TEST_CASE("A stream table agrees with a map after any number of changes") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  quic::BlockPool pool;
  StreamTable table;
  std::map<StreamId, Stream*> expected;
  std::int64_t next = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0 || expected.empty()) {
      // Some are left out, as streams are that never carry a request.
      next += 4 * static_cast<std::int64_t>(1 + random() % 3);
      expected[StreamId{next}] = &table.add(pool, StreamId{next});
    } else {
      auto victim = std::next(
          expected.begin(),
          static_cast<std::ptrdiff_t>(random() % std::min<std::size_t>(expected.size(), 50)));
      table.remove(*victim->second);
      CHECK(table.find(victim->first) == nullptr);
      expected.erase(victim);
    }
    REQUIRE(table.size() == expected.size());
    if (!expected.empty()) {
      const auto& [id, stream] =
          *std::next(expected.begin(), static_cast<std::ptrdiff_t>(random() % expected.size()));
      REQUIRE(table.find(id) == stream);
    }
  }
  std::size_t visited = 0;
  table.for_each([&](Stream& stream) {
    ++visited;
    CHECK(expected.at(stream.id) == &stream);
  });
  CHECK(visited == expected.size());
}

TEST_CASE("An empty stream table finds nothing") {
  StreamTable table;
  CHECK(table.find(StreamId{0}) == nullptr);
}
