// SPDX-License-Identifier: MIT
/// Which connection a connection ID belongs to. The hash is keyed, because strangers choose
/// some of the IDs (RFC 9000 §5.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <unordered_map>

#include <ngtcp2/ngtcp2.h>
#include <openssl/mem.h>
#include <openssl/siphash.h>

namespace quoin::quic {

/// Connection ID -> slot of the connection.
class CidMap {
 public:
  explicit CidMap(std::array<std::uint64_t, 2> key) : map_(16, Hash{key}) {}

  void insert(const ngtcp2_cid& cid, std::uint32_t slot) {
    last_ = nullptr;
    map_.insert_or_assign(Key{cid}, slot);
  }

  /// Removes the ID if it still belongs to `slot`.
  void erase(const ngtcp2_cid& cid, std::uint32_t slot) {
    const auto found = map_.find(Key{cid});
    if (found != map_.end() && found->second == slot) {
      last_ = nullptr;
      map_.erase(found);
    }
  }

  [[nodiscard]] std::array<std::uint64_t, 2> key() const { return map_.hash_function().secret; }

  [[nodiscard]] bool contains(const ngtcp2_cid& cid) const { return map_.contains(Key{cid}); }

  [[nodiscard]] std::optional<std::uint32_t> find(const std::uint8_t* data, std::size_t size) {
    if (size > NGTCP2_MAX_CIDLEN) {
      return std::nullopt;
    }
    if (!last_ || size != last_->first.size ||
        CRYPTO_memcmp(data, last_->first.octets.data(), size) != 0) {
      const auto found = map_.find(Key{data, size});
      if (found == map_.end()) {
        return std::nullopt;
      }
      last_ = &*found;
    }
    return last_->second;
  }

 private:
  struct Key {
    explicit Key(const ngtcp2_cid& cid) : Key(cid.data, cid.datalen) {}

    Key(const std::uint8_t* data, std::size_t length) : size(static_cast<std::uint8_t>(length)) {
      std::memcpy(octets.data(), data, length);
    }

    friend bool operator==(const Key&, const Key&) = default;

    std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> octets{};
    std::uint8_t size;
  };

  struct Hash {
    std::array<std::uint64_t, 2> secret;

    // Not noexcept: libstdc++ then keeps the hashes, else it computes those of a bucket's other
    // keys again whenever it looks for one.
    [[nodiscard]] std::size_t operator()(const Key& key) const {
      return SIPHASH_24(secret.data(), key.octets.data(), key.size);
    }
  };

  using Map = std::unordered_map<Key, std::uint32_t, Hash>;

  Map map_;
  const Map::value_type* last_ = nullptr;  // what was found last: datagrams come in trains
};

}  // namespace quoin::quic
