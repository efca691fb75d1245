// SPDX-License-Identifier: MIT
/// How a test makes an epoll backend whose system calls fail. Not public.
#pragma once

#include <memory>

#include <quoin/io/backend.hpp>
#include <quoin/io/epoll.hpp>

#include "io/socket_calls.hpp"

namespace quoin::io {

/// As epoll_backend(options), with the calls to use, which must outlive it.
[[nodiscard]] std::unique_ptr<Backend> epoll_backend(const EpollOptions& options,
                                                     SocketCalls& calls);

}  // namespace quoin::io
