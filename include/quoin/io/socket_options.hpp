// SPDX-License-Identifier: MIT
/// Options of the UDP sockets of any backend.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>

namespace quoin::inline v0::io {

/// Everything is on by default and turned off automatically where the kernel or the network device
/// does not support it.
struct SocketOptions {
  bool segmentation_offload = true;              ///< UDP_SEGMENT (GSO) when sending
  bool receive_offload = true;                   ///< UDP_GRO when receiving
  bool ecn = true;                               ///< mark and report ECN
  std::size_t receive_buffer = 4 * 1024 * 1024;  ///< bytes asked of SO_RCVBUF; 0: system default
  std::size_t send_buffer = 4 * 1024 * 1024;     ///< bytes asked of SO_SNDBUF; 0: system default
  /// How many backends, each on a thread of its own, open the same addresses (SO_REUSEPORT); 1 to
  /// 128. The kernel gives each datagram to one of them: to number N, in the order in which they
  /// opened the address, if the first byte of the destination connection ID modulo this number is
  /// N. Give their endpoints quic::worker_cids(), so that connections stay where they are when
  /// clients move; see quoin/workers.hpp.
  unsigned workers = 1;
};

}  // namespace quoin::inline v0::io
