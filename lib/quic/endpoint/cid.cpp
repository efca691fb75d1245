// SPDX-License-Identifier: MIT
/// Connection IDs with a worker's number or a machine's ID in them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/cid.hpp>

#include "base/octets.hpp"
#include "tls/crypto.hpp"

namespace quoin::inline v0::quic {
namespace {

using Octets = std::span<std::uint8_t>;

constexpr std::size_t key_size = tls::Aes128::key_size;
constexpr std::size_t block_size = tls::Aes128::block_size;
using Block = std::array<std::uint8_t, block_size>;

constexpr std::size_t worker_cid_size = 12;
constexpr unsigned max_workers = 128;
constexpr std::size_t max_routed = 19;  // what fits behind the first octet
constexpr unsigned unroutable = 7;      // as a configuration

class WorkerCids final : public CidGenerator {
 public:
  WorkerCids(unsigned worker, unsigned workers) noexcept : worker_(worker), workers_(workers) {}

  [[nodiscard]] std::size_t size() const noexcept override { return worker_cid_size; }

  void generate(std::span<std::byte> cid) noexcept override {
    const auto any = std::to_integer<unsigned>(cid[0]);
    unsigned marked = any - any % workers_ + worker_;
    if (marked > UINT8_MAX) marked -= workers_;
    cid[0] = static_cast<std::byte>(marked);
  }

 private:
  unsigned worker_;
  unsigned workers_;
};

// The cipher of the draft over 5 to 19 octets: one block, or a Feistel network of four passes.
class CidCipher {
 public:
  explicit CidCipher(std::string_view key) noexcept
      : aes_(std::span<const std::uint8_t, key_size>{to_octets(key), key_size}) {}

  void encrypt(Octets text) const noexcept {
    if (text.size() == block_size) return aes_.encrypt(text.first<block_size>());
    for (unsigned pass = 1; pass <= 4; ++pass) mix(text, pass);
  }

  void decrypt(Octets text) const noexcept {
    if (text.size() == block_size) return aes_.decrypt(text.first<block_size>());
    for (unsigned pass = 4; pass >= 1; --pass) mix(text, pass);
  }

 private:
  // One pass: changes one half by the other. Passes 1 and 3 change the right half. Halves of an
  // odd number of octets share the one in the middle, four bits each.
  void mix(Octets text, unsigned pass) const noexcept {
    const std::size_t half = (text.size() + 1) / 2;
    const bool odd = text.size() % 2 != 0;
    const bool to_right = pass % 2 != 0;
    const Octets left = text.first(half);
    const Octets right = text.last(half);
    Block block{};
    std::ranges::copy(to_right ? left : right, block.begin());
    if (odd && to_right) block[half - 1] &= 0xf0U;
    if (odd && !to_right) block[0] &= 0x0fU;
    block[block_size - 2] = static_cast<std::uint8_t>(text.size());
    block[block_size - 1] = static_cast<std::uint8_t>(pass);
    aes_.encrypt(block);
    if (odd && to_right) block[0] &= 0x0fU;
    if (odd && !to_right) block[half - 1] &= 0xf0U;
    const Octets changed = to_right ? right : left;
    for (std::size_t i = 0; i < half; ++i) changed[i] ^= block[i];
  }

  tls::Aes128 aes_;
};

std::size_t routed_size(const RoutableCids& settings) noexcept {
  return settings.server_id.size() + settings.nonce_size;
}

std::uint8_t first_octet(const RoutableCids& settings) noexcept {
  return static_cast<std::uint8_t>(settings.config_rotation << 5U | routed_size(settings));
}

class RoutedCids final : public CidGenerator {
 public:
  explicit RoutedCids(RoutableCids settings) : settings_(std::move(settings)) {
    if (!settings_.key.empty()) cipher_.emplace(settings_.key);
  }

  [[nodiscard]] std::size_t size() const noexcept override { return 1 + routed_size(settings_); }

  void generate(std::span<std::byte> cid) noexcept override {
    cid[0] = std::byte{first_octet(settings_)};
    std::ranges::copy(as_bytes(settings_.server_id), cid.begin() + 1);
    if (!cipher_) return;
    // When encrypted, a nonce need not look random, but must not repeat.
    const std::span<std::byte> nonce = cid.last(settings_.nonce_size);
    if (counter_.empty()) {
      counter_.assign(nonce.begin(), nonce.end());
    }
    count();
    std::ranges::copy(counter_, nonce.begin());
    cipher_->encrypt({reinterpret_cast<std::uint8_t*>(cid.data()) + 1, cid.size() - 1});
  }

 private:
  void count() noexcept {
    for (std::byte& octet : counter_) {
      octet = static_cast<std::byte>(std::to_integer<unsigned>(octet) + 1);
      if (octet != std::byte{0}) return;
    }
  }

  RoutableCids settings_;
  std::optional<CidCipher> cipher_;
  std::vector<std::byte> counter_;  // begins with something random
};

std::unexpected<Error> refuse(std::string_view member, std::string_view range) {
  return std::unexpected(
      Error{UsageError::invalid_argument, std::string{member} + ": must be " + std::string{range}});
}

Result<> validate(const RoutableCids& settings) {
  if (settings.config_rotation >= unroutable) {
    return refuse("RoutableCids::config_rotation", "0 to 6");
  }
  if (settings.server_id.empty() || settings.server_id.size() > 15) {
    return refuse("RoutableCids::server_id", "1 to 15 bytes");
  }
  if (settings.nonce_size < 4 || routed_size(settings) > max_routed) {
    return refuse("RoutableCids::nonce_size", "4 or more, with server_id at most 19");
  }
  if (!settings.key.empty() && settings.key.size() != key_size) {
    return refuse("RoutableCids::key", "16 bytes, or empty");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<CidGenerator>> worker_cids(unsigned worker, unsigned workers) {
  if (workers < 1 || workers > max_workers) return refuse("worker_cids: workers", "1 to 128");
  if (worker >= workers) return refuse("worker_cids: worker", "below workers");
  return std::make_shared<WorkerCids>(worker, workers);
}

Result<std::shared_ptr<CidGenerator>> routable_cids(const RoutableCids& settings) {
  if (const Result<> valid = validate(settings); !valid) return std::unexpected(valid.error());
  return std::make_shared<RoutedCids>(settings);
}

std::optional<std::string> server_id_of(Bytes cid, const RoutableCids& settings) {
  // A balancer sees the whole packet behind the ID.
  if (!validate(settings) || cid.size() < 1 + routed_size(settings) ||
      cid[0] != std::byte{first_octet(settings)}) {
    return std::nullopt;
  }
  std::string text{as_text(cid.subspan(1, routed_size(settings)))};
  if (!settings.key.empty()) {
    CidCipher{settings.key}.decrypt({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  }
  text.resize(settings.server_id.size());
  return text;
}

}  // namespace quoin::inline v0::quic
