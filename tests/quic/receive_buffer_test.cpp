// SPDX-License-Identifier: MIT
/// The receive buffer: what came in goes out once and in order, in pieces of any size.
#include "quic/streams/receive_buffer.hpp"

#include <cstddef>
#include <random>
#include <string>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>

#include "quic/streams/block_pool.hpp"

using namespace quoin;
using quic::Block;
using quic::BlockPool;
using quic::ReceiveBuffer;

TEST_CASE("A receive buffer gives back what was put in") {
  BlockPool pool;
  ReceiveBuffer buffer{pool};
  CHECK(buffer.front().empty());
  buffer.append(as_bytes("hello "));
  buffer.append(as_bytes("world"));
  CHECK(as_text(buffer.front()) == "hello world");
  buffer.consume(6);
  CHECK(as_text(buffer.front()) == "world");
  buffer.consume(5);
  CHECK(buffer.empty());
  CHECK(pool.in_use() == 0);
}

TEST_CASE("What a receive buffer shows stays in place while more comes in") {
  BlockPool pool;
  ReceiveBuffer buffer{pool};
  buffer.append(as_bytes("abc"));
  const Bytes shown = buffer.front();
  for (int i = 0; i < 20; ++i) buffer.append(as_bytes(std::string(Block::size, 'x')));
  CHECK(as_text(shown) == "abc");
}

TEST_CASE("A receive buffer uses its memory again") {
  BlockPool pool;
  ReceiveBuffer buffer{pool};
  const std::string part(1000, 'y');
  for (int i = 0; i < 1000; ++i) {
    buffer.append(as_bytes(part));
    if (i >= 10) buffer.consume(part.size());
    CHECK(pool.in_use() <= 3);
  }
}

TEST_CASE("A cleared receive buffer holds nothing and can be used again") {
  BlockPool pool;
  ReceiveBuffer buffer{pool};
  buffer.append(as_bytes(std::string(3 * Block::size, 'z')));
  buffer.clear();
  CHECK(buffer.empty());
  CHECK(pool.in_use() == 0);
  buffer.append(as_bytes("a"));
  CHECK(as_text(buffer.front()) == "a");
}

TEST_CASE("A receive buffer survives any order of appending and consuming") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  const auto up_to = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit}(random);
  };
  BlockPool pool;
  ReceiveBuffer buffer{pool};
  std::string in;
  std::string out;
  for (int step = 0; step < 5000; ++step) {
    if (up_to(1) == 0) {
      std::string text(up_to(step % 9 == 0 ? 50'000 : 1500), '\0');
      for (char& c : text) c = static_cast<char>(up_to(255));
      buffer.append(as_bytes(text));
      in += text;
    } else {
      const std::string_view shown = as_text(buffer.front());
      const std::size_t taken = up_to(shown.size());
      out += shown.substr(0, taken);
      buffer.consume(taken);
    }
    REQUIRE(buffer.size() == in.size() - out.size());
  }
  while (!buffer.empty()) {
    out += as_text(buffer.front());
    buffer.consume(buffer.front().size());
  }
  CHECK((in == out));
  CHECK(pool.in_use() == 0);
}
