// SPDX-License-Identifier: MIT
/// Events on a connection's path: migration, rebinding and the size of datagrams. To change the
/// path, see Connection::migrate().
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>

#include <quoin/datagram.hpp>
#include <quoin/error.hpp>

namespace quoin::inline v0::quic {

/// News about a path (RFC 9000 §9). A value.
struct PathEvent {
  /// What happened.
  enum class Type : std::uint8_t {
    probing,    ///< `path` is being validated (RFC 9000 §8.2)
    validated,  ///< the peer has answered on `path`
    failed,     ///< `path` is not used, for the reason `error`; the connection stays where it is
    changed,    ///< packets use `path` from now on
    mtu,        ///< the largest datagram for `path` is `udp_payload` bytes from now on
  };
  Type type{};                  ///< what happened
  Path path{};                  ///< which path it is about
  Error error{};                ///< Type::failed: LocalError::no_answer, or what forbids the move
  std::size_t udp_payload = 0;  ///< the largest UDP payload on the path in use, bytes
};

/// How many of these events may wait to be polled; beyond that the oldest is dropped, because the
/// newest tell the current state.
inline constexpr std::size_t max_path_events = 16;

}  // namespace quoin::inline v0::quic
