// SPDX-License-Identifier: MIT
/// The backend on Linux sockets and epoll, with its options. Most programs need only
/// io::system_backend().
#pragma once

#include <cstddef>
#include <memory>

#include <quoin/export.hpp>
#include <quoin/io/backend.hpp>

namespace quoin::io {

/// What to ask of the sockets. Everything is on by default and turned off by itself where the
/// kernel or the network device does not play along.
struct EpollOptions {
  bool segmentation_offload = true;              ///< UDP_SEGMENT (GSO) when sending
  bool receive_offload = true;                   ///< UDP_GRO when receiving
  bool ecn = true;                               ///< mark and report ECN
  std::size_t receive_buffer = 4 * 1024 * 1024;  ///< bytes asked of SO_RCVBUF; 0: system default
  std::size_t send_buffer = 4 * 1024 * 1024;     ///< bytes asked of SO_SNDBUF; 0: system default
};

/// Makes an epoll backend: recvmmsg with receive offload, segmentation offload, source addresses
/// (IP_PKTINFO), the DF flag always set.
[[nodiscard]] QUOIN_EXPORT std::unique_ptr<Backend> epoll_backend(const EpollOptions& options = {});

}  // namespace quoin::io
