// SPDX-License-Identifier: MIT
/// Whether io_uring works, and the fallback.

#include <cerrno>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/io/uring.hpp>

#include "io/udp/epoll_backend.hpp"
#include "io/udp/socket_backend.hpp"
#include "io/udp/socket_calls.hpp"
#include "io/uring/backend.hpp"

namespace quoin::inline v0::io {

#ifndef QUOIN_HAS_URING
Result<std::unique_ptr<Backend>> make_uring_backend(const SocketOptions& /*options*/,
                                                    SocketCalls* /*calls*/) {
  return failed(ENOSYS, "quoin was built without liburing");
}

std::unique_ptr<SocketCalls> uring_calls() { return std::make_unique<SocketCalls>(); }
#endif

Result<void> uring_support() {
  static const Result<void> support = [] -> Result<void> {
    auto made = make_uring_backend({});
    if (!made) return std::unexpected(std::move(made).error());
    return {};
  }();
  return support;
}

std::unique_ptr<Backend> uring_backend(const SocketOptions& options) {
  Result<void> support = uring_support();
  if (support) {
    auto made = make_uring_backend(options);
    if (made) return std::move(*made);
    support = std::unexpected(std::move(made).error());  // too many of them, for example
  }
  return epoll_backend(
      options, system_calls(),
      "epoll (io_uring cannot be used: " + std::string{support.error().detail()} + ")");
}

}  // namespace quoin::inline v0::io
