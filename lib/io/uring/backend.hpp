// SPDX-License-Identifier: MIT
/// How uring_backend() makes its backend, and how a test makes one whose system calls fail. Not
/// public, and without liburing's types.
#pragma once

#include <memory>

#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>

#include "io/udp/socket_calls.hpp"

namespace quoin::inline v0::io {

/// Sends through a ring of its own: as sendmmsg() does, as many messages as one submission takes.
/// Without a ring (the kernel has none left) it calls sendmmsg().
[[nodiscard]] std::unique_ptr<SocketCalls> uring_calls();

/// An io_uring backend, or why there is none. `calls` must outlive it; null: uring_calls().
[[nodiscard]] Result<std::unique_ptr<Backend>> make_uring_backend(const SocketOptions& options,
                                                                  SocketCalls* calls = nullptr);

}  // namespace quoin::inline v0::io
