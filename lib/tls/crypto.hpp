// SPDX-License-Identifier: MIT
/// The few TLS library primitives that the rooms above need, as values without its types. Nothing
/// here allocates after construction. Not public.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct hmac_ctx_st;  // NOLINT(readability-identifier-naming): BoringSSL names it so

namespace quoin::inline v0::tls {

/// Takes the same time wherever they differ.
[[nodiscard]] bool constant_time_equal(const std::uint8_t* one, const std::uint8_t* other,
                                       std::size_t size) noexcept;

using SipHashKey = std::array<std::uint64_t, 2>;

/// SipHash-2-4: for tables whose keys are chosen by peers.
[[nodiscard]] std::uint64_t sip_hash(const SipHashKey& key, const std::uint8_t* data,
                                     std::size_t size) noexcept;

/// Fills `key` from `secret` by HKDF with SHA-256 (RFC 5869); `label` names the purpose, so that no
/// other purpose gets the same key. False: no memory.
[[nodiscard]] bool derive_key(std::span<std::uint8_t> key, std::string_view secret,
                              std::string_view label) noexcept;

/// AES with a key of 128 bits, block by block.
class Aes128 {
 public:
  static constexpr std::size_t key_size = 16;
  static constexpr std::size_t block_size = 16;

  explicit Aes128(std::span<const std::uint8_t, key_size> key) noexcept;

  /// In place.
  void encrypt(std::span<std::uint8_t, block_size> block) const noexcept;
  void decrypt(std::span<std::uint8_t, block_size> block) const noexcept;

 private:
  // Room for the library's own type: these are made for one connection ID, too.
  struct Schedule {
    alignas(std::max_align_t) std::array<std::byte, 256> room;
  };

  Schedule encrypt_;
  Schedule decrypt_;
};

/// HMAC with SHA-256 and a key prepared once.
class KeyedHash {
 public:
  static constexpr std::size_t digest_size = 32;

  KeyedHash() = default;  ///< has no key
  explicit KeyedHash(std::span<const std::uint8_t> key);

  /// False: no key, or no memory.
  [[nodiscard]] bool digest(std::span<const std::uint8_t> data,
                            std::span<std::uint8_t, digest_size> out) noexcept;

 private:
  struct Deleter {
    void operator()(hmac_ctx_st* context) const noexcept;
  };

  std::unique_ptr<hmac_ctx_st, Deleter> keyed_;
};

}  // namespace quoin::inline v0::tls
