// SPDX-License-Identifier: MIT
/// What goes over the wire, as backends and the engine hand it to each other. No I/O in here.
#pragma once

#include <cstddef>
#include <cstdint>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>

namespace quoin::inline v0 {

/// The two ends of a datagram's way. `local` is the address it was received on or leaves from,
/// never the unspecified address for something received.
struct Path {
  Address local;   ///< our end
  Address remote;  ///< the peer's end

  friend bool operator==(const Path&, const Path&) = default;
};

/// The ECN field of the IP header (RFC 3168 §5).
enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

/// One UDP payload, or a train of them `segment_size` bytes apart, of which the last may be
/// shorter (segmentation offload when sent, receive offload when received).
struct Datagram {
  Path path;                     ///< whence and whither
  Bytes payload;                 ///< who owns it is said where a Datagram is handed over
  std::size_t segment_size = 0;  ///< bytes; 0: `payload` is a single datagram
  Ecn ecn = Ecn::not_ect;        ///< the mark on each datagram of the train
};

}  // namespace quoin::inline v0
