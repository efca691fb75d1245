// SPDX-License-Identifier: MIT
/// Capsules in bytes and out of them, in pieces of every size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/capsule.hpp>

using namespace quoin;
using namespace std::string_literals;
using h3::CapsuleReader;

namespace {

/// All capsules of `text`, given in pieces of `size`, as "TYPE:VALUE;".
std::string read_all(CapsuleReader& reader, std::string_view text, std::size_t size) {
  std::string seen;
  while (!text.empty()) {
    const auto taken = reader.read(as_bytes(text.substr(0, size)));
    if (!taken) return seen + std::string{taken.error().name()};
    text.remove_prefix(*taken);
    bool any = *taken > 0;
    while (const auto capsule = reader.poll()) {
      seen += std::to_string(capsule->type) + ':' + capsule->value + ';';
      any = true;
    }
    REQUIRE(any);
  }
  return seen;
}

}  // namespace

// RFC 9297 §3.2, §3.5.
TEST_CASE("capsules are written with the shortest lengths and read in pieces of any size") {
  CHECK(h3::encode_capsule(0, as_bytes("abc")) == "\0\3abc"s);
  CHECK(h3::encode_capsule(0x1234, {}) == "\x52\x34\0"s);
  CHECK(h3::encode_capsule(~0ULL, {}) == "\xff\xff\xff\xff\xff\xff\xff\xff\0"s);
  const std::string large(20'000, 'x');
  const std::string text = h3::encode_capsule(0, as_bytes("one")) + h3::encode_capsule(7, {}) +
                           h3::encode_capsule(1ULL << 40U, as_bytes(large)) +
                           h3::encode_capsule(0, as_bytes("two"));
  for (const std::size_t size : {1U, 2U, 3U, 1000U, 100'000U}) {
    INFO("pieces of " << size);
    CapsuleReader reader{{0, 7, 1ULL << 40U}};
    CHECK(read_all(reader, text, size) ==
          "0:one;7:;" + std::to_string(1ULL << 40U) + ':' + large + ";0:two;");
    CHECK(reader.finish());
  }
}

TEST_CASE("capsules of other types are skipped, however long they are") {
  const std::string text = h3::encode_capsule(5, as_bytes(std::string(100'000, 'x'))) +
                           h3::encode_capsule(0, as_bytes("kept")) + h3::encode_capsule(6, {});
  CapsuleReader reader{{0}, 10};
  CHECK(read_all(reader, text, 999) == "0:kept;");
  CHECK(reader.finish());
}

TEST_CASE("a capsule that is too long is refused before its value is kept") {
  CapsuleReader reader{{0}, 10};
  CHECK(read_all(reader, h3::encode_capsule(0, as_bytes("ten bytes!")), 4) == "0:ten bytes!;");
  // Four exabytes are announced.
  CHECK(read_all(reader, "\0\xff\xff\xff\xff\xff\xff\xff\xff"s, 4) == "H3_EXCESSIVE_LOAD");
  CHECK(reader.read(as_bytes("x")).error() == Error{HttpError::excessive_load});
  CHECK(!reader.poll());
}

TEST_CASE("a reader takes nothing more before the capsule that it has is taken") {
  CapsuleReader reader{{0}};
  const std::string text = h3::encode_capsule(0, as_bytes("a")) + h3::encode_capsule(0, {});
  CHECK(reader.read(as_bytes(text)) == 3);
  CHECK(reader.read(as_bytes(text).subspan(3)) == 0);
  CHECK(reader.poll()->value == "a");
  CHECK(reader.read(as_bytes(text).subspan(3)) == 2);
  CHECK(reader.poll()->value.empty());
}

TEST_CASE("a body that ends within a capsule is malformed") {
  const std::string text = h3::encode_capsule(0x4000, as_bytes("abc"));
  for (std::size_t size = 1; size < text.size(); ++size) {
    CapsuleReader reader{{0x4000}};
    CHECK(read_all(reader, text.substr(0, size), 100).empty());
    CHECK(reader.finish().error() == Error{HttpError::message_error});
  }
}
