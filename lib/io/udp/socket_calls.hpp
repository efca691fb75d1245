// SPDX-License-Identifier: MIT
/// The system calls on a UDP socket that can fail in interesting ways, as a seam: a test makes
/// the Nth call fail. Not an abstraction of operating systems.
#pragma once

#include <sys/socket.h>

namespace quoin::inline v0::io {

/// The system's own calls; a test overrides what it wants to fail.
class SocketCalls {
 public:
  SocketCalls() = default;
  SocketCalls(const SocketCalls&) = delete;
  SocketCalls& operator=(const SocketCalls&) = delete;
  virtual ~SocketCalls() = default;

  virtual int set_option(int fd, int level, int name, const void* value, socklen_t size) {
    return setsockopt(fd, level, name, value, size);
  }

  virtual int send_messages(int fd, mmsghdr* messages, unsigned count) {
    return sendmmsg(fd, messages, count, MSG_DONTWAIT);
  }

  virtual int receive_messages(int fd, mmsghdr* messages, unsigned count) {
    return recvmmsg(fd, messages, count, MSG_DONTWAIT, nullptr);
  }

  virtual ssize_t receive_error(int fd, msghdr* message) {
    return recvmsg(fd, message, MSG_ERRQUEUE | MSG_DONTWAIT);
  }
};

/// The system's own calls; never destroyed.
[[nodiscard]] SocketCalls& system_calls() noexcept;

}  // namespace quoin::inline v0::io
