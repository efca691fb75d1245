// SPDX-License-Identifier: MIT
/// The backend on Linux sockets and epoll. Most programs need only io::system_backend().
#pragma once

#include <quoin/version.hpp>

#include <memory>

#include <quoin/export.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>

namespace quoin::inline v0::io {

/// Makes an epoll backend: recvmmsg with receive offload, segmentation offload, source addresses
/// (IP_PKTINFO), the DF flag always set.
[[nodiscard]] QUOIN_EXPORT std::unique_ptr<Backend> epoll_backend(
    const SocketOptions& options = {});

}  // namespace quoin::inline v0::io
