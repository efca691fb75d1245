// SPDX-License-Identifier: MIT
/// The backend on Linux sockets and io_uring, where the kernel supports it. Not the default:
/// docs/decisions has the measurements.
#pragma once

#include <quoin/version.hpp>

#include <memory>

#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>

namespace quoin::inline v0::io {

/// Whether uring_backend() works here: found out on the first call by making a ring and receiving
/// on it, and remembered. Errors: system, with a sentence about what is missing: ENOSYS (a kernel
/// or a build without io_uring), EPERM (switched off by sysctl kernel.io_uring_disabled, or by the
/// rules of a sandbox), EINVAL (older than Linux 6.1).
[[nodiscard]] QUOIN_EXPORT Result<void> uring_support();

/// Makes an io_uring backend: multishot receives into buffers lent to the kernel, with receive
/// offload, and trains with segmentation offload, many in one submission; otherwise like
/// epoll_backend(). Where uring_support() has an error it is an epoll backend, whose describe()
/// says why. It may move to another thread; then, or if it is destroyed by a thread that did not
/// run it last, a closed port becomes free only a moment later.
[[nodiscard]] QUOIN_EXPORT std::unique_ptr<Backend> uring_backend(
    const SocketOptions& options = {});

}  // namespace quoin::inline v0::io
