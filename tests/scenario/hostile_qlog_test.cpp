// SPDX-License-Identifier: MIT
/// What a hostile client sends cannot spoil the qlog file of its connection: the file stays a JSON
/// text sequence (RFC 7464), however large the values are and whatever bytes a text has.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>

#include "support/hostile_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

/// Checks the grammar of RFC 8259; builds nothing.
class JsonChecker {
 public:
  [[nodiscard]] static bool is_json(std::string_view text) {
    JsonChecker checker{text};
    const bool is_right = checker.value(0);
    checker.blank();
    return is_right && checker.rest_.empty();
  }

 private:
  explicit JsonChecker(std::string_view text) : rest_(text) {}

  void blank() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  bool take(std::string_view token) {
    blank();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  bool value(int depth) {
    constexpr int deepest = 32;
    if (depth > deepest) return false;
    if (take("{")) return list("}", [&] { return string() && take(":") && value(depth + 1); });
    if (take("[")) return list("]", [&] { return value(depth + 1); });
    return take("true") || take("false") || take("null") || string() || number();
  }

  template <class Member>
  bool list(std::string_view end, Member member) {
    if (take(end)) return true;
    do {
      if (!member()) return false;
    } while (take(","));
    return take(end);
  }

  bool string() {
    if (!take("\"")) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      const auto octet = static_cast<unsigned char>(rest_[0]);
      if (octet < 0x20) return false;
      std::size_t size = 1;
      if (octet == '\\') {
        if (rest_.size() < 2) return false;
        size = rest_[1] == 'u' ? 6 : 2;
        if (std::string_view{"\"\\/bfnrtu"}.find(rest_[1]) == std::string_view::npos) return false;
      } else if (octet >= 0x80) {
        size = octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : 2;
        if (octet < 0xc2 || octet > 0xf4) return false;  // not UTF-8
      }
      if (rest_.size() < size) return false;
      rest_.remove_prefix(size);
    }
    return take("\"");
  }

  bool number() {
    blank();
    const std::size_t size = std::min(rest_.find_first_not_of("-+.eE0123456789"), rest_.size());
    const std::string_view digits = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return std::ranges::any_of(digits, [](char c) { return std::isdigit(c) != 0; });
  }

  std::string_view rest_;
};

/// An empty folder that goes with its owner.
struct Folder {
  Folder()
      : path(std::filesystem::temp_directory_path() /
             ("quoin-qlog-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directory(path);
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  ~Folder() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};

std::string contents(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Frames with the largest values that are legal.
std::vector<std::string> extreme_frames() {
  constexpr std::uint64_t largest = (std::uint64_t{1} << 62U) - 1;
  return {
      "\x02" + varint(0) + varint(largest) + varint(0) + varint(0),  // ACK
      "\x10" + varint(largest),                                      // MAX_DATA
      "\x12" + varint(std::uint64_t{1} << 60U),                      // MAX_STREAMS
      "\x04" + varint(0) + varint(largest) + varint(0),              // RESET_STREAM
      "\x05" + varint(4) + varint(largest),                          // STOP_SENDING
      "\x1a" + std::string(8, '"'),                                  // PATH_CHALLENGE
      stream_frame(8, 3, "\"\\\n\x1e{"),
  };
}

}  // namespace

TEST_CASE("the qlog file of a hostile connection is a JSON text sequence to its end") {
  const Folder folder;
  {
    quic::Config config = HostileWorld::settings();
    config.qlog_directory = folder.path;
    HostileWorld world{config};
    for (const std::string& frame : extreme_frames()) world.attack(frame);
    world.run_for(1s);
    INFO(world.closed.value_or(Error{}).message());
    CHECK_FALSE(world.closed);
    std::string ranges;  // an ACK of as many ranges as a packet can hold
    constexpr int many = 500;
    for (int i = 0; i < many; ++i) ranges += varint(0) + varint(0);
    world.attack("\x02" + varint(2 * many + 2) + varint(0) + varint(many) + varint(0) + ranges);
    const std::string reason = "\"},\\\x1e\x01\x7f\xff\xfe\n[" + std::string(900, '"');
    world.attack("\x1d" + varint(7) + varint(reason.size()) + reason);
    world.run_for(1s);
    CHECK(world.closed);
  }
  std::size_t records = 0;
  for (const auto& file : std::filesystem::directory_iterator{folder.path}) {
    const std::string text = contents(file.path());
    REQUIRE(text.starts_with('\x1e'));
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\x1e', at + 1), text.size());
      const std::string record = text.substr(at + 1, end - at - 1);
      INFO(record);
      REQUIRE(JsonChecker::is_json(record));
      ++records;
      at = end;
    }
  }
  CHECK(records > 20);
  CHECK(JsonChecker::is_json(R"({"a":[1,-2.5e3,"\u00e9\n",null]})"));
  CHECK_FALSE(JsonChecker::is_json("{\"a\":\"\x01\"}"));
  CHECK_FALSE(JsonChecker::is_json(R"({"a":"b"c"})"));
}

}  // namespace quoin::test
