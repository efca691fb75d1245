// SPDX-License-Identifier: MIT
/// How a test makes an epoll backend whose system calls fail. Not public.
#pragma once

#include <memory>
#include <string>

#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>

#include "io/udp/socket_calls.hpp"

namespace quoin::inline v0::io {

/// As epoll_backend(options), with the calls to use, which must outlive it, and the name that
/// describe() begins with.
[[nodiscard]] std::unique_ptr<Backend> epoll_backend(const SocketOptions& options,
                                                     SocketCalls& calls,
                                                     std::string name = "epoll");

}  // namespace quoin::inline v0::io
