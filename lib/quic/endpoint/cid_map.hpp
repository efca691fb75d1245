// SPDX-License-Identifier: MIT
/// Which connection a connection ID belongs to. The hash is keyed, because strangers choose
/// some of the IDs (RFC 9000 §5.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include "tls/crypto.hpp"

namespace quoin::inline v0::quic {

/// Connection ID -> slot of the connection. Open addressing with linear probing: a connection has
/// about nine IDs, which all come and go with it, and following the nodes of a std::unordered_map
/// was the costliest thing an endpoint did in a handshake.
class CidMap {
 public:
  using Secret = tls::SipHashKey;

  explicit CidMap(const Secret& key) : key_(key), places_(least_places) {}

  /// Replaces any earlier owner of the ID.
  void insert(const ngtcp2_cid& cid, std::uint32_t slot);

  /// Removes the ID if it still belongs to `slot`.
  void erase(const ngtcp2_cid& cid, std::uint32_t slot);

  [[nodiscard]] const Secret& key() const noexcept { return key_; }

  [[nodiscard]] bool contains(const ngtcp2_cid& cid) const noexcept {
    return places_[place_of(cid.data, cid.datalen, hash(cid.data, cid.datalen))].is_taken;
  }

  [[nodiscard]] std::optional<std::uint32_t> find(const std::uint8_t* data, std::size_t size);

 private:
  static constexpr std::size_t least_places = 32;

  struct Place {
    std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> octets{};
    std::uint8_t size = 0;
    bool is_taken = false;
    std::uint32_t slot = 0;
    std::uint32_t hash = 0;

    [[nodiscard]] bool holds(const std::uint8_t* data, std::size_t length) const noexcept;
  };

  [[nodiscard]] std::uint32_t hash(const std::uint8_t* data, std::size_t size) const noexcept;
  /// The place of the ID, or the free place where it belongs.
  [[nodiscard]] std::size_t place_of(const std::uint8_t* data, std::size_t size,
                                     std::uint32_t hash) const noexcept;

  [[nodiscard]] std::size_t after(std::size_t place) const noexcept {
    return (place + 1) & (places_.size() - 1);
  }

  void grow();

  Secret key_;
  std::vector<Place> places_;  ///< a power of two, of which a quarter or more is free
  std::size_t taken_ = 0;
  std::size_t last_ = 0;  ///< the last result: datagrams come in trains
};

}  // namespace quoin::inline v0::quic
