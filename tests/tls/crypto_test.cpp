// SPDX-License-Identifier: MIT
/// The primitives give what their specifications say, and again when they are used again.

#include "tls/crypto.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "base/octets.hpp"

namespace quoin::test {

namespace {

std::array<std::uint8_t, 16> count_up() {
  std::array<std::uint8_t, 16> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(i);
  return octets;
}

}  // namespace

TEST_CASE("AES-128 encrypts the block of FIPS 197, and decrypts it") {
  const tls::Aes128 aes{count_up()};
  std::array<std::uint8_t, 16> block{};
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::uint8_t>(0x11 * i);
  const auto plain = block;
  aes.encrypt(block);
  CHECK(to_hex(block) == "69c4e0d86a7b0430d8cdb78070b4c55a");
  const tls::Aes128 copy = aes;
  copy.decrypt(block);
  CHECK(block == plain);
}

TEST_CASE("SipHash-2-4 gives the value of its paper") {
  const tls::SipHashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  CHECK(tls::sip_hash(key, count_up().data(), 15) == 0xa129ca6149be45e5);
}

TEST_CASE("a keyed hash gives the HMAC of RFC 4231, time and again") {
  constexpr std::string_view key = "Jefe";
  constexpr std::string_view data = "what do ya want for nothing?";
  tls::KeyedHash hash{{to_octets(key), key.size()}};
  for (int i = 0; i < 2; ++i) {
    std::array<std::uint8_t, 32> digest{};
    REQUIRE(hash.digest({to_octets(data), data.size()}, digest));
    CHECK(to_hex(digest) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  }
  std::array<std::uint8_t, 32> untouched{};
  CHECK_FALSE(tls::KeyedHash{}.digest({to_octets(data), data.size()}, untouched));
}

TEST_CASE("keys for two purposes differ, and are the same the next time") {
  std::array<std::uint8_t, 32> one{};
  std::array<std::uint8_t, 32> other{};
  std::array<std::uint8_t, 32> again{};
  REQUIRE(tls::derive_key(one, "secret", "purpose"));
  REQUIRE(tls::derive_key(other, "secret", "another purpose"));
  REQUIRE(tls::derive_key(again, "secret", "purpose"));
  CHECK(one != other);
  CHECK(one == again);
}

TEST_CASE("octets are compared to the last one") {
  auto one = count_up();
  const auto other = one;
  CHECK(tls::constant_time_equal(one.data(), other.data(), one.size()));
  one.back() ^= 1U;
  CHECK_FALSE(tls::constant_time_equal(one.data(), other.data(), one.size()));
  CHECK(tls::constant_time_equal(one.data(), other.data(), one.size() - 1));
}

}  // namespace quoin::test
