// SPDX-License-Identifier: MIT
/// The public QPACK interop files: header lists (.qif) and what other encoders made of them, named
/// LIST.out.CAPACITY.BLOCKED.ACK. They are not part of this tree; QUOIN_QIFS says where they are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/h3/qpack.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/application.hpp>

#include "message/validate.hpp"

using namespace quoin;
using quic::StreamId;

namespace fs = std::filesystem;

namespace {

fs::path folder() {
  const char* const named = std::getenv("QUOIN_QIFS");
  return named != nullptr ? named : QUOIN_QIFS;
}

/// Skips the test, or fails it if somebody said where the files are.
fs::path require_folder() {
  fs::path root = folder();
  if (!fs::is_directory(root / "qifs") || !fs::is_directory(root / "encoded")) {
    const std::string text =
        "no QPACK interop files in " + root.string() + "; set QUOIN_QIFS to where they are";
    if (std::getenv("QUOIN_QIFS") != nullptr) FAIL(text);
    SKIP(text);
  }
  return root;
}

std::string read_file(const fs::path& file) {
  std::ifstream stream{file, std::ios::binary};
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// Lists of "name TAB value" lines, with an empty line behind each; "#" begins a comment.
std::vector<std::string> read_lists(const fs::path& file) {
  std::vector<std::string> lists;
  std::istringstream stream{read_file(file)};
  std::string list;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with('#')) continue;
    if (!line.empty()) {
      list += line + '\n';
    } else if (!list.empty()) {
      lists.push_back(std::exchange(list, {}));
    }
  }
  if (!list.empty()) lists.push_back(list);
  return lists;
}

std::string to_list(const Headers& headers) {
  std::string list;
  for (const Field& field : headers) {
    list += std::string{field.name} + '\t' + std::string{field.value} + '\n';
  }
  return list;
}

Headers to_headers(const std::string& list) {
  Headers headers;
  std::istringstream lines{list};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    headers.add(line.substr(0, tab), line.substr(tab + 1));
  }
  return headers;
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

/// Set Dynamic Table Capacity (RFC 9204 §4.3.1), which is more than the prefix holds.
std::string set_capacity(std::size_t capacity) {
  std::string text{'\x3f'};
  for (capacity -= 0x1f; capacity >= 0x80; capacity /= 0x80) {
    text += static_cast<char>(capacity % 0x80 | 0x80U);
  }
  return text + static_cast<char>(capacity);
}

/// What came out of a file: lists by stream, and the first error.
struct Decoded {
  std::map<StreamId, std::string> lists;
  Result<> result;
  std::size_t waiting = 0;
};

/// A file is a row of {stream ID in 8 bytes, length in 4, bytes}; stream 0 is the encoder stream.
Decoded decode(std::string_view file, const h3::QpackLimits& limits) {
  h3::QpackDecoder decoder{{.limits = limits, .max_section = 1U << 20U, .max_fields = 1000}};
  Decoded out;
  // The files take the table's capacity as set; on the wire an instruction sets it.
  if (limits.capacity != 0) {
    out.result = decoder.handle_instructions(as_bytes(set_capacity(limits.capacity)));
  }
  while (out.result && !file.empty()) {
    constexpr std::size_t head = 12;
    REQUIRE(file.size() >= head);
    const auto stream = static_cast<std::int64_t>(big_endian(file.substr(0, 8)));
    const auto size = static_cast<std::size_t>(big_endian(file.substr(8, 4)));
    REQUIRE(file.size() - head >= size);
    const Bytes bytes = as_bytes(file.substr(head, size));
    file.remove_prefix(head + size);
    out.result = stream == 0 ? decoder.handle_instructions(bytes)
                             : decoder.handle_section(StreamId{stream}, bytes);
    while (auto section = decoder.poll_section()) {
      if (!section->headers) {
        out.result = std::unexpected(section->headers.error());
      } else {
        out.lists[section->stream] += to_list(*section->headers);
      }
    }
    (void)decoder.poll_instructions();
  }
  out.waiting = decoder.blocked_streams();
  return out;
}

