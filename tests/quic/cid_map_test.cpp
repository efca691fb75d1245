// SPDX-License-Identifier: MIT
/// The table of connection IDs beside a plain std::map.

#include "quic/endpoint/cid_map.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <ngtcp2/ngtcp2.h>

namespace quoin::test {
namespace {

ngtcp2_cid cid_of(const std::string& octets) {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
  return cid;
}

std::optional<std::uint32_t> look_up(quic::CidMap& map, const std::string& octets) {
  return map.find(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
}

/// Every length that RFC 9000 allows, several of each.
std::vector<std::string> some_ids(std::size_t count, std::mt19937& dice) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    std::string id(i == 0 ? 0 : (4 + (i % 17)), '\0');
    std::ranges::generate(id, [&] { return static_cast<char>(dice()); });
    ids.push_back(id);
  }
  return ids;
}

}  // namespace

TEST_CASE("the table of connection IDs answers as a plain map does") {
  constexpr unsigned seed = 1;
  INFO("seed " << seed);
  std::mt19937 dice{seed};
  quic::CidMap map{{dice(), dice()}};
  std::map<std::string, std::uint32_t> plain;
  const std::vector<std::string> ids = some_ids(3000, dice);
  std::size_t most = 0;
  for (int step = 0; step < 100'000; ++step) {
    // Fuller and emptier by turns, so that it grows, and closes holes of any length.
    const bool fills = (step / 10'000) % 2 == 0;
    const std::string& id = ids[dice() % ids.size()];
    const std::uint32_t slot = dice() % 4;
    if (dice() % 10 < (fills ? 8 : 2)) {
      map.insert(cid_of(id), slot);
      plain[id] = slot;
    } else {
      map.erase(cid_of(id), slot);
      if (const auto found = plain.find(id); found != plain.end() && found->second == slot) {
        plain.erase(found);
      }
    }
    most = std::max(most, plain.size());
    const std::string& other = ids[dice() % ids.size()];
    const auto expected = plain.find(other);
    const auto found = look_up(map, other);
    if (found.has_value() != (expected != plain.end()) ||
        map.contains(cid_of(other)) != found.has_value() || (found && *found != expected->second)) {
      FAIL("step " << step << " differs");
    }
  }
  CHECK(most > 2000);
  for (const std::string& id : ids) {
    const auto expected = plain.find(id);
    CHECK(look_up(map, id) ==
          (expected == plain.end() ? std::nullopt : std::optional{expected->second}));
  }
}

TEST_CASE("what is too long for a connection ID is not found") {
  quic::CidMap map{{1, 2}};
  map.insert(cid_of(std::string(20, 'a')), 7);
  CHECK(look_up(map, std::string(20, 'a')) == 7);
  CHECK_FALSE(look_up(map, std::string(21, 'a')));
  CHECK_FALSE(look_up(map, std::string(19, 'a')));
  CHECK_FALSE(look_up(map, std::string(255, 'a')));
}

}  // namespace quoin::test
