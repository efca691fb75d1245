// SPDX-License-Identifier: MIT
/// The table of connection IDs: search, insertion, and removal that leaves no gaps.
#include "quic/endpoint/cid_map.hpp"

#include <algorithm>
#include <utility>

#include "tls/crypto.hpp"

namespace quoin::inline v0::quic {

bool CidMap::Place::holds(const std::uint8_t* data, std::size_t length) const noexcept {
  // In constant time, because stateless reset tokens are looked up as well (RFC 9000 §10.3.1).
  return is_taken && size == length && tls::constant_time_equal(octets.data(), data, length);
}

std::uint32_t CidMap::hash(const std::uint8_t* data, std::size_t size) const noexcept {
  return static_cast<std::uint32_t>(tls::sip_hash(key_, data, size));
}

std::size_t CidMap::place_of(const std::uint8_t* data, std::size_t size,
                             std::uint32_t hash) const noexcept {
  std::size_t place = hash & (places_.size() - 1);
  while (places_[place].is_taken &&
         (places_[place].hash != hash || !places_[place].holds(data, size))) {
    place = after(place);
  }
  return place;
}

void CidMap::insert(const ngtcp2_cid& cid, std::uint32_t slot) {
  if ((taken_ + 1) * 4 > places_.size() * 3) grow();
  const std::uint32_t hashed = hash(cid.data, cid.datalen);
  Place& place = places_[place_of(cid.data, cid.datalen, hashed)];
  if (!place.is_taken) {
    ++taken_;
    place.is_taken = true;
    place.size = static_cast<std::uint8_t>(cid.datalen);
    place.hash = hashed;
    std::copy_n(cid.data, cid.datalen, place.octets.begin());
  }
  place.slot = slot;
}

void CidMap::erase(const ngtcp2_cid& cid, std::uint32_t slot) {
  std::size_t hole = place_of(cid.data, cid.datalen, hash(cid.data, cid.datalen));
  if (!places_[hole].is_taken || places_[hole].slot != slot) return;
  --taken_;
  // Entries displaced by this one move back, or a search would end at the hole.
  const std::size_t mask = places_.size() - 1;
  for (std::size_t next = after(hole); places_[next].is_taken; next = after(next)) {
    const std::size_t home = places_[next].hash & mask;
    if (((next - home) & mask) >= ((next - hole) & mask)) {
      places_[hole] = places_[next];
      hole = next;
    }
  }
  places_[hole] = {};
}

std::optional<std::uint32_t> CidMap::find(const std::uint8_t* data, std::size_t size) {
  if (size > NGTCP2_MAX_CIDLEN) return std::nullopt;
  if (!places_[last_].holds(data, size)) {
    const std::size_t place = place_of(data, size, hash(data, size));
    if (!places_[place].is_taken) return std::nullopt;
    last_ = place;
  }
  return places_[last_].slot;
}

void CidMap::grow() {
  std::vector<Place> fuller(places_.size() * 2);
  std::swap(fuller, places_);
  last_ = 0;
  for (const Place& place : fuller) {
    if (place.is_taken) places_[place_of(place.octets.data(), place.size, place.hash)] = place;
  }
}

}  // namespace quoin::inline v0::quic