/// The parts of LIST.out.CAPACITY.BLOCKED.ACK behind ".out".
h3::QpackLimits limits_of(const std::string& name) {
  std::istringstream stream{name.substr(name.find(".out.") + 5)};
  h3::QpackLimits limits;
  char dot = 0;
  stream >> limits.capacity >> dot >> limits.blocked_streams;
  REQUIRE(stream);
  return limits;
}

}  // namespace

TEST_CASE("What six other QPACK encoders made is decoded to the lists that they were given") {
  const fs::path root = require_folder();
  std::map<std::string, std::vector<std::string>> lists;
  std::map<std::string, int> encoders;
  for (const auto& entry : fs::recursive_directory_iterator{root / "encoded"}) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.find(".out.") == std::string::npos) continue;
    INFO(entry.path().string());
    const std::string input = name.substr(0, name.find(".out."));
    // The RFC's example has no list; it is a test of its own.
    if (!fs::exists(root / "qifs" / (input + ".qif"))) continue;
    auto& expected = lists[input];
    if (expected.empty()) expected = read_lists(root / "qifs" / (input + ".qif"));
    const Decoded decoded = decode(read_file(entry.path()), limits_of(name));
    if (!decoded.result) FAIL(decoded.result.error().message());
    CHECK(decoded.waiting == 0);
    std::vector<std::string> got;
    for (const auto& [stream, list] : decoded.lists) got.push_back(list);
    CHECK(got.size() == expected.size());
    const auto differ = std::ranges::mismatch(got, expected);
    if (differ.in1 != got.end() && differ.in2 != expected.end()) {
      CHECK(*differ.in1 == *differ.in2);
    }
    ++encoders[entry.path().parent_path().filename().string()];
  }
  CHECK(encoders.size() == 6);
}

TEST_CASE("The erroneous QPACK interop files are refused, by the decoder or as messages") {
  const fs::path root = require_folder();
  // Two refer to entries 0 and 62 of the static table, which early drafts had not, but RFC 9204
  // has. No message consists of such a field alone.
  const std::map<std::string, std::string> valid_now{
      {"err9", ":authority\t\n"}, {"err10", "x-xss-protection\t1; mode=block\n"}};
  int refused = 0;
  for (const auto& entry : fs::directory_iterator{root / "encoded" / "errors"}) {
    INFO(entry.path().string());
    const Decoded decoded = decode(read_file(entry.path()), {});
    const auto valid = valid_now.find(entry.path().filename().string());
    if (valid == valid_now.end()) {
      CHECK(!decoded.result);
      ++refused;
    } else {
      REQUIRE(decoded.result);
      const std::string& list = decoded.lists.at(StreamId{1});
      CHECK(list == valid->second);
      CHECK(!validate_section(to_headers(list), SectionKind::request));
      CHECK(!validate_section(to_headers(list), SectionKind::final_response));
      ++refused;
    }
  }
  CHECK(refused == 12);
}

TEST_CASE("The lists of the QPACK interop files survive our own encoder and decoder") {
  const fs::path root = require_folder();
  for (const auto& entry : fs::directory_iterator{root / "qifs"}) {
    INFO(entry.path().string());
    h3::QpackEncoder encoder{1};
    h3::QpackDecoder decoder{{.limits = {}, .max_section = 1U << 20U, .max_fields = 1000}};
    std::int64_t stream = 0;
    for (const std::string& list : read_lists(entry.path())) {
      stream += 4;
      const auto section = encoder.encode(StreamId{stream}, to_headers(list));
      REQUIRE(section);
      REQUIRE(decoder.handle_instructions(as_bytes(encoder.poll_instructions())));
      REQUIRE(decoder.handle_section(StreamId{stream}, as_bytes(*section)));
      REQUIRE(encoder.handle_instructions(as_bytes(decoder.poll_instructions())));
      const auto decoded = decoder.poll_section();
      REQUIRE(decoded);
      REQUIRE(decoded->headers);
      REQUIRE(to_list(*decoded->headers) == list);
    }
  }
}
