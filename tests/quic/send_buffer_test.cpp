// SPDX-License-Identifier: MIT
/// The send buffer: what is written comes out once, in order, and stays until acknowledged.
#include "quic/streams/send_buffer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <random>
#include <span>
#include <string>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>

#include "quic/streams/block_pool.hpp"

using namespace quoin;
using quic::Block;
using quic::BlockPool;
using quic::LargeBlock;
using quic::SendBuffer;

namespace {

/// Takes up to `limit` unsent bytes out, as a packet writer would.
std::string take(SendBuffer& buffer, std::size_t limit, std::size_t slice_count = 8) {
  std::array<Bytes, 8> slices;
  const std::size_t count = buffer.slices(std::span{slices}.first(slice_count));
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += as_text(slices[i]);
  text.resize(std::min(text.size(), limit));
  buffer.hand_over(text.size());
  return text;
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

}  // namespace

TEST_CASE("A send buffer hands copied and shared bytes over in order") {
  BlockPool pool;
  SendBuffer buffer{pool};
  buffer.append(as_bytes("one "));
  buffer.append(SharedBytes{std::string{"two "}});
  buffer.append(as_bytes("three"));
  CHECK(buffer.size() == 13);
  CHECK(buffer.pooled() == 9);
  CHECK(take(buffer, 6) == "one tw");
  CHECK(take(buffer, 100) == "o three");
  CHECK(buffer.unsent() == 0);
  CHECK(take(buffer, 100).empty());
  CHECK(buffer.size() == 13);
}

TEST_CASE("A send buffer keeps a filled block as it is, and gives another one for it") {
  BlockPool pool;
  SendBuffer buffer{pool};
  auto block = std::make_unique<LargeBlock>();
  block->bytes.fill(std::byte{'x'});
  const std::byte* const filled = block->bytes.data();
  buffer.append(as_bytes("before "));
  buffer.append(block, 40'000);
  buffer.append(as_bytes(" behind"));
  REQUIRE(block);
  CHECK(block->bytes.data() != filled);
  CHECK(buffer.size() == 40'014);
  CHECK(buffer.pooled() == 40'014);
  std::array<Bytes, 8> slices;
  REQUIRE(buffer.slices(slices) == 3);
  CHECK(slices[1].data() == filled);
  CHECK(slices[1].size() == 40'000);
  CHECK(take(buffer, 100'000) == "before " + std::string(40'000, 'x') + " behind");
  buffer.acknowledge(40'000);
  CHECK(pool.large_in_use() == 1);
  buffer.acknowledge(14);
  CHECK(pool.large_in_use() == 0);
  CHECK(buffer.pooled() == 0);
}

TEST_CASE("Bytes of a send buffer stay in place until they are acknowledged") {
  BlockPool pool;
  SendBuffer buffer{pool};
  const std::string text = pattern(Block::size + 100);
  buffer.append(as_bytes(text));
  std::array<Bytes, 8> before;
  REQUIRE(buffer.slices(before) == 2);
  buffer.hand_over(text.size());
  for (int i = 0; i < 100; ++i) buffer.append(as_bytes(text));
  CHECK(as_text(before[0]) == text.substr(0, Block::size));
  CHECK(as_text(before[1]) == text.substr(Block::size));
}

TEST_CASE("A send buffer keeps shared bytes alive until they are acknowledged, and no longer") {
  BlockPool pool;
  SendBuffer buffer{pool};
  auto owner = std::make_shared<std::string>("shared");
  const std::weak_ptr<std::string> watch = owner;
  buffer.append(SharedBytes{owner, as_bytes(*owner)});
  owner.reset();
  CHECK(take(buffer, 100) == "shared");
  buffer.acknowledge(5);
  CHECK(!watch.expired());
  buffer.acknowledge(1);
  CHECK(watch.expired());
  CHECK(buffer.size() == 0);
}

TEST_CASE("Empty shared bytes leave no trace in a send buffer") {
  BlockPool pool;
  SendBuffer buffer{pool};
  buffer.append(SharedBytes{});
  std::array<Bytes, 8> slices;
  CHECK(buffer.slices(slices) == 0);
  CHECK(buffer.size() == 0);
}

TEST_CASE("A send buffer gives as many slices as there is room for") {
  BlockPool pool;
  SendBuffer buffer{pool};
  for (const char* part : {"a", "b", "c"}) buffer.append(SharedBytes{std::string{part}});
  CHECK(take(buffer, 100, 2) == "ab");
  CHECK(take(buffer, 100, 2) == "c");
}

TEST_CASE("Acknowledged blocks are used again") {
  BlockPool pool;
  SendBuffer buffer{pool};
  const std::string text = pattern(3 * Block::size);
  for (int round = 0; round < 50; ++round) {
    buffer.append(as_bytes(text));
    CHECK(take(buffer, text.size()) == text);
    buffer.acknowledge(text.size());
    CHECK(pool.in_use() == 0);
    CHECK(pool.spare() == 3);
  }
  pool.trim();
  CHECK(pool.spare() == 1);
}

TEST_CASE("A pool forgets what one large burst needed, and keeps no more than its limit") {
  BlockPool pool;
  SendBuffer buffer{pool};
  const auto burst = [&](std::size_t blocks) {
    buffer.append(as_bytes(pattern(blocks * Block::size)));
    buffer.hand_over(blocks * Block::size);
    buffer.acknowledge(blocks * Block::size);
  };
  burst(100);
  CHECK(pool.spare() == BlockPool::max_spare);
  for (int round = 0; round < 50; ++round) burst(2);
  CHECK(pool.spare() == 2);
}

TEST_CASE("Writing goes on in a block whose bytes were all handed over or acknowledged") {
  BlockPool pool;
  SendBuffer buffer{pool};
  buffer.append(as_bytes("abc"));
  CHECK(take(buffer, 3) == "abc");
  buffer.append(as_bytes("def"));
  CHECK(take(buffer, 1) == "d");
  CHECK(pool.in_use() == 1);
  buffer.acknowledge(4);
  CHECK(take(buffer, 9) == "ef");
  buffer.acknowledge(2);
  buffer.append(as_bytes("ghi"));
  CHECK(take(buffer, 9) == "ghi");
}

TEST_CASE("A cleared send buffer holds nothing and can be used again") {
  BlockPool pool;
  SendBuffer buffer{pool};
  buffer.append(as_bytes(pattern(2 * Block::size)));
  buffer.hand_over(5);
  buffer.clear();
  CHECK(buffer.size() == 0);
  CHECK(buffer.pooled() == 0);
  CHECK(pool.in_use() == 0);
  buffer.append(as_bytes("x"));
  CHECK(take(buffer, 9) == "x");
}

TEST_CASE("A send buffer survives any order of writes, sends and acknowledgements") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  const auto up_to = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit}(random);
  };
  BlockPool pool;
  SendBuffer buffer{pool};
  auto block = std::make_unique<LargeBlock>();
  std::string written;
  std::string sent;
  std::size_t acknowledged = 0;
  for (int step = 0; step < 5000; ++step) {
    const std::string text = pattern(up_to(step % 7 == 0 ? 40'000 : 900));
    switch (up_to(4)) {
      case 0:
        buffer.append(as_bytes(text));
        written += text;
        break;
      case 1:
        buffer.append(SharedBytes{text});
        written += text;
        break;
      case 2:
        if (text.empty()) break;
        std::ranges::copy(as_bytes(text), block->bytes.begin());
        buffer.append(block, text.size());
        written += text;
        break;
      case 3:
        sent += take(buffer, up_to(30'000));
        break;
      default:
        const std::size_t bytes = up_to(sent.size() - acknowledged);
        buffer.acknowledge(bytes);
        acknowledged += bytes;
    }
    REQUIRE(buffer.size() == written.size() - acknowledged);
    REQUIRE(buffer.unsent() == written.size() - sent.size());
  }
  while (buffer.unsent() > 0) sent += take(buffer, 100'000);
  CHECK(sent == written);
  buffer.acknowledge(buffer.size());
  CHECK(pool.in_use() == 0);
  CHECK(pool.large_in_use() == 0);
}
