// SPDX-License-Identifier: MIT
/// What goes over the wire, as backends and the engine exchange it, and what a backend reports to
/// the engine. No I/O here.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>

namespace quoin::inline v0 {

/// The two ends of a datagram's path. `local` is the address it was received on or leaves from,
/// never the unspecified address for something received.
struct Path {
  Address local{};   ///< our end
  Address remote{};  ///< the peer's end

  friend bool operator==(const Path&, const Path&) = default;
};

/// The ECN field of the IP header (RFC 3168 §5).
enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

/// One UDP payload, or a train of them `segment_size` bytes apart, of which the last may be
/// shorter (segmentation offload when sent, receive offload when received).
struct Datagram {
  Path path{};                   ///< from and to
  Bytes payload{};               ///< the function that takes or returns a Datagram says who owns it
  std::size_t segment_size = 0;  ///< bytes; 0: `payload` is a single datagram
  Ecn ecn = Ecn::not_ect;        ///< the mark on each datagram of the train
};

/// What the sockets of a backend can do. It may change while a backend runs: an offload that fails
/// is turned off permanently.
struct Capabilities {
  /// True: the backend cannot promise that its datagrams are never fragmented on the way, so the
  /// engine stays at 1200 bytes and does not probe for more (RFC 9000 §14).
  bool may_fragment = true;
  /// The longest train one Datagram for send() may be, in datagrams; 1: no segmentation offload.
  std::size_t max_send_segments = 1;
  /// Received datagrams may come as trains (receive offload).
  bool receive_offload = false;
  /// ECN marks are sent and reported.
  bool ecn = false;
};

/// An error on a path, for example an ICMP message. Not authenticated: it may be forged, so the
/// engine believes it only before the handshake is complete.
struct PathError {
  Path path{};    ///< the path it is about; `local` may be the unspecified address
  Error error{};  ///< domain system: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES or EPERM;
                  ///< EMSGSIZE, too large for the path, counts as a loss like any other
};

}  // namespace quoin::inline v0
