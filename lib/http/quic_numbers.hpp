// SPDX-License-Identifier: MIT
/// From the connections that a QUIC endpoint has news of to those of a Server or Client. Not
/// public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <quoin/quic/connection.hpp>

#include "http/connection_number.hpp"

namespace quoin::inline v0 {

/// The numbers of the connections of one endpoint. A connection that is over keeps its number until
/// its slot is another's, so that late news of it do not look like a new one.
class QuicNumbers {
 public:
  /// The place for the connection's number; none if it was given none yet.
  [[nodiscard]] ConnectionNumber& operator[](quic::ConnectionKey key) {
    if (key.slot >= places_.size()) places_.resize(std::size_t{key.slot} + 1);
    Place& place = places_[key.slot];
    if (place.generation != key.generation) place = {.generation = key.generation};
    return place.number;
  }

 private:
  struct Place {
    std::uint32_t generation = 0;
    ConnectionNumber number = ConnectionNumber::none;
  };

  std::vector<Place> places_;  // by slot
};

}  // namespace quoin::inline v0
