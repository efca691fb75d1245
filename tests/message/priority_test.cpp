// SPDX-License-Identifier: MIT
/// The value of a `priority` field, in and out.
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/priority.hpp>

using namespace quoin;
using namespace std::string_view_literals;
using quoin::Priority;

// RFC 9218 §4.
TEST_CASE("a priority field is read as RFC 9218 says, and what it says wrongly is ignored") {
  const std::vector<std::pair<std::string_view, Priority>> cases{
      {""sv, {}},
      {"u=0"sv, {.urgency = 0, .incremental = false}},
      {"u=7, i"sv, {.urgency = 7, .incremental = true}},
      {"i"sv, {.urgency = 3, .incremental = true}},
      {"i=?0, u=1"sv, {.urgency = 1, .incremental = false}},
      {"u=1, u=5"sv, {.urgency = 5, .incremental = false}},
      {"x=1, u=2;y"sv, {.urgency = 2, .incremental = false}},
      {"u=8"sv, {}},
      {"u=-1"sv, {}},
      {R"(u="1")"sv, {}},
      {"u=1.5"sv, {}},
      {"U=1"sv, {}},
      {"u=1,"sv, {}},
      {"u = 1"sv, {}},
      {"\xff"sv, {}},
  };
  for (const auto& [field, wanted] : cases) {
    INFO(field);
    CHECK(Priority::parse(field) == wanted);
  }
}

TEST_CASE("a priority survives being written and read") {
  for (const bool incremental : {false, true}) {
    for (unsigned urgency = 0; urgency < 8; ++urgency) {
      const Priority priority{static_cast<std::uint8_t>(urgency), incremental};
      CHECK(Priority::parse(priority.to_string()) == priority);
    }
  }
  CHECK(Priority{.urgency = 1, .incremental = true}.to_string() == "u=1, i");
  CHECK(Priority{.urgency = 200, .incremental = false}.to_string() == "u=7");
}
