// SPDX-License-Identifier: MIT
/// Primitives from BoringSSL.

#include "tls/crypto.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

#include <openssl/aes.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/siphash.h>

#include "base/octets.hpp"

namespace quoin::inline v0::tls {

bool constant_time_equal(const std::uint8_t* one, const std::uint8_t* other,
                         std::size_t size) noexcept {
  return CRYPTO_memcmp(one, other, size) == 0;
}

std::uint64_t sip_hash(const SipHashKey& key, const std::uint8_t* data, std::size_t size) noexcept {
  return SIPHASH_24(key.data(), data, size);
}

bool derive_key(std::span<std::uint8_t> key, std::string_view secret,
                std::string_view label) noexcept {
  return HKDF(key.data(), key.size(), EVP_sha256(), to_octets(secret), secret.size(), nullptr, 0,
              to_octets(label), label.size()) == 1;
}

Aes128::Aes128(std::span<const std::uint8_t, key_size> key) noexcept {
  static_assert(sizeof(Schedule) >= sizeof(AES_KEY) && alignof(Schedule) >= alignof(AES_KEY));
  static_assert(std::is_trivially_copyable_v<AES_KEY> && block_size == AES_BLOCK_SIZE);
  AES_set_encrypt_key(key.data(), key_size * 8, ::new (encrypt_.room.data()) AES_KEY);
  AES_set_decrypt_key(key.data(), key_size * 8, ::new (decrypt_.room.data()) AES_KEY);
}

void Aes128::encrypt(std::span<std::uint8_t, block_size> block) const noexcept {
  AES_encrypt(block.data(), block.data(),
              std::launder(reinterpret_cast<const AES_KEY*>(encrypt_.room.data())));
}

void Aes128::decrypt(std::span<std::uint8_t, block_size> block) const noexcept {
  AES_decrypt(block.data(), block.data(),
              std::launder(reinterpret_cast<const AES_KEY*>(decrypt_.room.data())));
}

void KeyedHash::Deleter::operator()(hmac_ctx_st* context) const noexcept { HMAC_CTX_free(context); }

KeyedHash::KeyedHash(std::span<const std::uint8_t> key) : keyed_(HMAC_CTX_new()) {
  if (keyed_ && HMAC_Init_ex(keyed_.get(), key.data(), key.size(), EVP_sha256(), nullptr) != 1) {
    keyed_.reset();
  }
}

bool KeyedHash::digest(std::span<const std::uint8_t> data,
                       std::span<std::uint8_t, digest_size> out) noexcept {
  // Without a key argument it restarts with its current key.
  return keyed_ && HMAC_Init_ex(keyed_.get(), nullptr, 0, nullptr, nullptr) == 1 &&
         HMAC_Update(keyed_.get(), data.data(), data.size()) == 1 &&
         HMAC_Final(keyed_.get(), out.data(), nullptr) == 1;
}

}  // namespace quoin::inline v0::tls
