// SPDX-License-Identifier: MIT
/// A file descriptor that has an owner.
#pragma once

#include <unistd.h>

namespace quoin::io {

/// A descriptor, closed at the end; -1 for none.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace quoin::io
