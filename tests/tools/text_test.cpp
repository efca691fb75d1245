// SPDX-License-Identifier: MIT
/// Tests of what the tools write for people: sizes, times, and text from strangers.
#include "common/text.hpp"

#include <chrono>

#include <catch2/catch_test_macros.hpp>

#include <quoin/time.hpp>

namespace quoin::tools {

using namespace std::chrono_literals;

TEST_CASE("Sizes are shown in the largest unit that leaves one digit before the point") {
  CHECK(human_size(0) == "0 B");
  CHECK(human_size(1023) == "1023 B");
  CHECK(human_size(1024) == "1.0 KiB");
  CHECK(human_size(100 * 1024 * 1024) == "100.0 MiB");
  CHECK(human_size(~0ULL) == "16.0 EiB");
}

TEST_CASE("A size that would round up to 1024 moves on to the next unit") {
  CHECK(human_size(1024 * 1024 - 1) == "1.0 MiB");
}

TEST_CASE("A rate needs some time to have passed") {
  CHECK(human_rate(1024, 0s) == "-");
  CHECK(human_rate(1024, 500ms) == "2.0 KiB/s");
}

TEST_CASE("Spans of time are short to read") {
  CHECK(milliseconds(Duration{1'234'567}) == "1.2 ms");
  CHECK(seconds(10s) == "10 s");
  CHECK(seconds(1500ms) == "1.5 s");
  CHECK(clock_time(187s) == "3:07");
  CHECK(clock_time(3600s) == "1:00:00");
}

TEST_CASE("Log text has no control characters, and quotes cannot end it early") {
  CHECK(printable("a\x1b[31m\r\n\"\\\xff") == "a\\x1b[31m\\x0d\\x0a\"\\\\\\xff");
  CHECK(printable("\"", true) == "\\\"");
}

TEST_CASE("Text for a terminal keeps UTF-8 but no controls of either kind") {
  CHECK(without_controls("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(without_controls("a\x1b\x7f\xc2\x9b") == "a\\x1b\\x7f\\xc2\\x9b");
}

TEST_CASE("Numbers of seconds are taken with a fraction and refused with anything odd") {
  Duration span{};
  CHECK(parse_seconds("2", span));
  CHECK(span == 2s);
  CHECK(parse_seconds("0.25", span));
  CHECK(span == 250ms);
  for (const char* text :
       {"", "0", "-1", "1s", "nan", "inf", "1e400", "0.0001", "999999999", " 1"}) {
    INFO(text);
    CHECK_FALSE(parse_seconds(text, span));
  }
}

}  // namespace quoin::tools
